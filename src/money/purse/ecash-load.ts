import {
	byKey,
	type Columns,
	done,
	put,
	type Read,
	type Row,
	reading,
	remove,
	type Table,
	type Transaction,
	type Write,
} from "../../machine/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import {
	CLAIMED,
	type ClaimedRow,
	COUNTERS,
	ECASH_ORDERS,
	type EcashOrderRow,
	KEYSETS,
	type KeysetRow,
	LOCKED,
	type LockedRow,
	PROOFS,
	type ProofRow,
	RECEIVED,
	type ReceivedRow,
} from "./ecash-tables.ts";
import {
	APART_LOCKS_NAME,
	BEHIND_NAME,
	ECASH_ENTROPY_NAME,
	ECASH_SEED_NAME,
	folding,
	MET_NAME,
	META,
	OVERRIDDEN_NAME,
} from "./purse-tables.ts";

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
	/** What the owner ordered, and is not over. */
	readonly orders: readonly EcashOrderRow[];
	/** As mints have shown them. */
	readonly keysets: readonly KeysetRow[];
	/** Whether counters of its seed may have been those of locks, as they were at first, in this purse or in another one with the same seed. */
	readonly countedLocks: boolean;
}

/** What outputs and keys of a purse's ecash are derived from. Secret. */
export interface EcashSeed {
	/** 64 bytes. */
	readonly seed: Uint8Array;
	/** What BIP 39 makes words of, and of those the seed; nothing where the seed was drawn as it is, as every seed was before there were words. */
	readonly entropy: Uint8Array | undefined;
}

/** The seed that is there. */
export function ecashSeed(): Transaction<EcashSeed | undefined> {
	return reading(SEED_READS, ([[seed], [entropy]]) => {
		if (seed === undefined) return done([], undefined);
		return done([], { seed: seed.value, entropy: entropy?.value });
	});
}

/**
 * The seed that is there; where there is none, it is this one from now on. A purse that was put back
 * to before it had a seed may have had another one, of whose locks this one tells nothing.
 */
export function keepEcashSeed(drawn: EcashSeed): Transaction<Uint8Array> {
	return reading(
		[...SEED_READS, ...PUT_BACK_READS],
		([[known], , [behind], [met], [overridden]]) => {
			if (known !== undefined) return done([], known.value);
			const wasPutBack = [behind, met, overridden].some(Boolean);
			const apart = put(META, { name: APART_LOCKS_NAME, value: APART });
			return done(
				[...seedWrites(drawn), ...(wasPutBack ? [] : [apart])],
				drawn.seed,
			);
		},
	);
}

/**
 * Takes the seed of a purse that is no more: `taken`, or `known` where it is the seed already. One
 * that has ever had ecash keeps its own (`refused`): outputs that its seed has made would be lost
 * with it. All that it ever had it has counted for, or ordered or locked before.
 */
export function takeEcashSeed(
	given: EcashSeed,
): Transaction<"known" | "refused" | "taken"> {
	const had = [
		...[PROOFS, COUNTERS, LOCKED, CLAIMED, RECEIVED, ECASH_ORDERS],
	] as unknown as readonly Table[];
	const reads = had.map((of): Read => ({ table: of, limit: 1 }));
	return reading(SEED_READS, ([[known]]) => {
		if (known !== undefined && sameBytes(known.value, given.seed))
			return done([], "known");
		return reading(reads, (found) =>
			found.flat().length > 0
				? done([], "refused")
				: done(
						[...seedWrites(given), remove(META, { name: APART_LOCKS_NAME })],
						"taken",
					),
		);
	});
}

const APART: Uint8Array = Uint8Array.of(1);

const SEED_READS = [
	byKey(META, { name: ECASH_SEED_NAME }),
	byKey(META, { name: ECASH_ENTROPY_NAME }),
] as const;

/** Of these a purse has one that was put back. */
const PUT_BACK_READS = [
	byKey(META, { name: BEHIND_NAME }),
	byKey(META, { name: MET_NAME }),
	byKey(META, { name: OVERRIDDEN_NAME }),
] as const;

function seedWrites({ seed, entropy }: EcashSeed): Write[] {
	return [
		put(META, { name: ECASH_SEED_NAME, value: seed }),
		entropy === undefined
			? remove(META, { name: ECASH_ENTROPY_NAME })
			: put(META, { name: ECASH_ENTROPY_NAME, value: entropy }),
	];
}

/** States in which a payment is not over, and an order of the owner. */
export const OPEN_STATES: readonly string[] = [
	...["locking", "taking-back", "locked", "refunding"],
];
export const OPEN_ORDERS: readonly string[] = [
	...["swapping", "sent", "taking-back"],
	...["unpaid", "minting", "melting", "restoring", "pending"],
];

export function readEcash<Result>(
	then: (ecash: EcashState) => Transaction<Result>,
): Transaction<Result> {
	return reading([byKey(META, { name: APART_LOCKS_NAME })], ([[apart]]) =>
		readRows((rows) => then({ ...rows, countedLocks: apart === undefined })),
	);
}

function readRows<Result>(
	then: (ecash: Omit<EcashState, "countedLocks">) => Transaction<Result>,
): Transaction<Result> {
	return readAll({ table: PROOFS }, "id", (proofs) =>
		readAll({ table: COUNTERS }, "keyset", (counted) =>
			readStates(LOCKED, "contract", OPEN_STATES, (locked) =>
				readStates(CLAIMED, "contract", ["claiming"], (claimed) =>
					readStates(RECEIVED, "request", ["swapping"], (received) =>
						readStates(ECASH_ORDERS, "request", OPEN_ORDERS, (orders) =>
							readKeysets((keysets) => {
								const counters = new Map(
									counted.map(({ keyset, next }) => [
										hex(keyset),
										Number(next),
									]),
								);
								const open = { locked, claimed, received, orders };
								return then({ proofs, counters, keysets, ...open });
							}),
						),
					),
				),
			),
		),
	);
}

function readAll<Of extends Columns, Result>(
	read: Omit<Read<Of>, "limit">,
	column: keyof Of & string,
	then: (rows: readonly Row<Of>[]) => Transaction<Result>,
): Transaction<Result> {
	const none: readonly Row<Of>[] = [];
	return folding(read, column, none, (sum, rows) => [...sum, ...rows], then);
}

/** Rows in any of these states. */
function readStates<Of extends Columns, Result>(
	table: Table<Of>,
	column: keyof Of & string,
	[state, ...states]: readonly string[],
	then: (rows: readonly Row<Of>[]) => Transaction<Result>,
): Transaction<Result> {
	if (state === undefined) return then([]);
	const equals = { state } as unknown as Partial<Row<Of>>;
	return readAll({ table, index: "by_state", equals }, column, (rows) =>
		readStates(table, column, states, (more) => then([...rows, ...more])),
	);
}

/** Rows of each mint after another: their key has two columns. */
function readKeysets<Result>(
	then: (rows: readonly KeysetRow[]) => Transaction<Result>,
	found: readonly KeysetRow[] = [],
): Transaction<Result> {
	const after = found.at(-1);
	const next = {
		table: KEYSETS,
		...(after === undefined ? {} : { above: after.mint }),
		limit: 1,
	} as const;
	return reading([next], ([[row]]) => {
		if (row === undefined) return then(found);
		const equals = { mint: row.mint };
		return readAll({ table: KEYSETS, equals }, "keyset", (rows) =>
			readKeysets(then, [...found, ...rows]),
		);
	});
}
