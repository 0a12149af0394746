/*
 * What a purse waits for, as data: one kind for each thing, and what is needed to go on once its
 * answer is there. A simulator can show all of it.
 */
import type { Kind as KindOfJob } from "../../machine/index.ts";
import type {
	Head,
	Invoice,
	LimitsBody,
	Payment,
	ReceiptBody,
	TransferBody,
} from "../documents/index.ts";
import type { Agreement } from "./agreed-payers.ts";
import type { CommitResult } from "./commit-transfer.ts";
import type { Consequences } from "./issuer-answers.ts";
import type { Exchange } from "./issuer-exchange.ts";
import type {
	Cancelled,
	NewDeposits,
	NewSaleResolutions,
} from "./issuer-requests.ts";
import type { DoubtEnded } from "./payment-outcome.ts";
import type { ExpectedPayment } from "./payment-state.ts";
import type { Selection } from "./purse-book.ts";
import type { PaymentRow, ReceiptRow, RequestRow } from "./purse-tables.ts";
import type { ApprovalRow } from "./spending-tables.ts";

/** A visit to an issuer, in a tetrad with its module. */
export interface VisitName {
	readonly tetrad: number;
	/** An answer that was waited for in an earlier visit of the same tetrad is not for a later one. */
	readonly visit: number;
}

/** Who has said how far it knows this purse to have come. */
export type WitnessName =
	| { readonly kind: "agent"; readonly tetrad: number }
	| ({ readonly kind: "issuer" } & VisitName);

/** What became of the record of a witness. */
export type Compared =
	/** If it is the issuer's, nothing may be left to spend twice of what a restored purse had: it is behind no more. */
	| {
			readonly kind: "agrees";
			readonly endsRestore: boolean;
			/** Of what another witness told meanwhile. */
			readonly isBehindStill: boolean;
	  }
	/** It is durable that the purse is behind. */
	| { readonly kind: "disagrees"; readonly isNewer: boolean };

/** What became of an owner's word that a head does not count. */
export interface Overridden {
	/** Not when the purse is not behind of that one. */
	readonly isDone: boolean;
	/** Of what a witness told while it was behind because of its restore. */
	readonly isBehindStill: boolean;
}

/** A try to pay a contract. What an earlier try waited for is not for a later one. */
export interface AttemptName {
	readonly contract: Uint8Array;
	readonly attempt: number;
}

/** What a purse knows of a contract that it is asked to pay. */
export type LookedUp =
	/** With the encoded chain under which its receipt was signed, or an empty one. */
	| {
			readonly kind: "paid";
			readonly row: PaymentRow;
			readonly chain: Uint8Array;
	  }
	| {
			readonly kind: "unpaid";
			/** Nothing was ever paid to that module. */
			readonly isNewMerchant: boolean;
	  }
	/** It was cancelled, and will never be paid. */
	| { readonly kind: "aborted" };

