/* What of a request stands in its contract, as stock adapters have it. Those themselves are met in stock.process.test.ts. */
import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, test } from "node:test";
import type { HTTPRequestContext } from "@x402/core/server";
import {
	incoming,
	keepBody,
	noteStatus,
	statusOf,
} from "../../../src/http/x402/incoming.ts";
import { utf8 } from "../../../src/wire/index.ts";

interface Asked {
	readonly method?: string;
	/** As it stands in the request. */
	readonly target?: string;
	readonly headers?: Readonly<Record<string, string>>;
}

/** A request that Express has, whose response has a `writeHead` as Node's. */
function express({ method = "GET", target = "/a", headers = {} }: Asked = {}) {
	const res = { statusCode: 200, writeHead: () => {} };
	const req = { originalUrl: target, res };
	const adapter = {
		req,
		getHeader: (name: string) => headers[name],
		getMethod: () => method,
		getUrl: () => `http://api.example${target}`,
	};
	const context = { adapter } as unknown as HTTPRequestContext;
	return {
		context,
		request: req as unknown as IncomingMessage,
		response: res as unknown as ServerResponse,
	};
}

const WITH_BODY = { "content-length": "2" };

describe("a request of Express", () => {
	test("is its method, its address and its bytes", async () => {
		const headers = WITH_BODY;
		const { context, request } = express({ method: "post", headers });
		keepBody(request, undefined, utf8("{}"));
		assert.deepEqual(await incoming(context, undefined), {
			method: "POST",
			url: "http://api.example/a",
			body: utf8("{}"),
		});
	});

	test("is addressed by the origin that is said", async () => {
		const { context } = express({ target: "/a/?b=2&a=%20" });
		const { url } = await incoming(context, "https://public.example:8443");
		assert.equal(url, "https://public.example:8443/a/?b=2&a=%20");
	});

	for (const target of [
		"/a/../b",
		"/a/%2e%2e/b",
		"//other.example/a",
		"http://other.example/a",
		"/a b",
		"/a#b",
		"/ä",
		"a",
		"*",
	])
		test(`is none when it asks for ${target}`, () =>
			assert.rejects(incoming(express({ target }).context, undefined), {
				code: "invalid-argument",
			}));

	test("has no body that was not kept, and none with a coding", async () => {
		const refused = { code: "invalid-argument" };
		const chunked = { "transfer-encoding": "chunked" };
		for (const headers of [WITH_BODY, chunked])
			await assert.rejects(
				incoming(express({ headers }).context, undefined),
				refused,
			);
		const coded = { ...WITH_BODY, "content-encoding": "gzip" };
		const { context, request } = express({ headers: coded });
		keepBody(request, undefined, utf8("{}"));
		await assert.rejects(incoming(context, undefined), refused);
	});

	test("is answered with the status that was set, or given to writeHead", () => {
		const { context, response } = express();
		noteStatus(context);
		response.statusCode = 201;
		assert.equal(statusOf(context), 201);
		// As the stock middleware does, which puts aside what is written.
		response.writeHead = () => response;
		response.writeHead(500);
		assert.equal(statusOf(context), 500);
	});
});

describe("a request of Hono", () => {
	const hono = (headers: Asked["headers"] = {}) => {
		class Context {
			#res: Response | undefined;
			readonly req = {
				arrayBuffer: async () => utf8("{}").slice().buffer,
			};
			get res(): Response | undefined {
				return this.#res;
			}
			set res(res: Response | undefined) {
				this.#res = res;
			}
		}
		const c = new Context();
		const adapter = {
			c,
			getHeader: (name: string) => headers[name],
			getMethod: () => "POST",
			getUrl: () => "http://api.example/a",
		};
		return { c, context: { adapter } as unknown as HTTPRequestContext };
	};

	test("has its bytes by itself, if it says how many", async () => {
		const { context } = hono(WITH_BODY);
		assert.deepEqual((await incoming(context, undefined)).body, utf8("{}"));
		const refused = { code: "invalid-argument" };
		for (const headers of [
			{ "transfer-encoding": "chunked" },
			{ "content-length": "1048577" },
			{ "content-length": "many" },
		])
			await assert.rejects(incoming(hono(headers).context, undefined), refused);
	});

	test("is answered with a status that is noted, since it is taken away", () => {
		const { c, context } = hono();
		noteStatus(context);
		c.res = new Response(null, { status: 204 });
		assert.equal(c.res?.status, 204);
		c.res = undefined;
		assert.equal(c.res, undefined);
		assert.equal(statusOf(context), 204);
	});
});
