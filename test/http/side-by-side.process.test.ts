/*
 * Three attacks on a paid request, on stock x402 `exact` and on ours in one run. What stock allows
 * is asserted, too: when it is mended there, the table in the README is no longer true.
 */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { attack, type Outcomes } from "../support/side-by-side.ts";
import { skipUnlessStock, stockVersions } from "../support/stock.ts";

/** What the stock packages allow. */
const ALLOWED: Outcomes = {
	"five at once": { ran: 5, paid: 1, got: 1, served: 1 },
	"another address": { ran: 1, paid: 1, got: 1, served: 1 },
	"answer lost": { ran: 2, paid: 2, got: 1, served: 2 },
};

suite("attacks on a paid request", { skip: skipUnlessStock() }, () => {
	test("work on stock x402 exact", async (t) => {
		const version = stockVersions()["@x402/express"];
		t.diagnostic(`@x402/express ${version}`);
		assert.deepEqual(
			await attack("exact-attacks.ts"),
			ALLOWED,
			`x402 ${version} no longer allows what it did: if it was mended, say so in the README`,
		);
	});
});
