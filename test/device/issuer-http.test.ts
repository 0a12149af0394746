/* The operators' HTTP API, asked as it should be and as it should not. */
import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { createConnection } from "node:net";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import {
	type OperatorHttp,
	serveOperatorHttp,
} from "../../src/device/issuer/http/hardening.ts";
import { OperatorClient } from "../../src/device/issuer/http/operator-client.ts";
import { LedgerOperator } from "../../src/device/issuer/operator.ts";
import {
	claimLedger,
	LEDGER_SCHEMA,
	type Store,
} from "../../src/money/index.ts";
import { openSqliteStore } from "../../src/store/index.ts";
import { hex } from "../../src/wire/index.ts";
import { moduleOf, PLAY } from "../money/mint.ts";
import { makeWorld } from "../support/authority.ts";

const TOKEN = "0123456789abcdef".repeat(4);

let store: Store;
let http: OperatorHttp;
let port: number;
let device: string;
let client: OperatorClient;

before(async () => {
	store = await openSqliteStore({ path: ":memory:", schema: LEDGER_SCHEMA });
	const world = await makeWorld();
	const issuer = await moduleOf(world, "mint");
	const payer = await moduleOf(world, "alice-purse");
	device = hex(payer.device.deviceId);
	const { deviceId, name } = issuer.device;
	const terms = { issuer: deviceId, name, currency: PLAY, isPlay: true };
	await store.transact(claimLedger(terms));
	http = await serveOperatorHttp({
		operator: new LedgerOperator({ store, terms, roots: world.policy }),
		token: TOKEN,
		host: "127.0.0.1",
		port: 0,
		isPlay: true,
	});
	port = Number(new URL(http.url).port);
	client = new OperatorClient(http.url, TOKEN);
});

after(async () => {
	await http[Symbol.asyncDispose]();
	await store[Symbol.asyncDispose]();
});

interface Answer {
	readonly status: number;
	readonly headers: Readonly<Record<string, string | string[] | undefined>>;
	readonly body: string;
}

function ask(
	path: string,
	options: {
		readonly method?: string;
		readonly headers?: Readonly<Record<string, string>>;
		readonly body?: string | Uint8Array;
		readonly token?: string | null;
	} = {},
): Promise<Answer> {
	const { method = "GET", headers = {}, body, token = TOKEN } = options;
	return new Promise((resolve, reject) => {
		const asked = httpRequest(
			{
				host: "127.0.0.1",
				port,
				path,
				method,
				headers: {
					...(token === null ? {} : { Authorization: `Bearer ${token}` }),
					...(body === undefined ? {} : { "Content-Type": "application/json" }),
					...headers,
				},
			},
			(response) => {
				let text = "";
				response.setEncoding("utf8").on("data", (part) => {
					text += part;
				});
				response.on("end", () =>
					resolve({
						status: response.statusCode ?? 0,
						headers: response.headers,
						body: text,
					}),
				);
			},
		);
		asked.on("error", reject);
		asked.end(body);
	});
}

/** Writes bytes as they are and hears what comes until the end. */
function raw(text: string, end = true): Promise<string> {
	return new Promise((resolve) => {
		const socket = createConnection(port, "127.0.0.1");
		let heard = "";
		socket.setEncoding("utf8").on("data", (part) => {
			heard += part;
		});
		socket.on("error", () => {});
		socket.on("close", () => resolve(heard));
		if (end) socket.end(text);
		else socket.write(text);
	});
}

function statusOf(heard: string): number {
	return Number(/^HTTP\/1\.1 (\d{3})/.exec(heard)?.[1] ?? 0);
}

async function requireAlive(): Promise<void> {
	assert.equal((await ask("/v1/health", { token: null })).status, 200);
}

