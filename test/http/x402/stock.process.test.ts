/* Requests that are paid for through the stock packages of x402, by our `fetch` and by the stock one, each program being a process. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { wrapFetchWithTetrad } from "../../../src/http/x402/index.ts";
import { skipUnlessStock } from "../../support/stock.ts";
import { type PaidApi, PaidTown } from "./paid-town.ts";

const PRICE = 5n;

describe("stock x402", { skip: skipUnlessStock() }, () => {
	let town: PaidTown;

	before(async () => {
		town = await PaidTown.make();
	});
	after(() => town?.[Symbol.asyncDispose]());

	for (const framework of ["express", "hono"] as const)
		describe(`behind @x402/${framework}`, () => {
			let api: PaidApi;
			let fetch: typeof globalThis.fetch;

			before(async () => {
				api = await town.api(framework);
				fetch = wrapFetchWithTetrad(globalThis.fetch, {
					...{ agent: town.agent, maximum: PRICE, currency: "PLAY" },
				});
			});

			test("an answer is paid for and bought", async () => {
				const had = await town.spendable();
				const response = await fetch(`${api.url}/sealed/weather?day=1`);
				assert.equal(response.status, 200);
				assert.deepEqual(await response.json(), { path: "/sealed/weather" });
				assert.equal(await town.spendable(), had - PRICE);
				assert.equal(await api.ran("/sealed/weather"), 1);
			});
		});
});
