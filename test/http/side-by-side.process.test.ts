/*
 * Three attacks on a paid request, on stock x402 `exact` and on ours in one run. What stock allows
 * is asserted, too: once it is mended there, what the README says is no longer true.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { before, suite, test } from "node:test";
import {
	attackBoth,
	type SideBySide,
	tableOf,
} from "../support/side-by-side.ts";
import { skipUnlessStock, stockVersions } from "../support/stock.ts";

const README = new URL("../../README.md", import.meta.url);
const VERSION = skipUnlessStock() === false && stockVersions()["@x402/express"];

suite("one run of the attacks", { skip: skipUnlessStock() }, () => {
	let both: SideBySide;
	before(async () => {
		both = await attackBoth();
	});

	const mended = `x402 ${VERSION} no longer allows it: when it was mended there, mend what the README says`;

	test("sends one payment five times at once", () => {
		const { exact, purchase } = both;
		const allowed = { ran: 5, paid: 1, got: 1, served: 1 };
		assert.deepEqual(exact["five at once"], allowed, mended);
		const held = { ran: 1, paid: 1, got: 1, served: 1 };
		assert.deepEqual(purchase["five at once"], held);
	});

	test("sends a payment that was made for another address", () => {
		const { exact, purchase } = both;
		const allowed = { ran: 1, paid: 1, got: 1, served: 1 };
		assert.deepEqual(exact["another address"], allowed, mended);
		const held = { ran: 0, paid: 0, got: 0, served: 0 };
		assert.deepEqual(purchase["another address"], held);
	});

	test("loses an answer, and asks for it again", () => {
		const { exact, purchase } = both;
		const allowed = { ran: 2, paid: 2, got: 1, served: 2 };
		assert.deepEqual(exact["answer lost"], allowed, mended);
		const held = { ran: 1, paid: 1, got: 1, served: 1 };
		assert.deepEqual(purchase["answer lost"], held);
	});

	test("is what the README's table says; renew it with: npx node tools/side-by-side.ts", async () => {
		const readme = await readFile(README, "utf8");
		assert.ok(readme.includes(`\n${tableOf(both)}\n`), tableOf(both));
	});
});
