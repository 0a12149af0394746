/* What comes of looking for a lock at its mint. */
import type { Proof } from "../../cashu/index.ts";
import type { MadeOutput } from "./stored-swap.ts";

export type FoundLock =
	| {
			readonly kind: "found";
			/** In the order in which they were asked for. */
			readonly proofs: readonly Proof[];
			/** Where its counters begin, for whoever looks for what was signed after it; nothing where it has none of the purse's. */
			readonly begins: MadeOutput | undefined;
	  }
	/** The mint has signed no such lock. */
	| { readonly kind: "none" }
	/** Nor is it among those counters of the purse's of which the last so many were empty; beyond them it may be. */
	| { readonly kind: "not-within"; readonly empty: number };

/** As the swap that locks them has them. */
export function byAmount(proofs: readonly Proof[]): readonly Proof[] {
	return proofs.toSorted((a, b) =>
		a.amount === b.amount ? 0 : a.amount < b.amount ? -1 : 1,
	);
}
