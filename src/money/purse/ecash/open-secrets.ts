/* What of a purse's ecash is under way: secrets of the proofs that are being spent or made. */
import type {
	Columns,
	Row,
	Table,
	Transaction,
} from "../../../machine/index.ts";
import { parseProofs } from "../../cashu/index.ts";
import { type EcashState, OPEN_ORDERS, OPEN_STATES } from "../ecash-load.ts";
import {
	CLAIMED,
	type ClaimedRow,
	ECASH_ORDERS,
	type EcashOrderRow,
	LOCKED,
	type LockedRow,
	RECEIVED,
	type ReceivedRow,
} from "../ecash-tables.ts";
import { folding } from "../purse-tables.ts";
import { secretsIn } from "./stored-swap.ts";

type Secrets = ReadonlySet<string>;

/** Those of the rows that a purse starts with. */
export function secretsUnderWay({
	locked,
	claimed,
	received,
	orders,
}: EcashState): Secrets {
	return new Set([
		...locked.flatMap(secretsOfLocked),
		...claimed.flatMap(secretsOfClaimed),
		...received.flatMap(secretsOfReceived),
		...orders.flatMap(secretsOfOrder),
	]);
}

/** Reads them, for a transaction that adds nothing of them once more. */
export function withOpenSecrets<Result>(
	then: (secrets: Secrets) => Transaction<Result>,
): Transaction<Result> {
	const parts = [
		...OPEN_STATES.map((state) =>
			part(LOCKED, "contract", state, secretsOfLocked),
		),
		part(CLAIMED, "contract", "claiming", secretsOfClaimed),
		part(RECEIVED, "request", "swapping", secretsOfReceived),
		...OPEN_ORDERS.map((state) =>
			part(ECASH_ORDERS, "request", state, secretsOfOrder),
		),
	];
	return parts.reduceRight<(secrets: Secrets) => Transaction<Result>>(
		(next, read) => (secrets) => read(secrets, next),
		then,
	)(new Set());
}

type Part = <Result>(
	secrets: Secrets,
	then: (secrets: Secrets) => Transaction<Result>,
) => Transaction<Result>;

/** Of all rows of one state, whose key is that column. */
function part<Of extends Columns>(
	table: Table<Of>,
	column: keyof Of & string,
	state: string,
	secretsOf: (row: Row<Of>) => readonly string[],
): Part {
	const equals = { state } as unknown as Partial<Row<Of>>;
	return (secrets, then) =>
		folding(
			{ table, index: "by_state", equals },
			column,
			secrets,
			(sum, rows) => new Set([...sum, ...rows.flatMap(secretsOf)]),
			then,
		);
}

function secretsOfLocked({
	lock_swap,
	back_swap,
	lock,
}: LockedRow): readonly string[] {
	return [...inSwaps(lock_swap, back_swap), ...inProofs(lock)];
}

function secretsOfClaimed({ claim_swap }: ClaimedRow): readonly string[] {
	return inSwaps(claim_swap);
}

function secretsOfReceived({ swap }: ReceivedRow): readonly string[] {
	return inSwaps(swap);
}

/** What made a token is over once that is there: what it was refused with before is no part of it. */
function secretsOfOrder({
	kind,
	state,
	swap,
	back_swap,
	token,
}: EcashOrderRow): readonly string[] {
	const isMade = kind === "send" && state !== "swapping";
	const swaps = isMade ? [back_swap] : [swap, back_swap];
	return [...inSwaps(...swaps), ...inProofs(token)];
}

function inSwaps(...swaps: readonly Uint8Array[]): readonly string[] {
	return swaps.flatMap((swap) => (swap.length === 0 ? [] : secretsIn(swap)));
}

function inProofs(proofs: Uint8Array): readonly string[] {
	if (proofs.length === 0) return [];
	return parseProofs(proofs).map(({ secret }) => secret);
}
