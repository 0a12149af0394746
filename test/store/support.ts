/* Tables to store things in. */
import { type AnyTable, schema } from "../../src/machine/index.ts";
import {
	byKey,
	type Columns,
	done,
	insert,
	put,
	type Read,
	type Row,
	reading,
	type Store,
	type Table,
	type Transaction,
	table,
} from "../../src/money/index.ts";
import { openSchema, type Place } from "./place.ts";

export { openSchema, type Place } from "./place.ts";

const countersColumns = { name: "text", count: "integer" } as const;

export const counters: Table<typeof countersColumns> = table(
	"counters",
	countersColumns,
	["name"],
);
const leftColumns = { number: "integer" } as const;

/** Each has an equal in the other, written in the same transaction. */
export const left: Table<typeof leftColumns> = table("left_half", leftColumns, [
	"number",
]);
const rightColumns = { number: "integer", bytes: "bytes" } as const;

export const right: Table<typeof rightColumns> = table(
	"right_half",
	rightColumns,
	["number"],
);
const thingsColumns = {
	owner: "bytes",
	number: "integer",
	label: "text",
	amount: "integer",
	body: "bytes",
} as const;

/** All types, two columns in the key, orders of all kinds. */
export const things: Table<typeof thingsColumns> = table(
	"things",
	thingsColumns,
	["owner", "number"],
	{
		by_label: ["label"],
		by_amount: ["amount", "label"],
		by_owner_amount: ["owner", "amount"],
	},
);

export const TABLES: readonly AnyTable[] = [counters, left, right, things];

export function openAt(
	place: Place,
	tables: readonly AnyTable[] = TABLES,
): Promise<Store> {
	return openSchema(place, schema("test", tables));
}

/** Adds one to a counter and answers with what it is then. */
export function increment(name: string): Transaction<bigint> {
	return reading([byKey(counters, { name })], ([[row]]) => {
		const count = (row?.count ?? 0n) + 1n;
		return done([put(counters, { name, count })], count);
	});
}

/** A number into both halves, counted. */
export function both(number: number, size = 100): Transaction<number> {
	return reading([byKey(counters, { name: "both" })], ([[row]]) =>
		done(
			[
				insert(left, { number: BigInt(number) }),
				put(counters, { name: "both", count: (row?.count ?? 0n) + 1n }),
				insert(right, { number: BigInt(number), bytes: noise(number, size) }),
			],
			number,
		),
	);
}

/** Bytes that no database makes smaller. */
function noise(seed: number, size: number): Uint8Array {
	let state = seed + 1;
	return Uint8Array.from({ length: size }, () => {
		state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
		return state >>> 24;
	});
}

/** The numbers that are in both halves; throws when one is in only one, or the count is wrong. */
export async function wholeNumbers(
	store: Pick<Store, "snapshot">,
): Promise<Set<number>> {
	return store.snapshot(async (scan) => {
		const numbers: number[][] = [[], []];
		for await (const { number } of scan({ table: left }))
			numbers[0]?.push(Number(number));
		for await (const { number } of scan({ table: right }))
			numbers[1]?.push(Number(number));
		let count = 0n;
		for await (const row of scan({ table: counters, equals: { name: "both" } }))
			count = row.count;
		const [inLeft = [], inRight = []] = numbers;
		if (inLeft.join() !== inRight.join() || Number(count) !== inLeft.length)
			throw new Error(`half: ${inLeft} | ${inRight} | ${count}`);
		return new Set(inLeft);
	});
}

/** One read as a transaction. */
export function rowsOf<Of extends Columns>(
	read: Read<Of>,
): Transaction<readonly Row<Of>[]> {
	return reading([read], ([rows]) => done([], rows));
}
