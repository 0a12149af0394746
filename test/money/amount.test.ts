import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
	amount,
	type Currency,
	formatAmount,
	MAX_AMOUNT,
	parseAmount,
	requireAmount,
	requireCurrency,
	sameCurrency,
	sumAmounts,
} from "../../src/money/index.ts";
import { type Field, formOf, hex, time, u64 } from "../../src/wire/index.ts";
import { MALFORMED } from "../wire/only-tetrad-errors.ts";

const INVALID = { name: "TetradError", code: "invalid-argument" } as const;
const EUR: Currency = { code: "EUR", exponent: 2 };
const YEN: Currency = { code: "JPY", exponent: 0 };
const BTC: Currency = { code: "BTC", exponent: 8 };

describe("an amount in text", () => {
	test("is read exactly", () => {
		for (const [text, currency, amount] of [
			["12.5", EUR, 1250n],
			["12.50", EUR, 1250n],
			["12", EUR, 1200n],
			["0.01", EUR, 1n],
			["7", YEN, 7n],
			["0.00000001", BTC, 1n],
			["92233720368547758.07", EUR, MAX_AMOUNT],
			["9223372036854775807", YEN, MAX_AMOUNT],
			["92233720368.54775807", BTC, MAX_AMOUNT],
			// No double has this one.
			["90071992547409.93", EUR, 9_007_199_254_740_993n],
		] as const)
			assert.equal(parseAmount(text, currency), amount, text);
	});

	test("round trip: what is printed is read as the same", () => {
		fc.assert(
			fc.property(
				fc.bigInt({ min: 1n, max: MAX_AMOUNT }),
				fc.integer({ min: 0, max: 8 }),
				(amount, exponent) => {
					const currency = { code: "X1", exponent };
					const text = formatAmount(amount, currency);
					assert.equal(parseAmount(text, currency), amount);
					assert.match(text, /^\d+(\.\d+)?$/);
				},
			),
		);
	});

	test("sums print with a sign and all their decimals", () => {
		assert.equal(formatAmount(0n, EUR), "0.00");
		assert.equal(formatAmount(-5n, EUR), "-0.05");
		assert.equal(formatAmount(-1250n, YEN), "-1250");
	});

	const refused: Record<string, readonly string[]> = {
		zero: ["0", "0.0", "0.00"],
		negative: ["-1", "-0.01", "−1"],
		"with a plus sign": ["+1", "1+"],
		"with an exponent": ["1e3", "1E3", "1.0e2", "0x10", "1n"],
		"with spaces": [" 1", "1 ", "1 000", "1\n", "\t1", "1\u00a0"],
		"with separators": ["1,000", "1.000.00", "1,5", "1_000", "1'000"],
		"with leading zeros": ["01", "00", "00.5", "007"],
		"with half a number": ["", ".", ".5", "1.", "1..5"],
		"in other digits": ["１２", "١٢", "१२", "𝟙", "½", "1.５"],
		"no number": ["NaN", "Infinity", "twelve", "1€", "EUR 1", "1\u0000"],
		"more decimals than the currency has": ["1.234", "0.001", "1.000"],
		"beyond 2^63 - 1": [
			"92233720368547758.08",
			"92233720368547759",
			"9223372036854775807",
			"99999999999999999999",
			"9".repeat(1000),
			`1.${"0".repeat(1_000_000)}`,
		],
	};
	for (const [what, texts] of Object.entries(refused))
		test(`${what} is refused`, () => {
			for (const text of texts)
				assert.throws(() => parseAmount(text, EUR), INVALID, text);
		});

	test("any decimals are refused where a currency has none", () => {
		for (const text of ["1.0", "1.5"])
			assert.throws(() => parseAmount(text, YEN), INVALID);
	});

	test("a number is refused, because JSON has strings for amounts", () => {
		for (const value of [12, 12.5, 1e21, null, undefined, ["12"], 12n])
			assert.throws(
				() => parseAmount(value as unknown as string, EUR),
				INVALID,
			);
	});

	test("a refusal is short, whatever the text was", () => {
		assert.throws(
			() => parseAmount("9".repeat(1_000_000), EUR),
			({ message }: Error) => message.length < 200,
		);
	});

	test("any text is an amount that prints as it was but for zeros, or is refused", () => {
		const nearly = fc.stringMatching(/^[-+ 0-9.,eE]{1,12}$/);
		fc.assert(
			fc.property(fc.oneof(fc.string(), nearly), (text) => {
				let amount: bigint;
				try {
					amount = parseAmount(text, EUR);
				} catch (error) {
					assert.equal((error as { code?: string }).code, "invalid-argument");
					return;
				}
				const [whole, decimals = ""] = text.split(".");
				assert.equal(
					formatAmount(amount, EUR),
					`${whole}.${decimals.padEnd(2, "0")}`,
				);
			}),
			{ numRuns: 2000 },
		);
	});
});

