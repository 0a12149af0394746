/* What x402 says of one payment, as objects of JSON: whatever carries them writes them down. */
import { type ErrorCode, isErrorCode, TetradError } from "../../errors.ts";
import type { PaidMode, PaidTerms } from "../terms.ts";
import {
	isPurchase,
	networkOf,
	type PaymentRequired,
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

/** What a request has with it that is paid so. */
export function paymentOf(
	{ way, resource }: Chosen,
	payment: string,
): Readonly<Record<string, unknown>> {
	return { x402Version: 2, resource, accepted: way, payload: { payment } };
}

/** What is said of an answer that was paid by that contract. */
export function settledOf(
	{ issuer, amount }: Pick<PaidTerms, "issuer" | "amount">,
	transaction: string,
): Readonly<Record<string, unknown>> {
	const network = networkOf(issuer);
	return { success: true, transaction, network, amount: `${amount}` };
}

/** With which of our codes a payment was refused, as far as that is said. */
export function refusalIn(
	required: PaymentRequired | undefined,
): ErrorCode | undefined {
	const code = required?.error ?? "";
	return isErrorCode(code) ? code : undefined;
}