describe("what operators do", () => {
	test("an account is opened and credited once for each reference, and play money is said to be so", async () => {
		assert.equal((await client.terms()).play, true);
		assert.equal(await client.account(device), undefined);
		const wrong = client.open(device, "bob-till");
		await assert.rejects(wrong, { code: "invalid-argument" });
		const opened = await client.open(device, "alice-purse");
		assert.equal(opened.balance, "0.00");
		assert.match(opened.note ?? "", /play money/);
		const asked = { amount: "12.50", reference: "march" };
		const first = await client.credit(device, asked);
		const again = await client.credit(device, asked);
		assert.deepEqual([first?.isNew, again?.isNew], [true, false]);
		assert.equal(again?.account.balance, "12.50");
		const other = client.credit(device, { ...asked, amount: "12.51" });
		await assert.rejects(other, { code: "invalid-argument" });
		const { accounts } = await client.accounts({ name: "alice-purse" });
		assert.deepEqual(
			accounts.map(({ balance }) => balance),
			["12.50"],
		);
		const audit = await client.audit();
		assert.equal(audit.balanced, true);
		assert.deepEqual(await client.conflicts({}), { conflicts: [] });
		assert.deepEqual(await client.conflicts({ holder: device }), {
			conflicts: [],
		});
		assert.equal((await ask("/v1/conflicts?holder=x")).status, 400);
		const contract = "00".repeat(32);
		assert.deepEqual(await client.sales({}), { sales: [] });
		assert.deepEqual(await client.sales({ contract }), { sales: [] });
		assert.equal((await ask("/v1/sales?contract=x")).status, 400);
		assert.equal(await client.note("00".repeat(32)), undefined);
		assert.equal(await client.evidence("00".repeat(32)), undefined);
		assert.equal(await client.credit("00".repeat(50), asked), undefined);
	});

	test("amounts that are none are refused", async () => {
		await client.open(device);
		for (const amount of [
			"0",
			"-1",
			"1.234",
			"1e3",
			"9".repeat(19),
			"",
			"1,5",
		]) {
			const body = JSON.stringify({ amount, reference: `bad ${amount}` });
			const path = `/v1/accounts/${device}/credits`;
			const { status } = await ask(path, { method: "POST", body });
			assert.equal(status, 400, amount);
		}
		assert.equal((await client.audit()).balanced, true);
	});
});

describe("the description", () => {
	test("is read without a token, says that it is play money, and each path in it answers", async () => {
		const { status, body } = await ask("/openapi.json", { token: null });
		assert.equal(status, 200);
		const api = JSON.parse(body) as {
			openapi: string;
			info: { description: string };
			paths: Record<string, Record<string, { responses: object }>>;
			components: { schemas: object; securitySchemes: object };
		};
		assert.equal(api.openapi, "3.1.0");
		assert.match(api.info.description, /play money/);
		assert.ok("operator" in api.components.securitySchemes);
		const paths = Object.entries(api.paths);
		assert.equal(paths.length, 10);
		for (const [path, methods] of paths)
			for (const method of Object.keys(methods)) {
				const id = path.startsWith("/v1/accounts") ? device : "00".repeat(32);
				const answer = await ask(path.replace("{id}", id), {
					method: method.toUpperCase(),
					...(method === "post" ? { body: "{}" } : {}),
				});
				assert.ok([200, 400, 404].includes(answer.status), path);
				if (answer.status === 404)
					assert.match(answer.body, /there is no such/, path);
				// And not without the token.
				if (path === "/v1/health") continue;
				const { status } = await ask(path.replace("{id}", id), {
					method: method.toUpperCase(),
					token: null,
				});
				assert.equal(status, 401, path);
			}
	});
});

