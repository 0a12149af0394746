/*
 * What is given to a store is checked before any of it is sent, so that both databases refuse
 * the same. What fails here is a mistake in our own code: `internal`.
 */
import { TetradError } from "../errors.ts";
import {
	type ColumnType,
	MAX_READ_ROWS,
	type Read,
	type Row,
	type Transaction,
	type Write,
} from "../machine/index.ts";
import type { Column, Declared, DeclaredTable } from "./declared.ts";
import {
	MAX_INDEX_ENTRY_BYTES,
	MAX_READS,
	MAX_STEPS,
	MAX_VALUE_BYTES,
	MAX_WRITES,
	MAX_WRITTEN_BYTES,
} from "./limits.ts";

export type SqlValue = Uint8Array | bigint | string;

/** A read whose order is worked out and whose values fit. */
export interface CheckedRead {
	readonly table: DeclaredTable;
	readonly index: string | undefined;
	/** The columns of the order, the first `equals.length` of which are fixed. */
	readonly order: readonly string[];
	readonly equals: readonly SqlValue[];
	readonly above: SqlValue | undefined;
	readonly below: SqlValue | undefined;
	readonly descending: boolean;
	readonly limit: number;
	readonly skip: number;
}

/** A write whose values fit, in the order of the columns; those of a key in the order of the key. */
export interface CheckedWrite {
	readonly kind: Write["kind"];
	readonly table: DeclaredTable;
	readonly values: readonly SqlValue[];
}

export function checkRead(declared: Declared, read: Read): CheckedRead {
	const table = declared.of(read.table);
	const order =
		read.index === undefined ? table.key : table.indexes.get(read.index);
	if (order === undefined)
		throw wrong(table, `there is no index ${read.index}`);
	const equals = read.equals ?? {};
	const fixed = order.slice(0, Object.keys(equals).length);
	const values = valuesOf(table, fixed, equals);
	const next = order[fixed.length];
	for (const bound of [read.above, read.below])
		if (bound !== undefined) {
			if (next === undefined) throw wrong(table, "no column is left to bound");
			checkValue(table, next, bound);
		}
	const { limit, skip = 0 } = read;
	if (!isCount(limit) || limit < 1)
		throw wrong(table, `${limit} rows cannot be asked for`);
	if (!isCount(skip)) throw wrong(table, `${skip} rows cannot be left out`);
	return {
		table,
		index: read.index,
		order,
		equals: values,
		above: read.above,
		below: read.below,
		descending: read.order === "descending",
		limit,
		skip,
	};
}

function isCount(rows: number): boolean {
	return Number.isInteger(rows) && rows >= 0 && rows <= MAX_READ_ROWS;
}

export function checkWrites(
	declared: Declared,
	writes: readonly Write[],
): CheckedWrite[] {
	if (writes.length > MAX_WRITES)
		throw new TetradError(
			"internal",
			`one transaction writes ${writes.length} rows, and may write ${MAX_WRITES}`,
		);
	let bytes = 0;
	return writes.map((write) => {
		const table = declared.of(write.table);
		const names =
			write.kind === "delete"
				? table.key
				: table.columns.map(({ name }) => name);
		const values = valuesOf(
			table,
			names,
			write.kind === "delete" ? write.key : write.row,
		);
		if (write.kind !== "delete") checkOrders(table, write.row);
		for (const value of values) bytes += sizeOf(value);
		if (bytes > MAX_WRITTEN_BYTES)
			throw wrong(table, "one transaction writes too many bytes");
		return { kind: write.kind, table, values };
	});
}

/** The values of a row in the order of `columns`, which are all that it may have; they fit, and so do those that place it. */
export function rowValues(
	table: DeclaredTable,
	columns: readonly Column[],
	row: Row,
): SqlValue[] {
	const typeOf = new Map(columns.map(({ name, type }) => [name, type]));
	const of = { ...table, typeOf };
	const values = valuesOf(of, [...typeOf.keys()], row);
	if (columns === table.columns) checkOrders(table, row);
	return values;
}

/** Counts the steps of one transaction, and the reads of each. */
export class StepCount {
	#steps = 0;

	next({ reads }: Extract<Transaction<unknown>, { kind: "read" }>): void {
		if (++this.#steps > MAX_STEPS || reads.length > MAX_READS)
			throw new TetradError("internal", "a transaction reads without end");
	}
}

function valuesOf(
	table: DeclaredTable,
	names: readonly string[],
	row: Partial<Row>,
): SqlValue[] {
	if (Object.keys(row).length !== names.length)
		throw wrong(table, `exactly ${names.join(", ")} must be given`);
	return names.map((name) => checkValue(table, name, row[name]));
}

/** An entry of an index has to fit into a page. */
function checkOrders(table: DeclaredTable, row: Row): void {
	for (const order of [table.key, ...table.indexes.values()]) {
		let bytes = 0;
		for (const name of order) bytes += sizeOf(row[name] as SqlValue);
		if (bytes > MAX_INDEX_ENTRY_BYTES)
			throw wrong(
				table,
				`the columns ${order.join(", ")} have ${bytes} bytes, and may have ${MAX_INDEX_ENTRY_BYTES}`,
			);
	}
}

function sizeOf(value: SqlValue): number {
	if (typeof value === "bigint") return 8;
	return typeof value === "string" ? Buffer.byteLength(value) : value.length;
}

const FITS: Readonly<Record<ColumnType, (value: unknown) => boolean>> = {
	bytes: (value) =>
		value instanceof Uint8Array && value.length <= MAX_VALUE_BYTES,
	integer: (value) =>
		typeof value === "bigint" && value === BigInt.asIntN(64, value),
	// PostgreSQL keeps no NUL in a text, and half a character is none in UTF-8.
	text: (value) =>
		typeof value === "string" &&
		value.length <= MAX_VALUE_BYTES / 3 &&
		!value.includes("\0") &&
		value.isWellFormed(),
};

function checkValue(
	table: DeclaredTable,
	name: string,
	value: unknown,
): SqlValue {
	const type = table.typeOf.get(name);
	if (type === undefined) throw wrong(table, `there is no column ${name}`);
	if (!FITS[type](value))
		throw wrong(table, `the column ${name} cannot hold what it was given`);
	return value as SqlValue;
}

function wrong({ name }: DeclaredTable, why: string): TetradError {
	return new TetradError("internal", `in the table ${name}: ${why}`);
}
