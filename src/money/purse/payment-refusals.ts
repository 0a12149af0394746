/* Why a payment is not made, as its agent hears it. */
import { HASH_BYTES } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import { sameBytes } from "../../wire/index.ts";
import {
	formatAmount,
	type Invoice,
	type IssuerTerms,
	MAX_AMOUNT,
	MAX_TERMS_BYTES,
} from "../documents/index.ts";
import {
	type AskedPayment,
	type AskedSale,
	type OpenPayment,
	sameAsked,
} from "./payment-state.ts";
import type { Selected } from "./purse-book.ts";
import type { OpenMeeting } from "./purse-core.ts";
import { CLOCK_TOLERANCE_MS, MAX_ASKERS } from "./purse-limits.ts";
import type { PaymentRow } from "./purse-tables.ts";

export function whyNotJoin(
	known: OpenPayment,
	asked: AskedPayment,
): TetradError | undefined {
	if (!sameAsked(known.asked, asked)) return otherTerms();
	return known.askers.length >= MAX_ASKERS
		? new TetradError(
				"busy",
				"this payment is under way and was asked for too often; wait for its outcome",
			)
		: undefined;
}

export function whyTooLate(
	{ payBy }: Invoice,
	now: number,
): TetradError | undefined {
	return now < payBy
		? undefined
		: new TetradError(
				"timed-out",
				"the payee's terms ran out before the payment was signed; ask for it again",
			);
}

/** What another device says, in characters that cannot lie to the owner's terminal. */
export function plain(text: string): string {
	return text.replaceAll(/[^ -~]/g, "?");
}

export function unpayable(
	why:
		| Extract<Selected, { readonly kind: "insufficient" }>
		| Extract<Selected, { readonly kind: "scattered" }>,
	terms: IssuerTerms | undefined,
): TetradError {
	const of = (amount: bigint) =>
		terms === undefined
			? `${amount} minor units`
			: `${formatAmount(amount, terms.currency)} ${terms.currency.code} of ${terms.name}`;
	if (why.kind === "insufficient" && why.unjudged > 0n)
		return new TetradError(
			"insufficient-funds",
			`the purse has only ${of(why.available)} to pay with, and ${of(why.unjudged)} more under a certificate that is not trusted now: meet the issuer, which exchanges them`,
		);
	return why.kind === "insufficient"
		? new TetradError(
				"insufficient-funds",
				`the purse has only ${of(why.available)} to pay with: withdraw more`,
			)
		: new TetradError(
				"insufficient-funds",
				"the purse has enough, in more pieces than one payment may have: meet the issuer, which exchanges them for one",
			);
}

export function otherTerms(): TetradError {
	return new TetradError(
		"payment-refused",
		"this contract was paid before to another module, or with another amount or money; there is one payment for a contract",
	);
}

export function otherFour(): TetradError {
	return new TetradError(
		"payment-in-doubt",
		"this payment was committed among other four devices, and is delivered when they meet again",
	);
}

export function lapsedError(): TetradError {
	return new TetradError(
		"payment-refused",
		"nobody had this payment booked before its notes expired; the money was claimed back",
	);
}

function voidError(): TetradError {
	return new TetradError(
		"purchase-void",
		"the issuer has found this sale void, and the money is back in the account there",
	);
}

export function abortedError(): TetradError {
	return new TetradError(
		"payment-refused",
		"this contract was cancelled before it was paid, and is never paid any more",
	);
}

/** Why a sale is not committed any more: whoever reads its terms by another clock may find that their time is over. */
export function whyExpired(
	sale: AskedSale | undefined,
	now: number,
): TetradError | undefined {
	return sale === undefined || now + CLOCK_TOLERANCE_MS < sale.payBy
		? undefined
		: new TetradError(
				"timed-out",
				"the time to pay by its terms is over, or nearly: ask for a new contract",
			);
}

export function shortError(): TetradError {
	return new TetradError(
		"double-spent",
		"the issuer credited the payee with less than this payment: ranges of its notes had been booked before, for somebody to whom another copy of this purse gave them",
	);
}

export function lostError(): TetradError {
	return new TetradError(
		"note-unknown",
		"the issuer does not know the notes that this was paid with, has said so for 30 days, and they are over: its ledger was put back. They have its signature and are kept in this purse, so that its operator can credit by hand what they show",
	);
}

/** Why a payment in which there is no doubt any more is not one that was made, or `undefined`. What was lost at the issuer, and had its key before, was made. */
export function whyNotPaid({
	state,
	key_hash,
	key,
}: Pick<PaymentRow, "state" | "key_hash" | "key">): TetradError | undefined {
	switch (state) {
		case "settled":
		case "keyed":
			return undefined;
		case "short":
			return shortError();
		case "lost":
			return key.length > 0 ? undefined : lostError();
		default:
			return key_hash.length > 0 ? voidError() : lapsedError();
	}
}

/** The part that knows of sales asks for nothing else, and is not trusted with that. */
export function whyNoSale(
	{ payee, sale, amount }: AskedPayment,
	{ peer }: OpenMeeting,
): TetradError | undefined {
	const isIt =
		sale !== undefined &&
		sale.terms.length > 0 &&
		sale.terms.length <= MAX_TERMS_BYTES &&
		sale.keyHash.length === HASH_BYTES &&
		amount > 0n &&
		amount <= MAX_AMOUNT &&
		sameBytes(payee, peer.deviceId);
	return isIt
		? undefined
		: new TetradError(
				"payment-refused",
				"this is no sale by the other module of the tetrad",
			);
}

export function tetradOver(): TetradError {
	return new TetradError(
		"tetrad-closed",
		"the tetrad is over; nothing was paid",
	);
}

export function noAnswer(): TetradError {
	return new TetradError(
		"timed-out",
		"the other module has not answered; nothing was paid",
	);
}
