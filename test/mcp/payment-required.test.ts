/* How a tool asks to be paid, and what is taken for that. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MAX_PAYMENT_TEXT } from "../../src/mcp/limits.ts";
import {
	paymentRequired,
	paymentRequiredIn,
} from "../../src/mcp/payment-required.ts";
import type { PaidTerms } from "../../src/paid/index.ts";
import { networkOf } from "../../src/paid/x402/index.ts";
import { text, textOf } from "./paid-shop.ts";

const TERMS: PaidTerms = {
	...{ mode: "sealed", address: "tcp:shop.example:7000", amount: 5n },
	...{ agent: "ab".repeat(41), module: "cd".repeat(41), item: "request" },
	...{ currency: "EUR", exponent: 2, play: false, issuer: "mint" },
	request: 'tool "weather" "forecast" sha256:00',
};

describe("a result that asks for payment", () => {
	const asking = paymentRequired("fore cast", TERMS, { hasSchema: false });
	const said = asking.structuredContent;

	test("says the same as data and as a text", () => {
		assert.equal(asking.isError, true);
		assert.deepEqual(JSON.parse(textOf(asking) ?? ""), said);
		assert.equal(Object(said).resource.url, "mcp://tool/fore%20cast");
	});

	test("is a text alone where results have a schema", () => {
		const typed = paymentRequired("forecast", TERMS, { hasSchema: true });
		assert.equal(typed.structuredContent, undefined);
		assert.deepEqual(Object.keys(JSON.parse(textOf(typed) ?? "")), [
			...["x402Version", "error", "resource", "accepts"],
		]);
	});

	test("says with a code alone why a payment was refused, and that nothing was settled", () => {
		const code = "offer-expired";
		const how = { code, isUnsettled: true, hasSchema: false } as const;
		const refused = paymentRequired("forecast", TERMS, how);
		const { error, ...more } = Object(refused.structuredContent);
		assert.equal(error, code);
		assert.deepEqual(more["x402/payment-response"], {
			...{ success: false, errorReason: code, transaction: "" },
			network: networkOf("mint"),
		});
	});

	const wrapper = { "x402/error": { code: 402, message: "pay", data: said } };
	for (const [what, result] of Object.entries({
		"as data": { isError: true, structuredContent: said },
		"as a text": { ...text(JSON.stringify(said)), isError: true },
		"in the wrapper of earlier drafts": {
			...text(JSON.stringify(wrapper)),
			isError: true,
		},
		"in that wrapper, as data": { isError: true, structuredContent: wrapper },
		"as a text, beside other data": {
			...{ ...text(JSON.stringify(said)), isError: true },
			structuredContent: { result: said },
		},
	}))
		test(`is read ${what}`, () =>
			assert.equal(paymentRequiredIn(result)?.accepts.length, 1));

	for (const [what, result] of Object.entries({
		"what is no error": { ...text(JSON.stringify(said)), isError: false },
		"another error": { ...text("no such day"), isError: true },
		"another version": {
			isError: true,
			structuredContent: { ...Object(said), x402Version: 1 },
		},
		"what is too long": {
			...text(
				JSON.stringify({ ...Object(said), x: "x".repeat(MAX_PAYMENT_TEXT) }),
			),
			isError: true,
		},
		"what has too many ways to pay": {
			isError: true,
			structuredContent: {
				...Object(said),
				accepts: Array(17).fill(Object(said).accepts[0]),
			},
		},
		nothing: undefined,
	}))
		test(`is not ${what}`, () =>
			assert.equal(paymentRequiredIn(result), undefined));
});
