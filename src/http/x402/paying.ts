/* A request that is paid: what it says of its payment, and what comes of it over HTTP. */
import { type ErrorCode, isErrorCode, TetradError } from "../../errors.ts";
import type { PaidAnswer, PaidTerms, Paying } from "../../paid/index.ts";
import { PAYMENT_REQUIRED, readField, writeField } from "./fields.ts";
import { MAX_PAYMENT_FIELD } from "./limits.ts";
import type { Outgoing } from "./outgoing.ts";
import type { Chosen } from "./reading.ts";
import { parsePaymentRequired, wayOf } from "./ways.ts";

/** What requests are sent with. */
export type Fetch = typeof globalThis.fetch;

/** A request for which a purchase is under way, or was made. */
export interface PaidRequest<Of extends Paying = Paying> {
	readonly request: Outgoing;
	readonly terms: PaidTerms;
	/** The field that names the payment. */
	readonly field: string;
	readonly paying: Of;
}

/** What HTTP has come to. */
export type Sent =
	| { readonly kind: "answered"; readonly response: Response }
	| { readonly kind: "lost"; readonly error: unknown };

/** After these a purchase is paid, or may be. */
const PAID_ALL_THE_SAME: readonly ErrorCode[] = [
	"payment-in-doubt",
	"merchandise-wrong",
	"purchase-void",
];

/** The field of a request that is paid so. */
export function paymentField(
	{ way, resource }: Chosen,
	payment: string,
): string {
	const accepted = { resource, accepted: way };
	return writeField({ x402Version: 2, ...accepted, payload: { payment } });
}

/** The field of an answer that was bought so. */
export function boughtField(
	terms: PaidTerms,
	{ contract }: PaidAnswer["purchase"],
): string {
	const { network, amount } = wayOf(terms);
	return writeField({ success: true, transaction: contract, network, amount });
}

/** Waits for what is sent, which is never an error. */
export async function sent(response: Promise<Response>): Promise<Sent> {
	try {
		return { kind: "answered", response: await response };
	} catch (error) {
		return { kind: "lost", error };
	}
}

/** Whether it is what a server answers instead of what was asked for, and no refusal of the payment. */
export function isFailure({ status }: Response): boolean {
	return status >= 400 && status !== 402;
}

/** Whether nothing is paid after such a failure. */
export function isUnpaid({ code }: TetradError): boolean {
	return !PAID_ALL_THE_SAME.includes(code);
}

/** Why there is no answer: the server has answered with a failure, or refused the payment. */
export function refusedBy(response: Response): TetradError {
	const code = refusalIn(response);
	const why = code === undefined ? "" : ` (${code})`;
	return new TetradError(
		"refused-by-peer",
		`the server has answered a request that has its payment with status ${response.status}${why}`,
	);
}

/** With which of our codes a payment was refused, as far as that is said. */
export function refusalIn({ headers }: Response): ErrorCode | undefined {
	const said = readField(headers.get(PAYMENT_REQUIRED), MAX_PAYMENT_FIELD);
	const code = parsePaymentRequired(said)?.error ?? "";
	return isErrorCode(code) ? code : undefined;
}