describe("what is refused", () => {
	test("no token, another token, and one that only begins right", async () => {
		for (const token of [
			null,
			"",
			"0".repeat(64),
			TOKEN.slice(0, 63),
			`${TOKEN}0`,
		]) {
			const { status, headers, body } = await ask("/v1/accounts", { token });
			assert.equal(status, 401);
			assert.equal(headers["www-authenticate"], "Bearer");
			assert.equal(JSON.parse(body).code, "authentication-failed");
			assert.ok(!body.includes(TOKEN));
		}
	});

	test("a page of another origin, and a name that leads here", async () => {
		for (const headers of [
			{ Origin: "http://evil.example" },
			{ Origin: "null" },
			{ Origin: `https://127.0.0.1:${port}` },
			{ Host: "evil.example" },
			{ Host: `evil.example:${port}` },
			{ Host: "127.0.0.1" },
		] as Record<string, string>[]) {
			const answer = await ask("/v1/terms", { headers });
			assert.equal(answer.status, 403, JSON.stringify(headers));
			assert.equal(answer.headers["access-control-allow-origin"], undefined);
		}
		const own = { Origin: `http://127.0.0.1:${port}` };
		assert.equal((await ask("/v1/terms", { headers: own })).status, 200);
		const local = { Host: `localhost:${port}` };
		assert.equal((await ask("/v1/terms", { headers: local })).status, 200);
	});

	test("every answer says that it is not to be kept, guessed at or framed", async () => {
		for (const path of [
			"/v1/terms",
			"/v1/nothing",
			"/v1/%2e",
			"/openapi.json",
		]) {
			const { headers } = await ask(path);
			assert.equal(headers["cache-control"], "no-store", path);
			assert.equal(headers["x-content-type-options"], "nosniff", path);
		}
	});

	test("bodies that are too large, too deep, of another type, or no JSON", async () => {
		const path = `/v1/accounts/${device}/credits`;
		const post = (body: string, headers: Record<string, string> = {}) =>
			ask(path, { method: "POST", body, headers });
		const big = JSON.stringify({ amount: "1", reference: "x".repeat(20_000) });
		assert.equal((await post(big)).status, 413);
		const chunked = { "Transfer-Encoding": "chunked" };
		assert.equal((await post(big, chunked)).status, 413);
		assert.equal((await post("[".repeat(10_000))).status, 400);
		assert.equal((await post("{")).status, 400);
		assert.equal((await post("")).status, 400);
		assert.equal((await post("[]")).status, 400);
		const good = JSON.stringify({ amount: "1", reference: "type" });
		for (const type of ["text/plain", "application/x-www-form-urlencoded"])
			assert.equal((await post(good, { "Content-Type": type })).status, 415);
		const more = JSON.stringify({ amount: "1", reference: "more", to: "me" });
		assert.equal((await post(more)).status, 400);
		const proto = '{"amount":"1","reference":"p","__proto__":{"isNew":true}}';
		assert.equal((await post(proto)).status, 400);
		for (const reference of ["", "x".repeat(101), "a\u0000b", "\ud800"]) {
			const body = JSON.stringify({ amount: "1", reference });
			assert.equal((await post(body)).status, 400);
		}
	});

	test("bodies that two readers could take for two things", async () => {
		await client.open(device);
		const { balance } = await client.open(device);
		const refuse = async (
			reference: string,
			body: string | Uint8Array,
			detail: RegExp,
			headers: Record<string, string> = {},
		) => {
			const path = `/v1/accounts/${device}/credits`;
			const answer = await ask(path, { method: "POST", body, headers });
			assert.ok([400, 415].includes(answer.status), reference);
			assert.equal(
				answer.headers["content-type"],
				"application/problem+json",
				reference,
			);
			const { code, detail: said } = JSON.parse(answer.body);
			assert.equal(code, "malformed", reference);
			assert.match(said, detail, reference);
		};
		// One name twice, also when it is spelt otherwise, and at any depth.
		for (const second of [
			'"amount":"99999"',
			'"amount" : "1"',
			'"\\u0061mount":"99999"',
			'"x":{"a":1,"a":2}',
			'"x":[{},{"":1,"":1}]',
			'"__proto__":1,"__proto__":2',
		])
			await refuse(
				second,
				`{"amount":"1","reference":"twice \\"a\\":",${second}}`,
				/twice/,
			);
		const good = Buffer.from('{"amount":"1","reference":"bytes ?"}');
		for (const wrong of [0xff, 0xc0, 0x80, 0xed]) {
			const bytes = Buffer.from(good);
			bytes[bytes.indexOf("?")] = wrong;
			await refuse(`byte ${wrong}`, bytes, /UTF-8/);
		}
		const mark = Buffer.from([0xef, 0xbb, 0xbf]);
		await refuse("mark", Buffer.concat([mark, good]), /byte order mark/);
		for (const coding of ["gzip", "identity", "br, gzip", "x"]) {
			const headers = { "Content-Encoding": coding };
			await refuse(coding, good, /Content-Encoding/, headers);
		}
		const zipped = { "Content-Encoding": "gzip" };
		await refuse("zipped", gzipSync(good), /Content-Encoding/, zipped);
		assert.equal((await client.account(device))?.balance, balance);
		// A name in a text, or in another object, is no second one.
		const path = `/v1/accounts/${device}/credits`;
		const body = String.raw`{"amount":"1","reference":"\"amount\":\"1\",\"amount\":"}`;
		assert.equal((await ask(path, { method: "POST", body })).status, 200);
		const apart = '{"amount":{"a":1},"reference":{"a":1}}';
		const other = await ask(path, { method: "POST", body: apart });
		assert.equal(other.status, 400);
		assert.doesNotMatch(other.body, /twice/);
	});

	test("paths that go elsewhere, unknown ones, and other methods", async () => {
		const head = `Host: 127.0.0.1:${port}\r\nAuthorization: Bearer ${TOKEN}\r\nConnection: close\r\n\r\n`;
		for (const path of [
			"/v1/../v1/terms",
			"/v1/%2e%2e/v1/terms",
			"/v1/accounts/%2f",
			"/v1//terms",
			"//v1/terms",
			"/v1/terms/",
			"/v1/terms%00",
			"/v1/./terms",
			"/v1\\terms",
			"/v1/terms;x",
			`http://127.0.0.1:${port}/v1/terms`,
			"*",
			"/v1/accounts?after=%27",
			"/v1/accounts?after=zz",
		]) {
			const status = statusOf(await raw(`GET ${path} HTTP/1.1\r\n${head}`));
			assert.ok(status >= 400 && status < 500, `${path} ${status}`);
		}
		for (const path of ["/", "/v1", "/v1/account", "/v1/accounts/a/b/c"]) {
			const { status } = await ask(path);
			assert.equal(status, 404, path);
		}
		for (const [method, path] of [
			["DELETE", "/v1/accounts"],
			["POST", "/v1/terms"],
			["PUT", `/v1/accounts/${device}`],
			["OPTIONS", "/v1/terms"],
			["GET", `/v1/accounts/${device}/credits`],
		] as const) {
			const answer = await ask(path, { method });
			assert.equal(answer.status, 405, `${method} ${path}`);
			assert.ok(answer.headers["allow"]);
			assert.equal(answer.headers["access-control-allow-origin"], undefined);
		}
		for (const id of ["a", "00".repeat(31), "A".repeat(64), "0".repeat(65)])
			assert.equal((await ask(`/v1/notes/${id}`)).status, 400, id);
	});

	test("what is no HTTP, or HTTP of two minds", async () => {
		const host = `Host: 127.0.0.1:${port}\r\n`;
		for (const text of [
			"\0\0\0\0",
			"GET\r\n\r\n",
			`GET /v1/health HTTP/1.1\r\n\r\n`,
			`GET /v1/health HTTP/1.1\r\n${host}${host}X: ${"y".repeat(20_000)}\r\n\r\n`,
			`POST /v1/accounts/${device} HTTP/1.1\r\n${host}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
			`GET /v1/health HTTP/1.1\r\n${host}Content-Length: -1\r\n\r\n`,
		]) {
			const heard = await raw(text);
			const status = statusOf(heard);
			assert.ok(status >= 400 && status < 500, `${text.slice(0, 40)} ${heard}`);
			assert.doesNotMatch(heard, /\bat .*:\d+:\d+|node_modules/);
		}
		await requireAlive();
	});

	test("two hosts, whichever is right", async () => {
		const own = `Host: 127.0.0.1:${port}\r\n`;
		const token = `Authorization: Bearer ${TOKEN}\r\n`;
		for (const hosts of [
			`${own}Host: evil.example\r\n`,
			`Host: evil.example\r\n${own}`,
			own + own,
		]) {
			const heard = await raw(
				`GET /v1/terms HTTP/1.1\r\n${hosts}${token}Connection: close\r\n\r\n`,
			);
			assert.equal(statusOf(heard), 400, hosts);
		}
	});

	test("hundreds who only hold connections open do not keep an operator out", async () => {
		const idle = Array.from({ length: 300 }, () => {
			const socket = createConnection(port, "127.0.0.1");
			return socket.on("error", () => {});
		});
		const connected = idle.map(
			(socket) => new Promise((resolve) => socket.once("connect", resolve)),
		);
		await Promise.all(connected);
		for (let i = 0; i < 3; i++)
			assert.equal((await ask("/v1/terms")).status, 200);
		for (const socket of idle) socket.destroy();
	});

	test("slow clients are let go, and others are served meanwhile", async () => {
		const begun = Date.now();
		const slow = Array.from({ length: 20 }, () =>
			raw("GET /v1/health HTTP/1.1\r\nHost: ", false),
		);
		await requireAlive();
		const heard = await Promise.all(slow);
		assert.ok(Date.now() - begun < 12_000);
		for (const text of heard) assert.ok([0, 400, 408].includes(statusOf(text)));
		await requireAlive();
	});
});

test("another address than loopback has to be asked for by a name that says what it is", async () => {
	const operator = new LedgerOperator({
		store,
		terms: {
			issuer: new Uint8Array(41),
			name: "x",
			currency: PLAY,
			isPlay: true,
		},
		roots: { banks: [], agencies: [] },
	});
	const options = { operator, token: TOKEN, port: 0, isPlay: true };
	for (const host of ["0.0.0.0", "::", "192.0.2.1", "example.org"])
		await assert.rejects(serveOperatorHttp({ ...options, host }), {
			code: "invalid-argument",
			message: /--unsafe-http-anywhere/,
		});
	await using anywhere = await serveOperatorHttp({
		...options,
		host: "0.0.0.0",
		unsafeAnywhere: true,
	});
	assert.match(anywhere.url, /^http:\/\/0\.0\.0\.0:\d+$/);
});
