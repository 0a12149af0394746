import type { CryptoProvider } from "../../crypto/index.ts";
import {
	byKey,
	done,
	insert,
	reading,
	type Transaction,
} from "../../machine/index.ts";
import { hex } from "../../wire/index.ts";
import {
	CLAIMED,
	type ClaimedRow,
	COUNTERS,
	LOCKED,
	type LockedRow,
	PROOFS,
	type ProofRow,
	RECEIVED,
	type ReceivedRow,
} from "./ecash-tables.ts";
import { ECASH_SEED_NAME, folding, META } from "./purse-tables.ts";

/** What a purse that starts has to know of its ecash. */
export interface EcashState {
	readonly proofs: readonly ProofRow[];
	/** The next counter of each keyset, in hexadecimal. */
	readonly counters: ReadonlyMap<string, number>;
	/** What was paid and is not over. */
	readonly locked: readonly LockedRow[];
	/** What was sold and is not claimed. */
	readonly claimed: readonly ClaimedRow[];
	/** What the owner put into the purse, and its mint has not signed. */
	readonly received: readonly ReceivedRow[];
}

/** What outputs and keys are derived from, 64 bytes; made where there is none. */
export function ecashSeed(crypto: CryptoProvider): Transaction<Uint8Array> {
	const name = ECASH_SEED_NAME;
	const value = crypto.random(SEED_BYTES);
	return reading([byKey(META, { name })], ([[known]]) =>
		known === undefined
			? done([insert(META, { name, value })], value)
			: done([], known.value),
	);
}

/** Of the seed, in bytes: as what BIP 39 makes of words. */
const SEED_BYTES = 64;

/** States in which a payment is not over. */
export const OPEN_STATES: readonly string[] = [
	...["locking", "taking-back", "locked", "refunding"],
];

export function readEcash<Result>(
	then: (ecash: EcashState) => Transaction<Result>,
): Transaction<Result> {
	return folding(
		{ table: PROOFS },
		"id",
		[] as readonly ProofRow[],
		(sum, rows) => [...sum, ...rows],
		(proofs) =>
			folding(
				{ table: COUNTERS },
				"keyset",
				new Map<string, number>() as ReadonlyMap<string, number>,
				(sum, rows) =>
					new Map([
						...sum,
						...rows.map(
							({ keyset, next }) => [hex(keyset), Number(next)] as const,
						),
					]),
				(counters) =>
					readOpen(OPEN_STATES, [], (locked) =>
						folding(
							{
								table: CLAIMED,
								index: "by_state",
								equals: { state: "claiming" },
							},
							"contract",
							[] as readonly ClaimedRow[],
							(sum, rows) => [...sum, ...rows],
							(claimed) =>
								folding(
									{
										table: RECEIVED,
										index: "by_state",
										equals: { state: "swapping" },
									},
									"request",
									[] as readonly ReceivedRow[],
									(sum, rows) => [...sum, ...rows],
									(received) =>
										then({ proofs, counters, locked, claimed, received }),
								),
						),
					),
			),
	);
}

function readOpen<Result>(
	[state, ...states]: readonly string[],
	found: readonly LockedRow[],
	then: (rows: readonly LockedRow[]) => Transaction<Result>,
): Transaction<Result> {
	if (state === undefined) return then(found);
	return folding(
		{ table: LOCKED, index: "by_state", equals: { state } },
		"contract",
		found,
		(sum, rows) => [...sum, ...rows],
		(rows) => readOpen(states, rows, then),
	);
}
