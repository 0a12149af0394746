/* What a server may ask a `fetch` that pays for: its agent is asked for nothing unless all of it is right. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { AgentService } from "../../../src/device/service/index.ts";
import { TetradError } from "../../../src/errors.ts";
import {
	networkOf,
	type TetradFetchOptions,
	tetradClient,
	wrapFetchWithTetrad,
} from "../../../src/http/x402/index.ts";
import type { PaidTerms } from "../../../src/paid/index.ts";
import { requestText } from "../../../src/paid/index.ts";
import { type Way, wayOf } from "../../../src/paid/x402/ways.ts";

const URL_ASKED = "https://api.example/weather?day=1";

const TERMS: PaidTerms = {
	mode: "sealed",
	address: "api.example:7000",
	agent: "aa".repeat(41),
	module: "bb".repeat(41),
	item: "request",
	amount: 5n,
	currency: "EUR",
	exponent: 2,
	play: false,
	issuer: "mint",
	request: requestText({ method: "GET", url: URL_ASKED }),
};

const ELSEWHERE = requestText({ method: "GET", url: "https://b.example/" });

/** Asked for anything, it says so: then a test has found terms that are paid. */
class Asked extends Error {}

const AGENT = new Proxy({} as AgentService, {
	get() {
		throw new Asked("the agent is asked");
	},
});

const OPTIONS: TetradFetchOptions = {
	agent: AGENT,
	maximum: 5n,
	currency: "EUR",
};

const field = (said: unknown): string =>
	Buffer.from(JSON.stringify(said)).toString("base64");

/** An answer that asks to be paid so. */
function asksFor(...accepts: readonly unknown[]): Response {
	const said = { x402Version: 2, resource: { url: URL_ASKED }, accepts };
	return new Response("{}", {
		status: 402,
		headers: { "payment-required": field(said) },
	});
}

const way = (terms: Partial<PaidTerms> = {}): Way =>
	wayOf({ ...TERMS, ...terms });

/** What comes of a request that is answered so. */
const pay = (response: Response, options: Partial<TetradFetchOptions> = {}) =>
	wrapFetchWithTetrad(async () => response, { ...OPTIONS, ...options })(
		URL_ASKED,
	);

