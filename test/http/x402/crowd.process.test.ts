/* More requests at once than there is money for, behind a stock middleware. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { asTetradError, isErrorCode } from "../../../src/errors.ts";
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
				return await response.text();
			} catch (thrown) {
				return asTetradError(thrown).code;
			}
		}),
	);
	const answers = outcomes.map((_, number) => `{"path":"/dear/${number}"}`);
	const paid = outcomes.filter((text, at) => text === answers[at]).length;
	const doubtful = outcomes.filter((code) => code === "payment-in-doubt");
	assert.ok(paid >= 1 && paid <= had / PRICE, `${paid} were paid`);
	for (const [at, outcome] of outcomes.entries())
		assert.ok(outcome === answers[at] || isErrorCode(outcome), outcome);
	// On a machine that is too slow for a thousand, some may be in doubt, and say so.
	const spent = Number((had - (await town.spendable())) / PRICE);
	assert.ok(spent >= paid && spent <= paid + doubtful.length);
	assert.ok((await api.ranBelow("/dear/")) <= spent + UNPAID);
});
