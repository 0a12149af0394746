/* What invoices ask for: the beginnings of the examples of BOLT 11. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { invoiceAmount } from "../../../src/money/cashu/index.ts";

for (const [beginning, sat, msat] of [
	["lnbc2500u", 250_000n, 250_000_000n],
	["lnbc20m", 2_000_000n, 2_000_000_000n],
	["lntb20m", 2_000_000n, 2_000_000_000n],
	["lnbc25m", 2_500_000n, 2_500_000_000n],
	["lnbc9678785340p", 967_879n, 967_878_534n],
	["lnbc2", 200_000_000n, 200_000_000_000n],
	["lnbcrt1", 100_000_000n, 100_000_000_000n],
	["lnbc11m", 1_100_000n, 1_100_000_000n],
	["lnplaysat2000n", 200n, 200_000n],
	// No amount, or no invoice.
	["lnbc", 0n, 0n],
	["lnbc02m", 0n, 0n],
	["lnbc2x", 0n, 0n],
	["bc20m", 0n, 0n],
	["", 0n, 0n],
] as const)
	test(`"${beginning}" asks for ${sat} sat`, () => {
		const invoice = `${beginning}1pvjluezpp5qqqsyq`;
		assert.equal(invoiceAmount(invoice, "sat"), sat);
		assert.equal(invoiceAmount(invoice.toUpperCase(), "sat"), sat);
		assert.equal(invoiceAmount(invoice, "msat"), msat);
		assert.equal(invoiceAmount(invoice, "usd"), undefined);
	});

test("a text without a 1 asks for nothing", () => {
	assert.equal(invoiceAmount("lnbc20m", "sat"), 0n);
});
