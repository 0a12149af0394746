/*
 * What stands where other mints have an invoice of Lightning. Wallets read its amount as they read
 * that of an invoice, in billionths of a bitcoin, so ten for each unit; but no network of Lightning
 * is called "play" and a unit, so nothing pays it.
 */

/** The first sixteen characters that such texts have after the last "1". */
const CHARACTERS = "qpzry9x8gf2tvdw0";

const INVOICE = new RegExp(
	`^lnplay([a-z]{3,8})([1-9]\\d{0,14})0n1[${CHARACTERS}]{32}$`,
);

/** `mark` has 32 hexadecimal digits, and tells nothing of the quote. */
export function invoiceFor(amount: bigint, unit: string, mark: string): string {
	const text = [...mark].map((digit) => CHARACTERS[Number.parseInt(digit, 16)]);
	return `lnplay${unit}${amount}0n1${text.join("")}`;
}

/** What an invoice of any play mint asks for, or `undefined` for any other text. */
export function amountIn(
	invoice: string,
): { readonly amount: bigint; readonly unit: string } | undefined {
	const [, unit, amount] = INVOICE.exec(invoice) ?? [];
	if (amount === undefined || unit === undefined) return undefined;
	return { amount: BigInt(amount), unit };
}
