/* Requests that are paid for through the stock packages of x402, by our `fetch` and by the stock one, each program being a process. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import type { TetradError } from "../../../src/errors.ts";
import { wrapFetchWithTetrad } from "../../../src/http/x402/index.ts";
import { run } from "../../support/processes.ts";
import { STOCK, skipUnlessStock, stockVersions } from "../../support/stock.ts";
import { type PaidApi, PaidTown, PRICE } from "./paid-town.ts";

/** What docs/x402.md names: another version may do otherwise, and these tests say whether it does. */
const RELIED_ON = "2.27.0";

const JSON_TYPE = { "content-type": "application/json" };

describe("stock x402", { skip: skipUnlessStock() }, () => {
	let town: PaidTown;
	let sealed: typeof globalThis.fetch;
	let prepaid: typeof globalThis.fetch;

	before(async () => {
		town = await PaidTown.make();
		const options = { agent: town.agent, maximum: PRICE, currency: "PLAY" };
		sealed = wrapFetchWithTetrad(globalThis.fetch, options);
		prepaid = wrapFetchWithTetrad(globalThis.fetch, {
			...{ ...options, modes: ["prepaid"] },
		});
	});
	after(() => town?.[Symbol.asyncDispose]());

	test("has the version that is relied on", () => {
		const versions = stockVersions();
		for (const name of ["core", "express", "hono", "fetch"])
			assert.equal(versions[`@x402/${name}`], RELIED_ON, name);
	});

	/** What it costs to do that. */
	async function costOf(work: () => Promise<void>): Promise<bigint> {
		const had = await town.spendable();
		await work();
		return had - (await town.spendable());
	}

	for (const framework of ["express", "hono"] as const)
		describe(`behind @x402/${framework}`, () => {
			let api: PaidApi;
			/** With what error that ends, which takes as long as an answer may. */
			let hanging: Promise<string>;
			/** Whether its server has ended it. */
			let isCut: Promise<boolean>;

			before(async () => {
				api = await town.api(framework, { answerWithinMs: 10_000 });
				const cut = Promise.withResolvers<boolean>();
				isCut = cut.promise;
				const pay = wrapFetchWithTetrad(
					async (input, init) => {
						const request = new Request(input, init);
						if (!request.headers.has("payment-signature"))
							return fetch(request);
						// Without the signal, by which it would be ended here.
						const { url, headers } = request;
						await assert.rejects(fetch(url, { headers }), TypeError);
						cut.resolve(true);
						throw new TypeError("it was cut");
					},
					{ agent: town.agent, maximum: PRICE, currency: "PLAY" },
				);
				hanging = pay(`${api.url}/sealed/hangs`).then(
					() => "answered",
					(error: TetradError) => error.code,
				);
			});

			test("without a payment says what it costs, and does nothing", async () => {
				const response = await fetch(`${api.url}/sealed/weather`);
				assert.equal(response.status, 402);
				assert.ok(response.headers.has("payment-required"));
				assert.equal(await api.ran("/sealed/weather"), 0);
			});

			test("an answer is bought, with what was said with it, once for each request", async () => {
				const cost = await costOf(async () => {
					for (const path of ["/sealed/status/201", "/sealed/status/201"]) {
						const response = await sealed(`${api.url}${path}`);
						assert.equal(response.status, 201);
						assert.equal(response.headers.get("link"), "</next>; rel=next");
						assert.ok(response.headers.has("payment-response"));
						assert.deepEqual(await response.json(), { path });
					}
				});
				assert.equal(cost, 2n * PRICE);
				assert.equal(await api.ran("/sealed/status/201"), 2);
			});

			test("the contract names the request, and an order of its parts", async () => {
				const url = `${api.url}/sealed/named/?b=2&a=1&a=%7E#part`;
				await sealed(url, {
					method: "PUT",
					body: '{"a": 1}',
					headers: JSON_TYPE,
				});
				const purchase = await town.lastPurchase();
				const hash = createHash("sha256").update('{"a": 1}').digest("hex");
				assert.equal(
					purchase?.order,
					`PUT ${api.url}/sealed/named/?b=2&a=1&a=%7E sha256:${hash}`,
				);
			});

			test("a body is paid for as it was sent, and reaches the handler", async () => {
				for (const body of ['{"a": 1}', '{"a":1}', "[]"]) {
					const response = await sealed(`${api.url}/sealed/body`, {
						...{ method: "POST", body, headers: JSON_TYPE },
					});
					assert.deepEqual(JSON.parse(await response.text()), {
						...{ path: "/sealed/body", body: JSON.parse(body) },
					});
				}
			});

			test("a body whose bytes are not known is refused", async () => {
				const text = { "content-type": "text/plain" };
				const body = new Blob(["{}"]).stream();
				const bodies: RequestInit[] =
					framework === "express"
						? [{ body: "{}", headers: text }]
						: [{ body, headers: JSON_TYPE, duplex: "half" }];
				for (const init of bodies) {
					const asked = { method: "POST", ...init };
					const response = await fetch(`${api.url}/sealed/unknown`, asked);
					assert.equal(response.status, 500);
				}
				assert.equal(await api.ran("/sealed/unknown"), 0);
			});

			test("the same, asked for twice at once, is bought once", async () => {
				const url = `${api.url}/sealed/twice`;
				const cost = await costOf(async () => {
					const both = await Promise.all([sealed(url), sealed(url)]);
					for (const response of both)
						assert.deepEqual(await response.json(), { path: "/sealed/twice" });
				});
				assert.equal(cost, PRICE);
				assert.equal(await api.ran("/sealed/twice"), 1);
			});

			test("bytes come as they are, and so does nothing", async () => {
				const response = await sealed(`${api.url}/sealed/bytes`);
				const bytes = new Uint8Array(await response.arrayBuffer());
				assert.equal(bytes.length, 8000);
				assert.deepEqual(bytes.subarray(6999, 7001), Uint8Array.of(6, 7));
				const empty = await sealed(`${api.url}/sealed/empty`);
				assert.equal(empty.status, 204);
				assert.equal(empty.body, null);
			});

			test("HEAD is paid for as HEAD", async () => {
				const cost = await costOf(async () => {
					const response = await sealed(`${api.url}/sealed/head`, {
						method: "HEAD",
					});
					assert.equal(response.status, 200);
					assert.equal(await response.text(), "");
				});
				assert.equal(cost, PRICE);
			});

			for (const [what, path, status] of [
				["throws", "/throws", 500],
				["fails", "/status/503", 503],
				["finds nothing", "/status/404", 404],
			] as const)
				test(`a handler that ${what} answers, and is not paid`, async () => {
					const cost = await costOf(async () => {
						const response = await sealed(`${api.url}/sealed${path}`);
						assert.equal(response.status, status);
						assert.equal(await api.ran(`/sealed${path}`), 1);
					});
					assert.equal(cost, 0n);
					const response = await prepaid(`${api.url}/prepaid${path}`);
					assert.equal(response.status, status);
					assert.equal(await api.ran(`/prepaid${path}`), 1);
					assert.equal((await town.lastPurchase())?.refunded, PRICE);
				});

			test("a handler that streams for long is not paid", async () => {
				const cost = await costOf(() =>
					assert.rejects(sealed(`${api.url}/sealed/streams`), {
						code: "limit-exceeded",
					}),
				);
				assert.equal(cost, 0n);
			});

			if (framework === "express")
				test("an answer is bought where others pay otherwise", async () => {
					const cost = await costOf(async () => {
						const response = await sealed(`${api.url}/either/way`);
						assert.deepEqual(await response.json(), { path: "/either/way" });
					});
					assert.equal(cost, PRICE);
				});

			if (framework === "express")
				for (const [what, path] of [
					["a status given to writeHead of Node", "by-hand"],
					["a price that a handler changes", "cheaper"],
				] as const)
					test(`${what} is seen, and nothing is paid`, async () => {
						const cost = await costOf(() =>
							assert.rejects(sealed(`${api.url}/sealed/${path}`), {
								code: "payment-refused",
							}),
						);
						assert.equal(cost, 0n);
					});

			test("a prepaid request is paid, and answered", async () => {
				const cost = await costOf(async () => {
					const response = await prepaid(`${api.url}/prepaid/mail`);
					assert.deepEqual(await response.json(), { path: "/prepaid/mail" });
				});
				assert.equal(cost, PRICE);
				await assert.rejects(sealed(`${api.url}/prepaid/mail`), {
					code: "payment-refused",
				});
			});

			test("where both modes are accepted, each buyer pays in its own", async () => {
				const cost = await costOf(async () => {
					for (const pay of [sealed, prepaid]) {
						const response = await pay(`${api.url}/both/modes`);
						assert.deepEqual(await response.json(), { path: "/both/modes" });
					}
				});
				assert.equal(cost, 2n * PRICE);
			});

			test("a handler that hangs is not paid", async () => {
				const cost = await costOf(async () => {
					assert.equal(await hanging, "timed-out");
				});
				assert.equal(cost, 0n);
				assert.ok(await isCut, "its request goes on");
			});

			test("the stock fetch pays with our scheme, within what spendControls allow", async () => {
				const program = `${STOCK}x402/stock-client.ts`;
				const pay = async (allowed: string, url: string) => {
					const args = [town.buyer, allowed, url];
					const { stdout, stderr } = await run(args, { program });
					assert.equal(stderr, "");
					return JSON.parse(stdout);
				};
				const url = `${api.url}/sealed/stock`;
				const cost = await costOf(async () => {
					const { status, text, paid } = await pay("5", url);
					assert.deepEqual({ status, paid }, { status: 200, paid: true });
					const { path, body } = JSON.parse(text);
					assert.deepEqual(
						{ path, body },
						{
							path: "/sealed/stock",
							body: { day: 1 },
						},
					);
					assert.match((await pay("4", url)).error, /spendControls/);
				});
				assert.equal(cost, PRICE);
			});
		});
});
