/* Header fields of x402: JSON in base64. */

/** What a server asks for. */
export const PAYMENT_REQUIRED = "payment-required";
/** What a client pays with. */
export const PAYMENT_SIGNATURE = "payment-signature";
/** How it was paid. */
export const PAYMENT_RESPONSE = "payment-response";

/** JSON as it stands in a field. */
export function writeField(value: unknown): string {
	return Buffer.from(JSON.stringify(value), "utf8").toString("base64");
}

/** What a field says; `undefined` for one that says nothing that could be read, or more than `max` characters. */
export function readField(field: string | null, max: number): unknown {
	if (field === null || field.length > max) return undefined;
	try {
		return JSON.parse(Buffer.from(field, "base64").toString("utf8"));
	} catch {
		return undefined;
	}
}
