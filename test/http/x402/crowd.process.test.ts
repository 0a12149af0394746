/* More requests at once than there is money for, behind a stock middleware. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TetradError } from "../../../src/errors.ts";
import { wrapFetchWithTetrad } from "../../../src/http/x402/index.ts";
import { skipUnlessStock } from "../../support/stock.ts";
import { PaidTown } from "./paid-town.ts";

/** What an answer costs, in minor units; the buyer has 100.00. */
const PRICE = 900n;

/** Answers of one buyer that a merchant makes before any is paid (docs/paid.md). */
const UNPAID = 16;

const skip = skipUnlessStock();
test("of a thousand requests at once, with money for ten, no more are paid, and few more are answered", {
	skip,
}, async () => {
	await using town = await PaidTown.make();
	const api = await town.api("express");
	const had = await town.spendable();
	const pay = wrapFetchWithTetrad(fetch, {
		...{ agent: town.agent, maximum: PRICE, currency: "PLAY" },
	});
	const outcomes = await Promise.all(
		Array.from({ length: 1000 }, async (_, number) => {
			try {
				const response = await pay(`${api.url}/dear/${number}`);
				assert.equal(await response.text(), `{"path":"/dear/${number}"}`);
				return "paid";
			} catch (thrown) {
				return (thrown as TetradError).code;
			}
		}),
	);
	const paid = outcomes.filter((outcome) => outcome === "paid").length;
	assert.ok(paid >= 1 && paid <= had / PRICE, `${paid} were paid`);
	assert.equal(had - (await town.spendable()), BigInt(paid) * PRICE);
	assert.ok((await api.ranBelow("/dear/")) <= paid + UNPAID);
	assert.ok(!outcomes.includes("payment-in-doubt"));
});
