/* What an issuer waits for, as data: requests of modules, and how far each has come. */
import type { CertifiedDevice } from "../../identity/index.ts";
import type { NoteBody, VerifiedTransfer } from "../documents/index.ts";
import type { SeenHead, TransferOutcome } from "./ledger.ts";
import type { Asked, RequestOutcome } from "./ledger-answers.ts";
import type { RequestKind } from "./module-requests.ts";
import type { Seller } from "./sale-judge.ts";

/** Where a request came from. */
export interface Origin {
	readonly tetrad: number;
	/** Device id of the module that asks. */
	readonly device: Uint8Array;
	readonly kind: RequestKind;
	/** Empty for `hello`, which has none. */
	readonly request: Uint8Array;
}

/** What shall be issued to whom. */
export type Issue =
	| { readonly kind: "withdraw"; readonly amount: bigint }
	| { readonly kind: "exchange"; readonly verified: VerifiedTransfer };

/** Answered by what a transaction has decided, which is in `IssuerResults`. */
export type IssuerTransactionJob =
	| { readonly kind: "greeting"; readonly origin: Origin }
	| { readonly kind: "telling-balance"; readonly origin: Origin }
	| { readonly kind: "telling-outcome"; readonly origin: Origin }
	| {
			readonly kind: "looking-up";
			readonly origin: Origin;
			readonly asked: Asked;
			readonly issue: Issue;
			readonly peer: CertifiedDevice;
	  }
	| {
			readonly kind: "settling";
			readonly origin: Origin;
			/** Device id of the other party of a sale, which may hand it in, too. */
			readonly other?: Uint8Array | undefined;
	  };

/** Answered by the signature under a note. */
export interface NoteJob {
	readonly kind: "signing";
	readonly origin: Origin;
	readonly asked: Asked;
	readonly issue: Issue;
	/** The note that is being signed, and its holder. */
	readonly note: NoteBody;
	readonly peer: CertifiedDevice;
}

/** Answered by the signature under a selling certificate. */
interface CertifyingJob {
	readonly kind: "certifying";
	readonly origin: Origin;
	readonly seller: Seller;
}

/** Answered by a signature under the issuer's key. */
export type IssuerSignatureJob = NoteJob | CertifyingJob;

/** What a request waits for. */
export type IssuerJob = IssuerTransactionJob | IssuerSignatureJob;

/** What the transaction of each kind decides. */
export interface IssuerResults {
	readonly greeting: SeenHead;
	readonly "telling-balance": bigint;
	readonly "telling-outcome": TransferOutcome;
	readonly "looking-up": RequestOutcome;
	readonly settling: RequestOutcome;
}

export type IssuerJobOf<Kind extends IssuerJob["kind"]> = Extract<
	IssuerJob,
	{ readonly kind: Kind }
>;

/** A job whose transaction is durable, and what it has decided. */
export type IssuerWritten = {
	readonly [Kind in keyof IssuerResults]: {
		readonly kind: Kind;
		readonly job: IssuerJobOf<Kind>;
		readonly result: IssuerResults[Kind];
	};
}[keyof IssuerResults];
