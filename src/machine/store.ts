/*
 * What money needs of a durable store, and how it is asked: a transaction is a value, made by
 * code that does no IO. It reads, decides and reads again until it is done; nothing is written
 * before. `src/store` carries it out on SQLite and on PostgreSQL.
 */

/** What a column holds; `Value` says what that is in a program. */
export type ColumnType = "bytes" | "integer" | "text";

/** `integer` is signed, of 64 bits. There are no nulls. */
export type Value<Type extends ColumnType> = Type extends "bytes"
	? Uint8Array
	: Type extends "integer"
		? bigint
		: string;

/** The columns of a table, by name. */
export type Columns = Readonly<Record<string, ColumnType>>;

/** A row of a table: a value for each column. */
export type Row<Of extends Columns = Columns> = {
	readonly [Name in keyof Of]: Value<Of[Name]>;
};

/** A table and its order. Bytes and texts are ordered byte by byte (texts as UTF-8). */
export interface Table<Of extends Columns = Columns> {
	readonly name: string;
	readonly columns: Of;
	/** No two rows agree in all of these. */
	readonly key: readonly (keyof Of & string)[];
	/** Further orders to read in, by name. Each is made unique by the key, which follows its columns. */
	readonly indexes: Readonly<Record<string, readonly (keyof Of & string)[]>>;
}

/** Declares a table. Names are words of small letters and underscores. */
export function table<const Of extends Columns>(
	name: string,
	columns: Of,
	key: readonly (keyof Of & string)[],
	indexes: Readonly<Record<string, readonly (keyof Of & string)[]>> = {},
): Table<Of> {
	return { name, columns, key, indexes };
}

/**
 * Rows of one table in the order of its key, or of an index: those that agree with `equals`, which
 * names the first columns of that order, and whose next column lies within the bounds.
 */
export interface Read<Of extends Columns = Columns> {
	readonly table: Table<Of>;
	/** The key, unless given. */
	readonly index?: string;
	readonly equals?: Partial<Row<Of>>;
	/** Only rows whose next column is greater than this. */
	readonly above?: Uint8Array | bigint | string;
	/** Only rows whose next column is less than this. */
	readonly below?: Uint8Array | bigint | string;
	/** `ascending` unless given. */
	readonly order?: "ascending" | "descending";
	/** So many rows at the front of that order are left out, `MAX_READ_ROWS` at most; none unless given. */
	readonly skip?: number;
	/** At most so many rows, `MAX_READ_ROWS` at most. */
	readonly limit: number;
}

/** Rows that one read may ask for. */
export const MAX_READ_ROWS = 10_000;

/** The reads of one row by its whole key. */
export function byKey<Of extends Columns>(
	of: Table<Of>,
	key: Partial<Row<Of>>,
): Read<Of> {
	return { table: of, equals: key, limit: 1 };
}

/** One change of a row. The writes of a transaction are all durable, or none is. */
export type Write =
	/** The key must not be there; a store rejects the transaction with `internal` when it is. */
	| { readonly kind: "insert"; readonly table: Table; readonly row: Row }
	/** The whole row, in the place of one with the same key or as a new one. */
	| { readonly kind: "put"; readonly table: Table; readonly row: Row }
	/** `key` names all columns of the key; nothing happens when there is no such row. */
	| {
			readonly kind: "delete";
			readonly table: Table;
			readonly key: Readonly<Record<string, Uint8Array | bigint | string>>;
	  };

/** Writes a row whose key must not be there yet. */
export function insert<Of extends Columns>(of: Table<Of>, row: Row<Of>): Write {
	return { kind: "insert", table: of as unknown as Table, row };
}

/** Writes a row in the place of one with the same key, or as a new one. */
export function put<Of extends Columns>(of: Table<Of>, row: Row<Of>): Write {
	return { kind: "put", table: of as unknown as Table, row };
}

/** Takes a row away, if it is there. `key` names all columns of the key. */
export function remove<Of extends Columns>(
	of: Table<Of>,
	key: Partial<Row<Of>>,
): Write {
	return { kind: "delete", table: of as unknown as Table, key: key as Row };
}

/**
 * A transaction that is still to be carried out. Its functions are pure: a store may run them
 * again from the start. What one of them throws rejects the transaction, and nothing is written.
 */
export type Transaction<Result> =
	| {
			readonly kind: "read";
			readonly reads: readonly Read[];
			/** The rows of each read, in the same order. */
			readonly decide: (
				rows: readonly (readonly Row[])[],
			) => Transaction<Result>;
	  }
	| {
			readonly kind: "done";
			readonly writes: readonly Write[];
			readonly result: Result;
	  };

/** A transaction that reads and goes on; the rows come typed. */
export function reading<const Of extends readonly Columns[], Result>(
	reads: { readonly [At in keyof Of]: Read<Of[At]> },
	decide: (
		rows: { readonly [At in keyof Of]: readonly Row<Of[At]>[] },
	) => Transaction<Result>,
): Transaction<Result> {
	return {
		kind: "read",
		reads: reads as unknown as readonly Read[],
		decide: decide as unknown as (
			rows: readonly (readonly Row[])[],
		) => Transaction<Result>,
	};
}

/** Ends a transaction with what it writes, and what the caller gets once that is durable. */
export function done<Result>(
	writes: readonly Write[],
	result: Result,
): Transaction<Result> {
	return { kind: "done", writes, result };
}

/** Reads many rows of one table in order, a batch at a time, as all were at one moment. */
export type Scan = <Of extends Columns>(
	read: Omit<Read<Of>, "limit" | "skip">,
) => AsyncIterable<Row<Of>>;

/** How a transaction is carried out. */
export interface TransactOptions {
	/** How long it may wait to become durable with a later one, in milliseconds; not at all unless given. Its place in the order is the same. */
	readonly waitMs?: number;
	/** Whether it only reads, and may be carried out before those in front of it that can still wait: it holds none of them back, and does not see them. */
	readonly looks?: boolean;
}

/**
 * A durable store of declared tables. One process has it open at a time.
 *
 * Transactions take effect one after another, in the order in which they were asked for, as if
 * each had the store for itself. Their promises resolve when they are durable: on the disk, not
 * only handed to the system. Many may become durable in one step.
 *
 * Rejects with `store-full` when there is no room: nothing was written, and the store goes on.
 * Rejects with `store-failed` when it is not known whether it was written (a failed fsync, a
 * connection that was lost): the store refuses everything from then on, with the same code, and
 * whoever needs it closes it and opens it again, which shows what is there.
 */
export interface Store extends AsyncDisposable {
	transact<Result>(
		transaction: Transaction<Result>,
		options?: TransactOptions,
	): Promise<Result>;
	/** Looks at all tables as they were at one moment, without holding anybody up. */
	snapshot<Result>(look: (scan: Scan) => Promise<Result>): Promise<Result>;
	/** Resolves, with why, when the store has failed for good. Never rejects. */
	readonly failed: Promise<Error>;
}
