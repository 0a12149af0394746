/*
 * What stands where other mints have an invoice of Lightning. No wallet of Lightning can take it
 * for one: "lnplay", amount, unit, "1", and 32 hexadecimal digits.
 */
const INVOICE = /^lnplay([1-9]\d{0,14})([a-z]{3,8})1[0-9a-f]{32}$/;

/** `mark` has 32 hexadecimal digits, and tells nothing of the quote. */
export function invoiceFor(amount: bigint, unit: string, mark: string): string {
	return `lnplay${amount}${unit}1${mark}`;
}

/** What an invoice of any play mint asks for, or `undefined` for any other text. */
export function amountIn(
	invoice: string,
): { readonly amount: bigint; readonly unit: string } | undefined {
	const [, amount, unit] = INVOICE.exec(invoice) ?? [];
	if (amount === undefined || unit === undefined) return undefined;
	return { amount: BigInt(amount), unit };
}
