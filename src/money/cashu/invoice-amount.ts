/* What an invoice of Lightning asks for, as its beginning says (BOLT 11). */

/** Thousandths of a satoshi in a bitcoin. */
const MSAT_OF_BITCOIN = 100_000_000_000n;

/** What of a bitcoin a letter behind the amount is. */
const PARTS: Readonly<Record<string, bigint>> = {
	"": 1n,
	m: 1_000n,
	u: 1_000_000n,
	n: 1_000_000_000n,
	p: 1_000_000_000_000n,
};

/** The network, and how much of a bitcoin. */
const BEGINNING = /^ln[a-z]+?(?:([1-9]\d{0,17})([munp]?))?$/;

/**
 * What an invoice asks for in a unit of a mint, rounded up: zero where it names no amount or is none.
 * Nothing in a unit that is no part of a bitcoin, which depends on what the mint says that one is worth.
 */
export function invoiceAmount(
	invoice: string,
	unit: string,
): bigint | undefined {
	if (unit !== "sat" && unit !== "msat") return undefined;
	const end = Math.max(0, invoice.lastIndexOf("1"));
	const beginning = invoice.slice(0, end).toLowerCase();
	const [, amount = "0", part = ""] = BEGINNING.exec(beginning) ?? [];
	const perUnit = (PARTS[part] ?? 1n) * (unit === "sat" ? 1_000n : 1n);
	return (BigInt(amount) * MSAT_OF_BITCOIN + perUnit - 1n) / perUnit;
}
