/*
 * Money is counted in minor units of one currency, as `bigint`. Text has the currency's decimals
 * and nothing else: no sign, no spaces, no separators, no exponent.
 */
import { TetradError } from "../../errors.ts";
import { malformed } from "../../wire/index.ts";
import { MAX_AMOUNT, MAX_EXPONENT } from "./limits.ts";

/** Which money, and how many decimals its minor unit is away from it. Both are the issuer's to say. */
export interface Currency {
	/** 1 to 8 capital letters and digits. */
	readonly code: string;
	/** 0 to 8: with 2, the amount 1250n is 12.50. */
	readonly exponent: number;
}

const CODE = /^[A-Z0-9]{1,8}$/;

/** Throws `invalid-argument` for what names no currency. */
export function requireCurrency({ code, exponent }: Currency): void {
	if (!isCurrencyCode(code))
		throw invalid(
			`"${code}" names no currency: say 1 to 8 capital letters or digits`,
		);
	if (!Number.isInteger(exponent) || exponent < 0 || exponent > MAX_EXPONENT)
		throw invalid(`a currency has 0 to ${MAX_EXPONENT} decimals`);
}

export function isCurrencyCode(text: string): boolean {
	return CODE.test(text);
}

export function sameCurrency(a: Currency, b: Currency): boolean {
	return a.code === b.code && a.exponent === b.exponent;
}

/** Returns an amount that can be paid: 1 to 2^63 − 1. Throws `invalid-argument` for any other. */
export function requireAmount(amount: bigint): bigint {
	if (typeof amount !== "bigint" || amount <= 0n || amount > MAX_AMOUNT)
		throw invalid(
			"an amount is greater than zero and at most 2^63 - 1 minor units",
		);
	return amount;
}

/** The sum, which may be zero for no amounts at all. Throws `invalid-argument` beyond 2^63 − 1. */
export function sumAmounts(amounts: Iterable<bigint>): bigint {
	let sum = 0n;
	for (const amount of amounts) {
		sum += amount;
		if (sum > MAX_AMOUNT)
			throw invalid(
				"these amounts together are more than 2^63 - 1 minor units",
			);
	}
	return sum;
}

const DECIMAL = /^(0|[1-9][0-9]{0,18})(?:\.([0-9]{1,8}))?$/;

/**
 * Reads "12.5" as 1250n of a currency with two decimals. Throws `invalid-argument` for zero, for
 * more decimals than the currency has, beyond 2^63 − 1, and for anything else that is no number.
 *
 * @example
 * ```ts
 * import { formatAmount, parseAmount } from "tetrad";
 *
 * const euro = { code: "EUR", exponent: 2 };
 * const price = parseAmount("12.5", euro); // 1250n
 * console.log(formatAmount(price, euro)); // 12.50
 * ```
 */
export function parseAmount(text: string, currency: Currency): bigint {
	requireCurrency(currency);
	// A number in JSON would be made a text, of what a double had left of it.
	if (typeof text !== "string")
		throw invalid("an amount is a text of digits, and not a number");
	const { code, exponent } = currency;
	const [, whole, decimals = ""] = DECIMAL.exec(text) ?? [];
	if (whole === undefined)
		throw invalid(
			`"${text.slice(0, 40)}" is no amount: write digits, and decimals after a point, such as ${exponent === 0 ? "12" : "12.50"}`,
		);
	if (decimals.length > exponent)
		throw invalid(
			exponent === 0
				? `${code} has no decimals, and "${text}" has ${decimals.length}`
				: `${code} has ${exponent} decimals, and "${text}" has ${decimals.length}`,
		);
	return requireAmount(BigInt(whole + decimals.padEnd(exponent, "0")));
}

/** Prints 1250n of a currency with two decimals as "12.50". Zero and negative sums can be printed too. */
export function formatAmount(amount: bigint, { exponent }: Currency): string {
	const sign = amount < 0n ? "-" : "";
	const digits = String(amount < 0n ? -amount : amount).padStart(
		exponent + 1,
		"0",
	);
	if (exponent === 0) return sign + digits;
	return `${sign}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

/** Eight bytes, big-endian. Throws as `uint64`. */
export function amountBytes(amount: bigint): Uint8Array {
	return uint64(amount);
}

/** Throws `malformed` for zero and beyond 2^63 − 1. */
export function parseAmountBytes(bytes: Uint8Array): bigint {
	const amount = parseUint64(bytes);
	if (amount === 0n || amount > MAX_AMOUNT)
		throw malformed("an amount is zero, or more than 2^63 - 1");
	return amount;
}

/** The last time that a `Date` can tell. */
const MAX_TIME = 8_640_000_000_000_000;

/** A time in milliseconds since the epoch, as eight bytes. Throws `invalid-argument` for what `parseTimeBytes` refuses. */
export function timeBytes(milliseconds: number): Uint8Array {
	if (
		!Number.isInteger(milliseconds) ||
		milliseconds < 0 ||
		milliseconds > MAX_TIME
	)
		throw invalid("a time is out of range");
	return uint64(BigInt(milliseconds));
}

/** Throws `malformed` for a time that JavaScript cannot tell exactly. */
export function parseTimeBytes(bytes: Uint8Array): number {
	const time = parseUint64(bytes);
	if (time > MAX_TIME) throw malformed("a time is out of range");
	return Number(time);
}

const MAX_UINT64 = 2n ** 64n - 1n;

/** Eight bytes, big-endian. Throws `invalid-argument` for what they do not hold. */
export function uint64(value: bigint): Uint8Array {
	// A DataView would write the lowest 64 bits of any number.
	if (value < 0n || value > MAX_UINT64)
		throw invalid("a number is negative, or does not fit into 64 bits");
	const bytes = new Uint8Array(8);
	new DataView(bytes.buffer).setBigUint64(0, value);
	return bytes;
}

/** `bytes` has eight bytes; the structure that it is a field of has made sure. */
export function parseUint64(bytes: Uint8Array): bigint {
	return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0);
}

function invalid(what: string): TetradError {
	return new TetradError("invalid-argument", what);
}
