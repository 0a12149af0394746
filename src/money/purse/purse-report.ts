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
	| ({ readonly kind: "paid" } & OwnPaymentReport)
	/** Money is committed, and it is not known whether the payee has it. It is delivered again at each meeting. */
	| ({ readonly kind: "in-doubt"; readonly why: string } & OwnPaymentReport)
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
	/** What was committed will never be booked: the issuer has declared it void, and so much of it is in the account; or its mint has given it back. */
	| {
			readonly kind: "void";
			readonly contract: Uint8Array;
			readonly issuer: Uint8Array;
			readonly amount: bigint;
			/** What of it is gone, beside that: what the mint has taken for locking it and giving it back. */
			readonly fee: bigint;
	  }
	/** Money that the issuer has forgotten: it has said for long that it does not know the notes, and they are over. What it signed is kept. */
	| {
			readonly kind: "lost";
			/** A contract; of what was to be claimed, the note. */
			readonly subject: Uint8Array;
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
	  } & OwnPaymentReport)
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
	/** What the owner ordered of a mint is durable; or it is not done, and `error` is why. */
	| {
			readonly kind: "ecash-ordered";
			readonly request: Uint8Array;
			readonly error: TetradError | undefined;
	  }
	/** What an owner's order of ecash has come to. */
	| {
			readonly kind: "ecash";
			readonly request: Uint8Array;
			readonly issuer: Uint8Array;
			readonly what: EcashOrderKind;
			readonly state: EcashOrderState;
			readonly amount: bigint;
			/** What it has cost beside that, as far as that is known. */
			readonly fee: bigint;
			/** What has come back of it. */
			readonly returned: bigint;
			/** What is to be paid for new ecash, or what the mint pays; empty for anything else. */
			readonly invoice: string;
			/** Why it was not done, where that is so. */
			readonly error: TetradError | undefined;
	  }
	| { readonly kind: "trouble"; readonly error: TetradError };

/** What an owner orders of a mint: a token, new ecash, an invoice to be paid, or what follows from the seed. */
export type EcashOrderKind = "send" | "mint" | "melt" | "restore";

/** How far what an owner orders of a mint has come. */
export type EcashOrderState =
	/** Of a token: its mint is asked to make it; it is made, and nobody has redeemed it; it has been redeemed; it was taken back. */
	| "swapping"
	| "sent"
	| "redeemed"
	| "taken-back"
	/** Of new ecash: its invoice is not paid; it is, and the mint is asked for the ecash; the ecash is there; the invoice was not paid in time. */
	| "unpaid"
	| "minting"
	| "minted"
	| "lapsed"
	/** Of an invoice: the mint is asked to pay it; it has; it has not, and the ecash has come back, as of a token that could not be made. */
	| "melting"
	| "paid"
	| "failed"
	/** Of a token, or of what was to be one or to pay an invoice: it is being taken back. */
	| "taking-back"
	/** Of what follows from the seed: its mint is asked; it is there, but for what the mint is working on; it is there. */
	| "restoring"
	| "pending"
	| "restored"
	/** Another copy of the purse had spent what it was to be done with. */
	| "declined"
	/** It was never begun. */
	| "refused";

interface OwnPaymentReport extends PaymentReport {
	/** What it takes beside the amount, as its mint asks for it; zero of notes. */
	readonly fee: bigint;
}

interface PaymentReport {
	readonly contract: Uint8Array;
	/** Device id of the other module. */
	readonly peer: Uint8Array;
	readonly issuer: Uint8Array;
	readonly amount: bigint;
}
