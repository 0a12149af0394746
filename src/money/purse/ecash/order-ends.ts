/* How an order of ecash ends that came to nothing, whatever it was to be. */
import { type Proof, type ProofState, sumOf } from "../../cashu/index.ts";
import type { EcashOrderRow } from "../ecash-tables.ts";
import type { Move } from "./moves.ts";
import type { StoredSwap } from "./stored-swap.ts";

/** Another copy of the purse has spent some of what it was to be made or paid of, or all. */
export function declined(
	row: EcashOrderRow,
	{ spends }: StoredSwap,
	states: readonly ProofState[],
): Move {
	const got = spends.filter((_, at) => states[at]?.kind === "unspent");
	return {
		kind: "move",
		to: {
			...{ ...row, state: "declined", returned: sumOf(got) },
			// Of what was said before, when it was to be taken back, nothing is true any more.
			...{ code: "", reason: "" },
		},
		got,
		entry: { what: "declined", amount: row.amount },
	};
}

/** It was never made, or paid; `got` is what of that which has come back is not spent since. */
export function failed(
	row: EcashOrderRow,
	back: readonly Proof[],
	got: readonly Proof[],
): Move {
	const returned = sumOf(back);
	return {
		kind: "move",
		to: { ...row, state: "failed", returned, fee: row.spends - returned },
		got,
		entry: { what: "taken-back", amount: returned },
	};
}