/** Answered by what a transaction has decided, which is in `Results`. */
export type TransactionJob =
	/** Whether the record of a witness is in the log. */
	| {
			readonly kind: "comparing-head";
			readonly record: Head;
			readonly witness: WitnessName;
	  }
	/** Whether a contract was paid before. */
	| ({ readonly kind: "looking-up-payment" } & AttemptName)
	/** That a payment waits for the owner is made durable. */
	| ({
			readonly kind: "asking-owner";
			readonly row: ApprovalRow;
			/** The same payment with a smaller fee, in whose place it waits. */
			readonly before: ApprovalRow | undefined;
			/** What waited before, and comes back when it cannot be. */
			readonly gaveWay: ApprovalRow | undefined;
	  } & AttemptName)
	/** What the owner has said to such a payment. */
	| {
			readonly kind: "deciding";
			readonly request: Uint8Array;
			readonly contract: Uint8Array;
			readonly isApproved: boolean;
			/** When the owner signed it; milliseconds since the epoch. */
			readonly decided: bigint;
			/** What was known of that payment before. */
			readonly before: ApprovalRow | undefined;
	  }
	/** Limits of the owner, in force at once, are made durable; those that were durable before come back when they cannot be. */
	| {
			readonly kind: "limiting";
			readonly limits: LimitsBody;
			/** When they came; milliseconds since the epoch. */
			readonly at: number;
	  }
	/** The payer's irrevocable write. */
	| {
			readonly kind: "committing-payment";
			readonly contract: Uint8Array;
			readonly selection: Selection;
	  }
	/** The payee's receipt is being kept. */
	| {
			readonly kind: "settling-payment";
			readonly contract: Uint8Array;
	  }
	/** A receipt is being kept that ends nothing: for a sale whose key did not come with it, or of a payment that its issuer has settled. */
	| { readonly kind: "keeping-receipt"; readonly contract: Uint8Array }
	/** A sale is cancelled, unless it is committed. */
	| { readonly kind: "aborting"; readonly contract: Uint8Array }
	/** What the part that knows of sales has asked for. */
	| { readonly kind: "sale-work"; readonly job: KindOfJob }
	/** What the purse's ecash has asked for. */
	| { readonly kind: "ecash-work"; readonly job: KindOfJob }
	/** A selling secret is being kept. */
	| ({ readonly kind: "keeping-secret" } & VisitName)
	/** Whether a contract that the own agent expects a payment for was paid to this module before. */
	| {
			readonly kind: "looking-up-expected";
			readonly tetrad: number;
			readonly expected: ExpectedPayment;
	  }
	/** Whether a sale that a payer offers was paid before. */
	| {
			readonly kind: "looking-up-offered";
			readonly tetrad: number;
			readonly wanted: Payment;
			readonly invoice: Invoice;
	  }
	/** With whom this module agrees on a payment becomes durable before its payer hears of it. */
	| {
			readonly kind: "agreeing";
			readonly tetrad: number;
			readonly wanted: Payment;
			readonly invoice: Invoice;
	  }
	/** Whether a transfer that has come was taken before. */
	| { readonly kind: "looking-up-delivery"; readonly contract: Uint8Array }
	/** The payee's irrevocable write. */
	| { readonly kind: "writing-receipt"; readonly contract: Uint8Array }
	/** An order of the owner is taken down. */
	| {
			readonly kind: "ordering";
			readonly request: Uint8Array;
			readonly issuer: Uint8Array;
			readonly amount: bigint;
	  }
	/** The owner cancels an order. */
	| {
			readonly kind: "cancelling";
			readonly request: Uint8Array;
			readonly issuer: Uint8Array;
			readonly amount: bigint;
	  }
	/** The owner overrides what a witness told. */
	| {
			readonly kind: "overriding";
			readonly request: Uint8Array;
			readonly record: Head;
	  }
	/** Requests that have no answer yet are read, to be sent again. */
	| ({ readonly kind: "reading-open-requests" } & VisitName)
	| ({ readonly kind: "requesting-deposits" } & VisitName)
	| ({ readonly kind: "requesting-claims" } & VisitName)
	| ({ readonly kind: "requesting-resolutions" } & VisitName)
	/** Sales that are handed to their issuer. */
	| ({ readonly kind: "requesting-sales" } & VisitName)
	/** Own notes are given away for an exchange, and its request becomes durable with them. */
	| ({
			readonly kind: "committing-exchange";
			readonly selection: Selection;
			readonly request: RequestRow;
	  } & VisitName)
	/** Everything was given back: the owner's order is done. */
	| ({ readonly kind: "closing-give-back" } & VisitName)
	/** What the issuer has said of a payment in doubt is made durable. */
	| ({
			readonly kind: "recording-outcome";
			readonly contract: Uint8Array;
			/** The inquiry. */
			readonly request: Uint8Array;
	  } & VisitName)
	/** What the issuer has answered is made durable. */
	| ({
			readonly kind: "recording-answer";
			readonly request: Uint8Array;
	  } & VisitName);

/** Answered by a signature under the module's own key. */
export type SignatureJob =
	| ({
			readonly kind: "signing-payment";
			readonly transfer: TransferBody;
	  } & AttemptName)
	| { readonly kind: "signing-receipt"; readonly receipt: ReceiptBody }
	| { readonly kind: "signing-lock-receipt"; readonly receipt: ReceiptBody }
	| ({
			readonly kind: "signing-exchange";
			readonly exchange: Exchange;
	  } & VisitName);

/** Answered by a mint. */
export interface AskJob {
	readonly kind: "asking";
	readonly job: KindOfJob;
}

export type PurseJob = TransactionJob | SignatureJob | AskJob;

/** What the transaction of each kind decides. */
export interface Results {
	readonly "comparing-head": Compared;
	readonly "looking-up-payment": LookedUp;
	readonly "asking-owner": undefined;
	/** The row as it is now; nothing when it was not about what waits, or not newer than what was said. */
	readonly deciding: ApprovalRow | undefined;
	readonly limiting: undefined;
	readonly "committing-payment": CommitResult;
	readonly "settling-payment": undefined;
	/** What is kept now of a sale that goes on; else nothing. */
	readonly "keeping-receipt":
		| { readonly receipt: Uint8Array; readonly chain: Uint8Array }
		| undefined;
	/** Whether it is cancelled now, or was before. */
	readonly aborting: boolean;
	readonly "sale-work": unknown;
	readonly "ecash-work": unknown;
	readonly "keeping-secret": unknown;
	/** What the issuer's answer has changed; nothing when doubt had ended before, or goes on. */
	readonly "recording-outcome": DoubtEnded | undefined;
	readonly "looking-up-expected": ReceiptRow | undefined;
	readonly "looking-up-offered": ReceiptRow | undefined;
	readonly agreeing: Agreement;
	readonly "looking-up-delivery": ReceiptRow | undefined;
	/** The row that is there, and whether it was written now. */
	readonly "writing-receipt": {
		readonly row: ReceiptRow;
		readonly isNew: boolean;
	};
	readonly ordering: { readonly isNew: boolean };
	readonly cancelling: Cancelled;
	/** Whether the purse was behind that record. */
	readonly overriding: Overridden;
	readonly "reading-open-requests": readonly RequestRow[];
	readonly "requesting-deposits": NewDeposits;
	readonly "requesting-claims": readonly RequestRow[];
	readonly "requesting-resolutions": readonly RequestRow[];
	readonly "requesting-sales": NewSaleResolutions;
	readonly "committing-exchange": CommitResult;
	readonly "closing-give-back": Consequences | undefined;
	readonly "recording-answer": Consequences | undefined;
}

export type JobOf<Kind extends PurseJob["kind"]> = Extract<
	PurseJob,
	{ readonly kind: Kind }
>;