describe("a fetch that pays", () => {
	test("pays what is asked for in its terms", async () => {
		await assert.rejects(pay(asksFor(way())), Asked);
		const both = [way({ mode: "prepaid" }), way()];
		await assert.rejects(pay(asksFor(...both)), Asked);
	});

	test("finds it in the body, and beside what else is accepted", async () => {
		const exact = {
			...{ scheme: "exact", network: "eip155:8453", amount: "1" },
			...{ asset: "0x00", payTo: "0x01", maxTimeoutSeconds: 60 },
		};
		const accepts = [exact, { ...way(), more: 1 }];
		const body = JSON.stringify({ x402Version: 2, accepts });
		const headers = { "content-type": "application/json; charset=utf-8" };
		const response = new Response(body, { status: 402, headers });
		await assert.rejects(pay(response), Asked);
	});

	const other = requestText({ method: "POST", url: URL_ASKED });
	for (const [what, asked, code, options] of [
		["another address", way({ request: ELSEWHERE }), "payment-refused", {}],
		["another method", way({ request: other }), "payment-refused", {}],
		["a price above the maximum", way({ amount: 6n }), "payment-refused", {}],
		["a huge price", way({ amount: 2n ** 62n }), "payment-refused", {}],
		["another asset", way({ currency: "USD" }), "payment-refused", {}],
		["another mode", way({ mode: "prepaid" }), "payment-refused", {}],
		["another issuer", way(), "payment-refused", { issuer: "other" }],
		["play money", way({ play: true }), "payment-refused", { play: false }],
		["another payee", way(), "payment-refused", { merchants: ["cc"] }],
		[
			"a network that is not its issuer's",
			{ ...way(), network: wayOf({ ...TERMS, issuer: "other" }).network },
			"malformed",
			{},
		],
		["a payee that is none", { ...way(), payTo: "0x01" }, "malformed", {}],
		["an amount that is none", { ...way(), amount: "-5" }, "malformed", {}],
		["an amount of zero", { ...way(), amount: "0" }, "malformed", {}],
		["no terms", { ...way(), extra: {} }, "malformed", {}],
	] as const)
		test(`refuses ${what}`, () =>
			assert.rejects(pay(asksFor(asked), options), { code }));

	for (const [what, response] of [
		["what is paid for otherwise", asksFor({ ...way(), scheme: "exact" })],
		["another network", asksFor({ ...way(), network: "eip155:8453" })],
		["more ways than one names", asksFor(...Array(17).fill(way()))],
		["no requirements", new Response("pay", { status: 402 })],
		["a body of its own", Response.json({ error: "pay" }, { status: 402 })],
		[
			"requirements that cannot be read",
			new Response("{}", {
				status: 402,
				headers: { "payment-required": "%%%" },
			}),
		],
		["another failure", new Response("no", { status: 500 })],
	] as const)
		test(`leaves an answer with ${what} as it is`, async () => {
			assert.equal(await pay(response), response);
			assert.equal(response.bodyUsed, false);
			await response.text();
		});

	test("rejects as its signal says when that has stopped it", async () => {
		const stopping = new AbortController();
		const agent = new Proxy({} as AgentService, {
			get() {
				stopping.abort(new Error("enough"));
				throw new TetradError("aborted", "the caller gave up waiting");
			},
		});
		const paying = wrapFetchWithTetrad(async () => asksFor(way()), {
			...{ ...OPTIONS, agent },
		});
		const { signal } = stopping;
		await assert.rejects(paying(URL_ASKED, { signal }), { message: "enough" });
	});

	test("sends a body of its own once more, and refuses one that is too long", async () => {
		const bodies: string[] = [];
		const send: typeof fetch = async (input) => {
			bodies.push(await new Request(input).text());
			return new Response();
		};
		const paying = wrapFetchWithTetrad(send, OPTIONS);
		const streamed = new Blob(["a", "b"]).stream();
		const init = { method: "POST", body: streamed, duplex: "half" } as const;
		await paying(URL_ASKED, init);
		assert.deepEqual(bodies, ["ab"]);
		const body = new Uint8Array(2 ** 20 + 1);
		await assert.rejects(paying(URL_ASKED, { method: "POST", body }), {
			code: "message-too-large",
		});
	});
});

describe("a scheme for the stock client", () => {
	const clientOf = (response: Response) =>
		tetradClient(async () => response, OPTIONS);
	const requirements = (asked: Way) => ({
		...asked,
		network: networkOf(TERMS.issuer),
		extra: { ...asked.extra },
	});

	test("pays what was asked for with its fetch", async () => {
		const { fetch, scheme } = clientOf(asksFor(way()));
		await fetch(URL_ASKED);
		await assert.rejects(
			scheme.createPaymentPayload(2, requirements(way())),
			Asked,
		);
	});

	test("pays nothing that was not asked for, or not so", async () => {
		const changed = way({ request: ELSEWHERE });
		const { fetch, scheme } = clientOf(asksFor(way(), changed));
		const refuses = (asked: Way) =>
			assert.rejects(scheme.createPaymentPayload(2, requirements(asked)), {
				code: "payment-refused",
			});
		await refuses(way());
		await fetch(URL_ASKED);
		await refuses(changed);
		await refuses(way({ amount: 4n }));
		await refuses(way({ module: "cc".repeat(41) }));
	});

	test("holds to what spendControls allow", async () => {
		const { fetch, scheme } = clientOf(asksFor(way()));
		await fetch(URL_ASKED);
		await assert.rejects(
			scheme.createPaymentPayload(2, requirements(way()), {
				maxAmountPerPayment: "4",
			}),
			{ code: "payment-refused", message: /spendControls/ },
		);
	});
});
