/*
 * Money is counted in minor units of one currency, as `bigint`. Text has the currency's decimals
 * and nothing else: no sign, no spaces, no separators, no exponent.
 */
import { TetradError } from "../../errors.ts";
import {
	bool,
	type Field,
	malformed,
	mapped,
	row,
	text,
	u8,
	u64,
} from "../../wire/index.ts";
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

/** An amount that can be paid: 1 to 2^63 − 1, in eight bytes, big-endian. */
export const amount: Field<bigint> = mapped(u64, {
	from(value) {
		if (value === 0n || value > MAX_AMOUNT)
			throw malformed("an amount is zero, or more than 2^63 - 1");
		return value;
	},
	to: requireAmount,
});

/** The code of a currency, in ASCII. */
export const currencyCode: Field<string> = mapped(text(1, 8), {
	from(code) {
		if (!isCurrencyCode(code)) throw malformed("a text names no currency");
		return code;
	},
	to(code) {
		if (!isCurrencyCode(code)) throw invalid("a text names no currency");
		return code;
	},
});

/** How the minor unit of a currency is counted, and whether it is play money, in two bytes. */
export interface MoneyKind {
	/** 0 to 8. */
	readonly exponent: number;
	readonly isPlay: boolean;
}

export const moneyKind: Field<MoneyKind> = mapped(
	row<MoneyKind>({ exponent: u8, isPlay: bool }),
	{
		from(kind) {
			if (kind.exponent > MAX_EXPONENT)
				throw malformed(`a currency has more than ${MAX_EXPONENT} decimals`);
			return kind;
		},
		to: (kind) => kind,
	},
);

function invalid(what: string): TetradError {
	return new TetradError("invalid-argument", what);
}
