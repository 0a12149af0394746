import type { TetradError } from "../../../errors.ts";
import type { MintError, Output, Proof } from "../../cashu/index.ts";
import type { EcashOrderRow } from "../ecash-tables.ts";
import type { What } from "../purse-tables.ts";
import type { RefusedSwap } from "./stored-swap.ts";

/** An order goes on in another state, or begins. */
export interface Move {
	readonly kind: "move";
	readonly to: EcashOrderRow;
	/** Proofs that are the purse's then. */
	readonly got?: readonly Proof[];
	/** Whether a restore has found them: what the purse has by then, or is under way, is not added once more. */
	readonly isFound?: boolean;
	/** Those that are its own no more. */
	readonly gone?: readonly Proof[];
	/** What a restore waits for, of which the purse does not know whether it is spent. */
	readonly waits?: Waiting;
	/** Those whose counters are used then. */
	readonly outputs?: readonly Pick<Output, "keyset">[];
	/** Only what the purse has seen is another, of which nobody is told. */
	readonly isUntold?: boolean;
	/** The mint is asked again, and not at once. */
	readonly isAfterAWhile?: boolean;
	/** Told once. */
	readonly trouble?: TetradError;
	/** What the log says of it. */
	readonly entry?: { readonly what: What; readonly amount: bigint };
}

/** Proofs that a mint is working on. */
export interface Waiting {
	/** Those that the purse had, and has no more until the mint says that they are unspent. */
	readonly had: readonly Proof[];
	readonly found: readonly Proof[];
}

/** What follows from an answer of the mint. */
export type Next =
	| Move
	/** The mint has refused it, and it is not done: the same is asked for again, or it is made anew. */
	| {
			readonly kind: "not-done";
			readonly why: MintError;
			readonly swap: RefusedSwap;
	  }
	/** It is asked again after a while; `trouble` is told once. */
	| { readonly kind: "later"; readonly trouble?: TetradError };
