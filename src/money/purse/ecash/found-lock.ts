/* What comes of looking for a lock at its mint. */
import {
	mintRefused,
	type Proof,
	parseMintError,
	parseRestored,
	type RestoredSignature,
} from "../../cashu/index.ts";
import type { MintAnswer } from "../ecash-part.ts";
import type { MadeOutput } from "./stored-swap.ts";
import { isDone } from "./swap-run.ts";

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

/** What a mint says that it has signed. Throws for one that refuses: it has not said so. */
export function signedAt({
	status,
	body,
}: MintAnswer): readonly RestoredSignature[] {
	if (!isDone(status)) throw mintRefused(parseMintError(body));
	return parseRestored(body);
}

/** As the swap that locks them has them. */
export function byAmount(proofs: readonly Proof[]): readonly Proof[] {
	return proofs.toSorted((a, b) =>
		a.amount === b.amount ? 0 : a.amount < b.amount ? -1 : 1,
	);
}
