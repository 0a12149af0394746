/* The tools over HTTP: who is answered, and who is not. */
import assert from "node:assert/strict";
import { request } from "node:http";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import {
	type ClientOptions,
	StreamableHTTPClientTransport,
} from "@modelcontextprotocol/client";
import { MAX_BODY_BYTES, MAX_REQUESTS } from "../../src/mcp/tools/limits.ts";
import {
	serveWalletHttp,
	type WalletHttp,
} from "../../src/mcp/tools/serve-http.ts";
import { FakeAgent, PURCHASE, toolsOf } from "./fake-agent.ts";
import { Model } from "./model.ts";

const TOKEN = "5f".repeat(32);
const BALANCE = {
	jsonrpc: "2.0",
	id: 1,
	method: "tools/call",
	params: { name: "tetrad_balance", arguments: {} },
};

let served: WalletHttp;
let url: URL;

before(async () => {
	const tools = toolsOf([new FakeAgent()]);
	const serving = { tools, version: "0", token: TOKEN };
	served = await serveWalletHttp({ ...serving, host: "127.0.0.1", port: 0 });
	url = new URL(served.url);
});
after(async () => {
	await served[Symbol.asyncDispose]();
});

interface Reply {
	readonly status: number;
	readonly body: string;
	readonly headers: Readonly<Record<string, unknown>>;
}

/** Asks as a client does, but for what is said to be otherwise. */
function ask({
	headers = {},
	body = JSON.stringify(BALANCE),
	method = "POST",
	at = url,
	path = at.pathname,
}: {
	readonly at?: URL;
	readonly headers?: Readonly<Record<string, string | undefined>>;
	readonly body?: string;
	readonly method?: string;
	readonly path?: string;
} = {}): Promise<Reply> {
	const all: Record<string, string | undefined> = {
		host: at.host,
		authorization: `Bearer ${TOKEN}`,
		accept: "application/json, text/event-stream",
		"content-type": "application/json",
		...headers,
	};
	return new Promise((resolve, reject) => {
		const asking = request(
			{
				...{ host: "127.0.0.1", port: at.port, method, path, setHost: false },
				headers: Object.entries(all).flatMap(([name, value]) =>
					value === undefined ? [] : [name, value],
				),
			},
			(response) => {
				let said = "";
				response.setEncoding("utf8").on("data", (text) => {
					said += text;
				});
				response.on("end", () =>
					resolve({
						status: response.statusCode ?? 0,
						body: said,
						headers: response.headers,
					}),
				);
				response.on("error", reject);
			},
		);
		asking.on("error", reject);
		asking.end(method === "POST" ? body : undefined);
	});
}

const CLIENTS = [
	["of the protocol of 2025", {}],
	[
		"of the protocol of 2026",
		{ versionNegotiation: { mode: { pin: "2026-07-28" } } },
	],
] as const;

function clientAt(at: string, options: ClientOptions): Promise<Model> {
	const transport = new StreamableHTTPClientTransport(new URL(at), {
		requestInit: { headers: { Authorization: `Bearer ${TOKEN}` } },
	});
	return Model.over(transport, options);
}

