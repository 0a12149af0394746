/* What every part of a purse that has ecash is made with. */
import type { Transaction } from "../../../machine/index.ts";
import type { EcashCrypto, MintRequest } from "../../cashu/index.ts";
import type { ReceiptBody } from "../../documents/index.ts";
import type { Approvals } from "../approvals.ts";
import type { PurseCore, TrustedIssuer } from "../purse-core.ts";
import type { Changed } from "../purse-tables.ts";
import type { SalePart } from "../sale-part.ts";
import type { SpendingLimits } from "../spending-limits.ts";
import type { Witnesses } from "../witnesses.ts";
import type { EcashJob, EcashResults } from "./jobs.ts";
import type { MadeOutput } from "./stored-swap.ts";

/** A mint that the owner has named, where an issuer stands. */
export interface TrustedMint extends TrustedIssuer {
	/** Its address, normalised. */
	readonly url: string;
	/** Its name of the unit, as `sat`. */
	readonly unit: string;
}

export interface EcashOptions {
	readonly crypto: EcashCrypto;
	/** What outputs and keys are derived from, `ECASH_SEED_BYTES`; secret. */
	readonly seed: Uint8Array;
	readonly mints: readonly TrustedMint[];
}

export interface EcashParts {
	readonly core: PurseCore;
	readonly options: EcashOptions;
	readonly witnesses: Witnesses;
	readonly limits: SpendingLimits;
	readonly approvals: Approvals;
	readonly sale: SalePart | undefined;
	transact<Kind extends keyof EcashResults>(
		job: Extract<EcashJob, { readonly kind: Kind }>,
		transaction: Transaction<Changed<EcashResults[NoInfer<Kind>]>>,
	): void;
	/** Asks a mint; answered by `mintAnswered` or `mintNotAnswered` of the part that asked. */
	ask(job: MintJob, url: string, request: MintRequest): void;
	/**
	 * A mint has signed outputs before that this purse makes now: it was put back, and what it made
	 * since is looked for, from the first of these counters on. Not at once after the last time, as a
	 * mint may say so of everything, unless `isOver`: nothing of these is under way any more.
	 */
	signedBefore(
		mint: Uint8Array,
		outputs: readonly MadeOutput[],
		isOver: boolean,
	): void;
	/** Has the module's own key sign a receipt. */
	sign(receipt: ReceiptBody, toSign: Uint8Array): void;
}

/** What a mint is asked for. */
export type MintJob =
	/** What it is. */
	| { readonly kind: "asking-mint"; readonly mint: Uint8Array }
	/** Something about the money of a contract that was paid. */
	| { readonly kind: "asking-about-paid"; readonly contract: Uint8Array }
	/** What was locked for a contract that may have been paid in a life that was forgotten. */
	| { readonly kind: "asking-about-recalled"; readonly contract: Uint8Array }
	/** Something about ecash that the owner put into the purse. */
	| { readonly kind: "asking-about-received"; readonly request: Uint8Array }
	/** Something about what its owner has ordered. */
	| { readonly kind: "asking-about-order"; readonly request: Uint8Array }
	/** Something about the money of one that was sold. */
	| { readonly kind: "asking-about-sold"; readonly contract: Uint8Array };
