/*
 * Units of Cashu (NUT-01) are currencies of ours: the code is the unit in capital letters, and the
 * amounts of both count the same minor unit.
 */
import { type Currency, isCurrencyCode } from "./amount.ts";

/** Decimals of ISO 4217 that are not two, and those of units that are no currency of it (NUT-01). */
const EXPONENTS: Readonly<Record<string, number>> = {
	...{ sat: 0, msat: 0, btc: 8 },
	...{ bif: 0, clp: 0, djf: 0, gnf: 0, isk: 0, jpy: 0, kmf: 0, krw: 0 },
	...{ pyg: 0, rwf: 0, ugx: 0, vnd: 0, vuv: 0, xaf: 0, xof: 0, xpf: 0 },
	...{ gyen: 0 },
	...{ bhd: 3, iqd: 3, jod: 3, kwd: 3, lyd: 3, omr: 3, tnd: 3 },
	...{ usdt: 2, usdc: 2, eurc: 2 },
};

const UNIT = /^[a-z0-9]{1,8}$/;

/** Whether a unit is one that a currency of ours has the code of: 1 to 8 small letters and digits. What NUT-22 reserves is none. */
export function isUnit(unit: string): boolean {
	return UNIT.test(unit) && unit !== "auth";
}

/** The currency that a unit is. Three letters that are not in the list have two decimals, as most of ISO 4217 have, and anything else none. */
export function currencyOf(unit: string): Currency {
	const exponent = EXPONENTS[unit] ?? (/^[a-z]{3}$/.test(unit) ? 2 : 0);
	return { code: unit.toUpperCase(), exponent };
}

/** The unit that has the code of a currency, or `undefined`. */
export function unitOf(code: string): string | undefined {
	const unit = code.toLowerCase();
	return isCurrencyCode(code) && isUnit(unit) ? unit : undefined;
}
