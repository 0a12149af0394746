import type { Write } from "../../machine/index.ts";
import { sameBytes, textWithin } from "../../wire/index.ts";
import {
	type Invoice,
	MAX_PAYMENT_TEXT_BYTES,
	type Payment,
	type Receipt,
	samePayment,
	type Transfer,
} from "../documents/index.ts";
import type { Selection } from "./purse-book.ts";
import type { OpenMeeting } from "./purse-core.ts";
import type { PaymentRow } from "./purse-tables.ts";

/** What the agent asked for. */
export interface AskedPayment extends Payment {
	/** What it takes from the purse beside the amount, as its mint asks for it; nothing of notes. */
	readonly fee: bigint;
	/** What it is for, as the own agent or, of a sale, its payee says; empty when nobody has said. */
	readonly what: string;
	/** Whether the own agent wants its owner to be asked first, whatever the limits say. */
	readonly askOwner: boolean;
	/** Device id. */
	readonly payee: Uint8Array;
	/** What it is paid for, when it is a sale. */
	readonly sale: AskedSale | undefined;
}

/** What the own agent expects, and what it is for, as that agent says. */
export interface ExpectedPayment extends Payment {
	readonly what: string;
}

/** What a sale has beside a payment, until it is committed. */
export interface AskedSale {
	readonly terms: Uint8Array;
	/** SHA-256 of the key, 32 bytes. */
	readonly keyHash: Uint8Array;
	/** Until when it may be committed by its terms; milliseconds since the epoch. */
	readonly payBy: number;
	/** Written along with it. */
	readonly also: readonly Write[];
}

/** A payment that is durable. */
export interface CommittedPayment extends AskedPayment {
	readonly transferId: Uint8Array;
	/** When it was counted against the owner's limits; zero when it was not. */
	readonly counted: number;
	readonly parties: Uint8Array;
	/** The whole message, the same each time. */
	readonly deliver: Uint8Array;
}

/** The states of a payment and their order are drawn in paying.ts. */
export type PaymentState =
	| { readonly kind: "looking-up"; readonly meeting: OpenMeeting }
	/** It waits until it is durable that its owner has to approve it. */
	| { readonly kind: "asking-owner"; readonly meeting: OpenMeeting }
	/** Without notes to ask its payee about. */
	| { readonly kind: "choosing"; readonly meeting: OpenMeeting }
	| {
			readonly kind: "preparing";
			readonly meeting: OpenMeeting;
			readonly offer: Selection;
			readonly until: number;
	  }
	/** Agreed, and without ranges to pay with. */
	| ({ readonly kind: "waiting" } & Agreed)
	| ({ readonly kind: "signing" } & Reserved)
	| ({ readonly kind: "signed"; readonly transfer: Transfer } & Reserved)
	| ({ readonly kind: "committing" } & Reserved)
	| {
			readonly kind: "delivered";
			readonly committed: CommittedPayment;
			readonly until: number;
	  }
	| { readonly kind: "in-doubt"; readonly committed: CommittedPayment }
	| {
			readonly kind: "settling";
			readonly committed: CommittedPayment;
			readonly receipt: Receipt;
			/** The payee's, under which it was signed. */
			readonly chain: Uint8Array;
			/** Of a sale. */
			readonly key: Uint8Array | undefined;
	  };

/** Its payee has agreed to take it. */
export interface Agreed {
	readonly meeting: OpenMeeting;
	/** The notes that the payee has judged. */
	readonly offer: Selection;
	readonly invoice: Invoice;
}

/** It has ranges of those notes to pay with. */
export interface Reserved extends Agreed {
	readonly selection: Selection;
}

/** A payment that is under way, or committed and not settled. */
export interface OpenPayment {
	readonly asked: AskedPayment;
	/** Which try it is, of all in the life of this process. */
	readonly attempt: number;
	/** The tetrads whose agent waits for the outcome, once for each time that it asked. */
	askers: readonly number[];
	state: PaymentState;
}

/** States in which everything may still be given up. */
export type Uncommitted = Extract<
	PaymentState,
	{ readonly meeting: OpenMeeting }
>;

export function isUncommitted(
	state: PaymentState,
): state is Exclude<Uncommitted, { readonly kind: "committing" }> {
	return "meeting" in state && state.kind !== "committing";
}

export function askedOf(row: PaymentRow): AskedPayment {
	const { contract, issuer, currency, amount, what, payee, terms } = row;
	const keyHash = row.key_hash;
	return {
		contract,
		issuer,
		currency,
		amount,
		fee: 0n,
		what,
		// It is committed.
		askOwner: false,
		payee,
		sale:
			keyHash.length === 0
				? undefined
				: { terms, keyHash, payBy: Number(row.pay_by), also: [] },
	};
}

/** What a payment is for, as a store can keep it: without a NUL, and not longer than an agent may say it. */
export function keptText(text: string): string {
	return textWithin(text.replaceAll("\0", "?"), MAX_PAYMENT_TEXT_BYTES);
}

export function sameAsked(a: AskedPayment, b: AskedPayment): boolean {
	return (
		samePayment(a, b) && sameBytes(a.payee, b.payee) && sameSale(a.sale, b.sale)
	);
}

/** Whether both are paid for the same key; the terms are what the contract is the hash of. */
function sameSale(a: AskedSale | undefined, b: AskedSale | undefined): boolean {
	if (a === undefined || b === undefined) return a === b;
	return sameBytes(a.keyHash, b.keyHash);
}
