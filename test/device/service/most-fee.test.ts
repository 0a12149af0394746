/* What a buyer that wants to pay at most so much lets a mint ask for beside the price. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { mostFeeOf } from "../../../src/device/service/buying.ts";
import { MAX_AMOUNT } from "../../../src/money/index.ts";

test("the most that a mint may ask for is the rest, and no more than a message carries", () => {
	const mint = { url: "https://mint.example", unit: "sat" };
	assert.equal(mostFeeOf({ amount: 40n, mint }, 42n), 2n);
	assert.equal(mostFeeOf({ amount: 40n, mint }, 40n), 0n);
	assert.equal(mostFeeOf({ amount: 40n, mint }, 10n ** 30n), MAX_AMOUNT);
	assert.equal(mostFeeOf({ amount: 40n, mint }, undefined), undefined);
	assert.equal(mostFeeOf({ amount: 40n }, 42n), undefined);
});
