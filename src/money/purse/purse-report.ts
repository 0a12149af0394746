import type { TetradError } from "../../errors.ts";
import type { Head } from "../documents/index.ts";

/** Why the owner is asked: it is more than may be paid without the owner, nothing was ever paid to that module, or the own agent wants it. */
export type WhyApproval = "amount" | "new-merchant" | "asked";

/** What a purse has for its owner's log. Amounts are minor units of the issuer's currency; no secrets. */
export type PurseReport =
	/** The owner's order was taken down, and is carried out at the next meeting with the issuer. */
	| {
			readonly kind: "ordered";
			readonly request: Uint8Array;
			readonly issuer: Uint8Array;
			/** Zero to give everything back. */
			readonly amount: bigint;
	  }
	/** The owner cancelled that order; it was not done when the order may have been sent, or is no withdrawal. */
	| {
			readonly kind: "cancelled";
			readonly request: Uint8Array;
			readonly issuer: Uint8Array;
			readonly amount: bigint;
			readonly isDone: boolean;
	  }
	/** The payee has it; the receipt is durable. */
	| ({ readonly kind: "paid" } & PaymentReport)
	/** Money is committed, and it is not known whether the payee has it. It is delivered again at each meeting. */
	| ({ readonly kind: "in-doubt"; readonly why: string } & PaymentReport)
	/** A payment was refused, by this purse or by the other module; nothing changed. */
	| {
			readonly kind: "refused";
			readonly contract: Uint8Array;
			/** Device id of the other module. */
			readonly peer: Uint8Array;
			readonly error: TetradError;
	  }
	| ({ readonly kind: "received" } & PaymentReport)
	/** A transfer was written down that is taken once its issuer has booked all of it, and is no money before; its payer is told `refused`. */
	| ({ readonly kind: "to-book" } & PaymentReport)
	| {
			readonly kind: "deposited";
			readonly contract: Uint8Array;
			readonly issuer: Uint8Array;
			readonly amount: bigint;
			/** Less than the amount when pieces of it were booked for somebody else before. */
			readonly credited: bigint;
	  }
	| {
			readonly kind: "withdrawn";
			readonly request: Uint8Array;
			readonly issuer: Uint8Array;
			readonly amount: bigint;
	  }
	/** Own notes became new ones, or went back to the account. */
	| {
			readonly kind: "exchanged";
			readonly issuer: Uint8Array;
			readonly into: "notes" | "account";
			readonly amount: bigint;
	  }
	| {
			readonly kind: "claimed";
			readonly note: Uint8Array;
			readonly issuer: Uint8Array;
			readonly amount: bigint;
	  }
	/** What was committed will never be booked: the issuer has declared it void, and so much of it is in the account. */
	| {
			readonly kind: "void";
			readonly contract: Uint8Array;
			readonly issuer: Uint8Array;
			readonly amount: bigint;
	  }
	/** What the own account at the issuer holds. */
	| {
			readonly kind: "account";
			readonly issuer: Uint8Array;
			readonly balance: bigint;
	  }
	/** A payment waits for the owner: because of its amount, or because nothing was ever paid to that module. */
	| ({
			readonly kind: "approval-needed";
			readonly why: WhyApproval;
			/** What it is for, as the own agent or the merchant says; empty when nobody has said. */
			readonly what: string;
	  } & PaymentReport)
	/** What the owner said to such a payment; not done when it does not wait, or the owner has said something later. */
	| {
			readonly kind: "decided";
			readonly request: Uint8Array;
			readonly contract: Uint8Array;
			readonly isApproved: boolean;
			readonly isDone: boolean;
	  }
	/** The owner's limits of that number are in force; not done when they are no newer than those that are. */
	| {
			readonly kind: "limits";
			readonly request: Uint8Array;
			readonly number: bigint;
			readonly isDone: boolean;
	  }
	/** This purse is not the newest there is, and pays nobody any more. */
	| { readonly kind: "behind"; readonly error: TetradError }
	/** The owner said that the head which a witness told does not count; it was not done when the purse is not behind that head. */
	| {
			readonly kind: "overridden";
			readonly request: Uint8Array;
			readonly record: Head;
			readonly isDone: boolean;
	  }
	/** What a purchase or a sale came to, beside what happened to its money. */
	| {
			readonly kind: "sale";
			readonly contract: Uint8Array;
			/** A sentence without a full stop. */
			readonly what: string;
			/** Why, when something went wrong. */
			readonly error: TetradError | undefined;
	  }
	/** Ecash that the owner put into the purse is its own: so much of it, after what the mint asks for. */
	| {
			readonly kind: "ecash-received";
			readonly request: Uint8Array;
			readonly issuer: Uint8Array;
			readonly amount: bigint;
	  }
	/** It was not received, and `error` is why. */
	| {
			readonly kind: "ecash-refused";
			readonly request: Uint8Array;
			readonly error: TetradError;
	  }
	| { readonly kind: "trouble"; readonly error: TetradError };

interface PaymentReport {
	readonly contract: Uint8Array;
	/** Device id of the other module. */
	readonly peer: Uint8Array;
	readonly issuer: Uint8Array;
	readonly amount: bigint;
}