const bytesOf = (value: bigint) => formOf(amount, value);
const readFrom = <Value>(field: Field<Value>, bytes: Uint8Array) =>
	field.read(bytes, 0, bytes.length);

describe("an amount in bytes", () => {
	test("golden bytes", () => {
		assert.equal(hex(bytesOf(1250n)), "00000000000004e2");
		assert.equal(hex(bytesOf(MAX_AMOUNT)), "7fffffffffffffff");
		assert.equal(hex(formOf(time, 1_780_315_200_000)), "0000019e830e1a00");
	});

	test("round trip", () => {
		fc.assert(
			fc.property(fc.bigInt({ min: 1n, max: MAX_AMOUNT }), (value) => {
				assert.equal(readFrom(amount, bytesOf(value)), value);
			}),
		);
	});

	test("zero and everything from 2^63 on are malformed", () => {
		for (const value of [0n, MAX_AMOUNT + 1n, 2n ** 64n - 1n])
			assert.throws(() => readFrom(amount, formOf(u64, value)), MALFORMED);
	});

	test("a number that 64 bits do not hold is not cut to them", () => {
		for (const value of [-1n, 2n ** 64n, 2n ** 64n + 5n, -(2n ** 64n)])
			for (const field of [u64, amount])
				assert.throws(() => formOf(field, value), INVALID);
	});

	test("times are whole milliseconds that a Date can tell", () => {
		const last = 8_640_000_000_000_000;
		for (const value of [0, 1, last])
			assert.equal(readFrom(time, formOf(time, value)), value);
		for (const value of [-1, 0.5, Number.NaN, Infinity, last + 1])
			assert.throws(() => formOf(time, value), INVALID);
		for (const value of [BigInt(last) + 1n, 2n ** 64n - 1n])
			assert.throws(() => readFrom(time, formOf(u64, value)), MALFORMED);
	});
});

test("amounts to pay are 1 to 2^63 - 1, and bigint", () => {
	for (const amount of [1n, MAX_AMOUNT])
		assert.equal(requireAmount(amount), amount);
	for (const amount of [0n, -1n, MAX_AMOUNT + 1n])
		assert.throws(() => requireAmount(amount), INVALID);
	for (const amount of [1, "1", null])
		assert.throws(() => requireAmount(amount as unknown as bigint), INVALID);
});

test("sums stop at 2^63 - 1", () => {
	assert.equal(sumAmounts([]), 0n);
	assert.equal(sumAmounts([MAX_AMOUNT - 1n, 1n]), MAX_AMOUNT);
	assert.throws(() => sumAmounts([MAX_AMOUNT, 1n]), INVALID);
	assert.throws(() => sumAmounts(Array(3).fill(MAX_AMOUNT)), INVALID);
});

describe("a currency", () => {
	test("is 1 to 8 capital letters and digits, and has 0 to 8 decimals", () => {
		for (const code of ["E", "EUR", "12345678"])
			requireCurrency({ code, exponent: 2 });
		for (const code of [
			"",
			"eur",
			"EURO EUR",
			"123456789",
			"€",
			"EUR\n",
			"ЕUR",
		])
			assert.throws(
				() => requireCurrency({ code, exponent: 2 }),
				INVALID,
				code,
			);
		for (const exponent of [-1, 9, 1.5, Number.NaN])
			assert.throws(() => requireCurrency({ code: "EUR", exponent }), INVALID);
	});

	test("is the same only with the same decimals", () => {
		assert.ok(sameCurrency(EUR, { ...EUR }));
		assert.ok(!sameCurrency(EUR, { code: "EUR", exponent: 3 }));
		assert.ok(!sameCurrency(EUR, { code: "USD", exponent: 2 }));
	});
});
