/* A request that is paid, and what comes of it over HTTP. */
import { TetradError } from "../../errors.ts";
import type { Judged, PaidTerms, Paying } from "../../paid/index.ts";
import {
	type Chosen,
	parsePaymentRequired,
	paymentOf,
	refusalIn,
} from "../../paid/x402/index.ts";
import { PAYMENT_REQUIRED, readField, writeField } from "./fields.ts";
import { MAX_PAYMENT_FIELD } from "./limits.ts";
import type { Outgoing } from "./outgoing.ts";

/** What requests are sent with. */
export type Fetch = typeof globalThis.fetch;

/** A request for which a purchase is under way, or was made. */
export interface PaidRequest {
	readonly request: Outgoing;
	readonly terms: PaidTerms;
	/** The field that names the payment. */
	readonly field: string;
	readonly paying: Paying;
	/** Hears an answer by which the payment is not taken. */
	readonly refused?: ((response: Response) => void) | undefined;
}

/** The field of a request that is paid so. */
export function paymentField(chosen: Chosen, payment: string): string {
	return writeField(paymentOf(chosen, payment));
}

/** What a server says to a request that has its payment. */
export function judge({ status, headers }: Response): Judged {
	if (status < 400) return { kind: "answer" };
	const said = readField(headers.get(PAYMENT_REQUIRED), MAX_PAYMENT_FIELD);
	const code = refusalIn(parsePaymentRequired(said));
	const why = code === undefined ? "" : ` (${code})`;
	const error = new TetradError(
		"refused-by-peer",
		`the server has answered a request that has its payment with status ${status}${why}`,
	);
	if (status !== 402) return { kind: "failure", error };
	return { kind: code === "busy" ? "busy" : "refusal", code, error };
}