describe("tools that are served over HTTP", () => {
	for (const [era, options] of CLIENTS)
		test(`answer clients ${era}`, async () => {
			await using model = await clientAt(served.url, options);
			const { tools } = await model.client.listTools();
			assert.equal(tools.length, 6);
			const { balances } = await model.done("balance");
			assert.equal(balances[0].spendable, "12.30");
		});

	for (const [era, options] of CLIENTS)
		test(`tell clients ${era} how far a purchase is`, async () => {
			const agent = new FakeAgent();
			const tools = toolsOf([agent]);
			const serving = { tools, version: "0", token: TOKEN };
			await using telling = await serveWalletHttp({
				...{ ...serving, host: "127.0.0.1", port: 0 },
			});
			await using model = await clientAt(telling.url, options);
			const asked = { merchant: "127.0.0.1:7000", item: "tea" };
			const { quote } = await model.done("quote", asked);
			const heard = Promise.withResolvers<string | undefined>();
			const buying = model.done(
				"buy",
				{ quoteId: quote.quoteId },
				{ onprogress: ({ message }) => heard.resolve(message) },
			);
			await agent.asked.promise;
			const [one] = agent.buying;
			one?.step?.({ event: "purchase", state: "paid" });
			assert.match((await heard.promise) ?? "", /^it is paid/);
			one?.over.resolve({ ...PURCHASE, quote: quote.quoteId });
			assert.equal((await buying).state, "bought");
		});

	test("answer one request by itself, and let nobody keep it", async () => {
		const { status, body, headers } = await ask();
		assert.equal(status, 200);
		assert.match(body, /12\.30/);
		assert.match(String(headers["cache-control"]), /no-store|no-cache/);
		assert.equal(headers["access-control-allow-origin"], undefined);
		assert.equal(headers["mcp-session-id"], undefined);
	});

	test("take the name of the scheme in whatever case", async () => {
		for (const scheme of ["bearer", "BEARER"]) {
			const authorization = `${scheme} ${TOKEN}`;
			assert.equal((await ask({ headers: { authorization } })).status, 200);
		}
	});

	for (const [who, headers, expected] of [
		[
			"nobody with the token in another case",
			{ authorization: `Bearer ${TOKEN.toUpperCase()}` },
			401,
		],
		["nobody with the token alone", { authorization: TOKEN }, 401],
		["nobody without a token", { authorization: undefined }, 401],
		[
			"nobody with another one",
			{ authorization: `Bearer ${"00".repeat(32)}` },
			401,
		],
		[
			"nobody with a part of it",
			{ authorization: `Bearer ${TOKEN.slice(1)}` },
			401,
		],
		[
			"nobody with it as something else",
			{ authorization: `Basic ${TOKEN}` },
			401,
		],
		["no page of the web", { origin: "https://shop.example" }, 403],
		["no page of this machine", { origin: "http://localhost:3000" }, 403],
		["no page of no origin", { origin: "null" }, 403],
		["no name that was made to lead here", { host: "shop.example:80" }, 403],
		[
			"no name that only begins as ours",
			{ host: "localhost.shop.example" },
			403,
		],
		["no request that names no host", { host: undefined }, 400],
		["no body that is packed", { "content-encoding": "gzip" }, 415],
		["no form of a page", { "content-type": "text/plain" }, 415],
	] as const)
		test(`answer ${who}`, async () => {
			const { status, body } = await ask({ headers });
			assert.equal(status, expected);
			assert.doesNotMatch(body, /12\.30|tetrad_/);
		});

	test("tell a page not even whether it has the token", async () => {
		const origin = { origin: "https://shop.example" };
		const known = await ask({ headers: origin });
		const unknown = await ask({
			headers: { ...origin, authorization: undefined },
		});
		assert.deepEqual({ ...known, headers: {} }, { ...unknown, headers: {} });
	});

	test("answer no page that asks first whether it may ask", async () => {
		const { status, headers } = await ask({
			method: "OPTIONS",
			headers: {
				origin: "https://shop.example",
				authorization: undefined,
				"access-control-request-method": "POST",
			},
		});
		assert.equal(status, 403);
		assert.equal(headers["access-control-allow-origin"], undefined);
	});

	test("are at one path, and have no session to open or to end", async () => {
		assert.equal((await ask({ path: "/" })).status, 404);
		assert.equal((await ask({ path: "/mcp?x=1" })).status, 404);
		assert.equal((await ask({ method: "GET" })).status, 405);
		assert.equal((await ask({ method: "DELETE" })).status, 405);
	});

	test("read no more than a body may have", async () => {
		const body = JSON.stringify({
			...BALANCE,
			id: "a".repeat(MAX_BODY_BYTES),
		});
		assert.equal((await ask({ body })).status, 413);
	});

	test("answer so many requests at once, and one more when one is over", async () => {
		const agent = new FakeAgent();
		const balance = agent.balance.bind(agent);
		const gate = Promise.withResolvers<void>();
		let waiting = 0;
		const full = Promise.withResolvers<void>();
		agent.balance = async () => {
			if (++waiting === MAX_REQUESTS) full.resolve();
			await gate.promise;
			return balance();
		};
		const tools = toolsOf([agent]);
		const serving = { tools, version: "0", token: TOKEN };
		await using busy = await serveWalletHttp({
			...{ ...serving, host: "127.0.0.1", port: 0 },
		});
		const at = new URL(busy.url);
		const asked = Array.from({ length: MAX_REQUESTS }, () => ask({ at }));
		await full.promise;
		const refused = await ask({ at });
		assert.equal(refused.status, 503);
		assert.equal(refused.headers["retry-after"], "1");
		gate.resolve();
		for (const { status } of await Promise.all(asked))
			assert.equal(status, 200);
		assert.equal((await ask({ at })).status, 200);
	});

	test("say nothing to what is no HTTP", async () => {
		const socket = connect(Number(url.port), "127.0.0.1");
		let said = "";
		socket.setEncoding("utf8").on("data", (text) => {
			said += text;
		});
		socket.write("hello\r\n\r\n");
		await new Promise((resolve) => socket.once("close", resolve));
		assert.match(said, /^HTTP\/1\.1 400/);
	});

	test("are served on loopback alone", async () => {
		const tools = toolsOf([]);
		for (const host of ["0.0.0.0", "192.0.2.1", "::"])
			await assert.rejects(
				serveWalletHttp({ tools, version: "0", token: TOKEN, host, port: 0 }),
				{ code: "invalid-argument" },
			);
	});
});
