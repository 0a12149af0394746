/* An answer of status 402, as its client reads it. */
import { TetradError } from "../../errors.ts";
import type { PaidMode, PaidTerms } from "../../paid/index.ts";
import { allOf } from "./bounded.ts";
import { PAYMENT_REQUIRED, readField } from "./fields.ts";
import { MAX_PAYMENT_FIELD } from "./limits.ts";
import {
	isPurchase,
	type PaymentRequired,
	parsePaymentRequired,
	termsOf,
	type Way,
} from "./ways.ts";

/** A way to pay that can be taken. */
export interface Chosen {
	readonly terms: PaidTerms;
	/** As the server named it. */
	readonly way: Way;
	/** Of what the server says it is for. */
	readonly resource: unknown;
}

/** What an answer asks to be paid with, in its header or, without one, in its body; `undefined` for one that asks for nothing that is known here. The answer can be read as before. */
export async function paymentRequiredIn(
	response: Response,
): Promise<PaymentRequired | undefined> {
	if (response.status !== 402) return undefined;
	const field = response.headers.get(PAYMENT_REQUIRED);
	if (field !== null)
		return parsePaymentRequired(readField(field, MAX_PAYMENT_FIELD));
	const type = response.headers.get("content-type") ?? "";
	if (!type.startsWith("application/json")) return undefined;
	try {
		const { body } = response.clone();
		const bytes = await allOf(body, MAX_PAYMENT_FIELD, "too long");
		return parsePaymentRequired(JSON.parse(Buffer.from(bytes).toString()));
	} catch {
		return undefined;
	}
}

/**
 * The first way to pay by a purchase in one of these modes; `undefined` where there is none by a
 * purchase at all. Throws `payment-refused` where there is one in another mode alone, and
 * `malformed` for terms that are none.
 */
export function chooseWay(
	{ accepts, resource }: PaymentRequired,
	modes: readonly PaidMode[],
): Chosen | undefined {
	const ways = accepts.filter(isPurchase).map((way) => {
		return { way, terms: termsOf(way), resource };
	});
	const chosen = ways.find(({ terms }) => modes.includes(terms.mode));
	if (chosen !== undefined || ways.length === 0) return chosen;
	const asked = ways.map(({ terms }) => terms.mode).join(", ");
	throw new TetradError(
		"payment-refused",
		`nothing was paid: the server asks to be paid ${asked}, and that was not allowed`,
	);
}
