/*
 * The disk of a simulated device: the tables of one store. What a transaction writes is seen at
 * once by those after it, as in a database, and is durable a while later; until then it can be
 * lost. What was not durable is frames of a write-ahead log, one for each write of a transaction,
 * the last of which commits it. When the power goes, each frame may have reached the disk or not,
 * or in part, in any order; recovery reads from the front and ends at the first that is not whole,
 * as those of SQLite and PostgreSQL do. So above the store a torn transaction is none, and one
 * that lies behind it is none either, also when all of it was there.
 */
import { TetradError } from "../src/errors.ts";
import {
	MAX_READ_ROWS,
	type Read,
	type Row,
	type Table,
	type Transaction,
	type Write,
} from "../src/machine/index.ts";
import type { Stream } from "./random.ts";

type Cell = Uint8Array | bigint | string;

/** One order of the rows of a table. */
interface Order {
	readonly columns: readonly string[];
	/** Sorted. */
	readonly keys: string[];
	readonly rows: Map<string, Row>;
}

interface Rows {
	readonly table: Table;
	/** The order of the key, and then those of the indexes. */
	readonly orders: ReadonlyMap<string | undefined, Order>;
}

interface Undo {
	readonly table: Table;
	readonly key: Readonly<Record<string, Cell>>;
	readonly before: Row | undefined;
}

/** A transaction that has written and is not durable. */
export interface Unsynced {
	readonly writes: readonly Write[];
	readonly undo: readonly Undo[];
}

/** What a crash leaves of what was not durable: nothing, everything, its beginning, or any of its frames. */
export type Tail = "lost" | "kept" | "cut" | "scattered";

export const TAILS: readonly Tail[] = ["lost", "kept", "cut", "scattered"];

/** What a crash made of a transaction that was not durable. */
type Fate = "whole" | "torn" | "missing";

/** What recovery found behind what was durable. */
export interface Recovered {
	/** In order; they are durable from now on. */
	readonly kept: readonly Unsynced[];
	/** Transactions of which a part was there. */
	readonly torn: number;
	/** Transactions that were there as a whole, and lie behind one that was not. */
	readonly reordered: number;
}

/** All rows of a store as they were at one moment. */
export interface Backup {
	readonly tables: readonly {
		readonly table: Table;
		readonly rows: readonly Row[];
	}[];
	/** In how many of its documents a bit had changed by then. */
	readonly rotten: number;
}

/** Hears of each row that is written, or undone. Rows of a backup that is put back are written over nothing. */
export type RowWatcher = (
	table: Table,
	before: Row | undefined,
	after: Row | undefined,
) => void;

export class Disk {
	readonly watchers: RowWatcher[] = [];
	/** Documents on it of which a bit has changed. */
	rotten = 0;
	/** Transactions that write are refused while it is full. */
	isFull = false;
	/** Every transaction fails. */
	isBroken = false;
	#failing: { transaction: number; readonly isWritten: boolean } | undefined;
	#openings = 0;
	readonly #tables = new Map<string, Rows>();
	#unsynced: Unsynced[] = [];

	/**
	 * Carries it out. What it wrote is durable when `sync` was called with what is answered; without
	 * writes there is nothing to wait for. Throws what the transaction throws, `store-full`, and
	 * `store-failed`, after which what was written is not durable and may be there all the same.
	 */
	run<Result>(transaction: Transaction<Result>): {
		readonly result: Result;
		readonly unsynced: Unsynced | undefined;
	} {
		if (this.isBroken) throw failed();
		let at = transaction;
		while (at.kind === "read")
			at = at.decide(at.reads.map((read) => this.read(read)));
		const { writes, result } = at;
		if (writes.length === 0) return { result, unsynced: undefined };
		const failing = this.#failing;
		const fails = failing !== undefined && --failing.transaction <= 0;
		if (fails) this.#failing = undefined;
		if (fails && !failing.isWritten) throw failed();
		if (this.isFull) throw new TetradError("store-full", "the disk is full");
		for (const write of writes)
			if (write.kind === "insert" && this.#find(write.table, write.row))
				throw new TetradError(
					"internal",
					`that row of ${write.table.name} is there`,
				);
		const undo = writes.map((write) => this.#write(write));
		const unsynced = { writes, undo };
		this.#unsynced.push(unsynced);
		if (fails) throw failed();
		return { result, unsynced };
	}

	/** The `transaction`th that writes from now on fails: before anything of it is written, or so that it may be there all the same. */
	failAt(transaction: number, isWritten: boolean): void {
		this.#failing = { transaction, isWritten };
	}

	/** Nothing fails any more. */
	mend(): void {
		this.#failing = undefined;
		this.isBroken = false;
		this.isFull = false;
	}

	/** How often the store was opened again. What was waited for before that was not answered. */
	get openings(): number {
		return this.#openings;
	}

	/** As `run`, and durable at once. */
	runNow<Result>(transaction: Transaction<Result>): Result {
		const { result } = this.run(transaction);
		this.syncAll();
		return result;
	}

	/** It is durable, and so is everything before it. */
	sync(unsynced: Unsynced): void {
		const at = this.#unsynced.indexOf(unsynced);
		this.#unsynced.splice(0, at + 1);
	}

	syncAll(): void {
		this.#unsynced = [];
	}

	/** Transactions that a crash could lose. */
	get unsynced(): number {
		return this.#unsynced.length;
	}

	/** The power goes, or the store fails, and it is opened again. */
	crash(tail: Tail, stream: Stream): Recovered {
		const fates = this.#unsynced.map(({ writes }) =>
			fateOf(writes.length + 1, tail, stream),
		);
		if (tail === "cut") {
			const whole = stream.below(fates.length + 1);
			fates.fill("whole", 0, whole).fill("missing", whole);
		}
		const broken = fates.findIndex((fate) => fate !== "whole");
		const count = broken < 0 ? fates.length : broken;
		for (const { undo } of this.#unsynced.slice(count).toReversed())
			for (const one of undo.toReversed()) this.#undo(one);
		const kept = this.#unsynced.slice(0, count);
		this.#unsynced = [];
		this.#openings++;
		const behind = fates.slice(count);
		return {
			kept,
			torn: behind.filter((fate) => fate === "torn").length,
			reordered: behind.filter((fate) => fate === "whole").length,
		};
	}

	/** Rows in the order of the key. */
	rows<Of extends Record<string, "bytes" | "integer" | "text">>(
		of: Table<Of>,
	): readonly Row<Of>[] {
		const order = this.#tables.get(of.name)?.orders.get(undefined);
		if (order === undefined) return [];
		return order.keys.map((key) => order.rows.get(key) as Row<Of>);
	}

	/** Changes one bit of that column in one row of the table, which nobody hears of. Answers whether there was one. */
	flip(name: string, column: string, stream: Stream): boolean {
		const found = this.#tables.get(name);
		if (found === undefined) return false;
		const rows = this.rows(found.table).filter(
			(row) => (row[column] as Uint8Array).length > 0,
		);
		if (rows.length === 0) return false;
		const row = stream.pick(rows);
		const bytes = new Uint8Array(row[column] as Uint8Array);
		const at = stream.below(bytes.length);
		bytes[at] = (bytes[at] ?? 0) ^ (1 << stream.below(8));
		this.#change(found.table, row, { ...row, [column]: bytes });
		return true;
	}

	backup(): Backup {
		const tables = [...this.#tables.values()].map(({ table }) => ({
			...{ table, rows: this.rows(table as never) },
		}));
		return { tables, rotten: this.rotten };
	}

	restore(backup: Backup): void {
		this.#tables.clear();
		this.#unsynced = [];
		this.rotten = backup.rotten;
		for (const { table, rows } of backup.tables)
			for (const row of rows) this.#write({ kind: "put", table, row });
	}

	read({ limit, skip = 0, ...read }: Read): Row[] {
		if (!(limit >= 1 && limit <= MAX_READ_ROWS))
			throw new Error("a read has no fitting limit");
		if (!(skip >= 0 && skip <= MAX_READ_ROWS))
			throw new Error("a read leaves out more than one can");
		return this.#span(read, skip, limit);
	}

	/** All rows of that read, as a snapshot of a store has them. */
	scan(read: Omit<Read, "limit" | "skip">): Row[] {
		return this.#span(read, 0, Number.POSITIVE_INFINITY);
	}

	#span(
		{ table, index, equals = {}, above, below, order }: Omit<Read, "limit">,
		skip: number,
		limit: number,
	): Row[] {
		const found = this.#tables.get(table.name)?.orders.get(index);
		if (found === undefined) return [];
		const names = Object.keys(equals);
		const { columns, keys, rows } = found;
		if (columns.slice(0, names.length).some((name) => !names.includes(name)))
			throw new Error(`a read of ${table.name} is not in its order`);
		const prefix = columns
			.slice(0, names.length)
			.map((name) => cellKey(equals[name] as Cell))
			.join("");
		const low = above === undefined ? prefix : prefix + pastCell(above);
		const high = below === undefined ? `${prefix}~` : prefix + cellKey(below);
		const from = firstFrom(keys, low);
		const to = Math.max(from, firstFrom(keys, high));
		const first = Math.min(to, from + skip);
		const last = Math.max(from, to - skip);
		const span =
			order === "descending"
				? keys.slice(Math.max(from, last - limit), last).toReversed()
				: keys.slice(first, Math.min(to, first + limit));
		return span.map((key) => rows.get(key) as Row);
	}

	#find(table: Table, of: Readonly<Record<string, Cell>>): Row | undefined {
		return this.#tables
			.get(table.name)
			?.orders.get(undefined)
			?.rows.get(keyOf(table.key, of));
	}

	#write(write: Write): Undo {
		const { table } = write;
		const named = write.kind === "delete" ? write.key : write.row;
		const key = Object.fromEntries(
			table.key.map((name) => [name, named[name] as Cell]),
		);
		const before = this.#find(table, key);
		this.#change(
			table,
			before,
			write.kind === "delete" ? undefined : checked(table, write.row),
		);
		return { table, key, before };
	}

	#undo({ table, key, before }: Undo): void {
		this.#change(table, this.#find(table, key), before);
	}

	#change(table: Table, before: Row | undefined, after: Row | undefined): void {
		for (const watcher of this.watchers) watcher(table, before, after);
		for (const { columns, keys, rows } of this.#rowsOf(table).orders.values()) {
			const old = before && keyOf(columns, before);
			const next = after && keyOf(columns, after);
			if (old !== undefined && old !== next) {
				rows.delete(old);
				keys.splice(firstFrom(keys, old), 1);
			}
			if (next === undefined || after === undefined) continue;
			if (next !== old) keys.splice(firstFrom(keys, next), 0, next);
			rows.set(next, after);
		}
	}

	#rowsOf(table: Table): Rows {
		const known = this.#tables.get(table.name);
		if (known !== undefined) return known;
		const order = (columns: readonly string[]): Order => ({
			columns,
			keys: [],
			rows: new Map(),
		});
		const orders = new Map<string | undefined, Order>([
			[undefined, order(table.key)],
			...Object.entries(table.indexes).map(
				([name, columns]) => [name, order([...columns, ...table.key])] as const,
			),
		]);
		const made = { table, orders };
		this.#tables.set(table.name, made);
		return made;
	}
}

const FAILED = "the disk answers with an error";

/** Nobody knows whether a transaction that failed so was written. */
export function failed(): TetradError {
	return new TetradError("store-failed", FAILED);
}

/** Whether it may be gone with the next try, unlike what has changed on a disk. */
export function isPassing({
	code,
	message,
}: Pick<TetradError, "code" | "message">): boolean {
	return (
		code === "store-full" || (code === "store-failed" && message === FAILED)
	);
}

/** What becomes of a transaction of so many frames. */
function fateOf(frames: number, tail: Tail, stream: Stream): Fate {
	if (tail !== "scattered") return tail === "kept" ? "whole" : "missing";
	// Most of a log reaches the disk together, or not at all.
	if (stream.chance(0.5)) return stream.chance(0.5) ? "whole" : "missing";
	const there = stream.below(frames + 1);
	if (there === frames) return "whole";
	return there === 0 ? "missing" : "torn";
}

/** The first place whose key is not below that one. */
function firstFrom(keys: readonly string[], key: string): number {
	let low = 0;
	let high = keys.length;
	while (low < high) {
		const middle = (low + high) >>> 1;
		if ((keys[middle] as string) < key) low = middle + 1;
		else high = middle;
	}
	return low;
}

/** Texts whose order is that of the cells, one after another: what ends a cell is below every digit. */
function keyOf(
	columns: readonly string[],
	row: Readonly<Record<string, Cell>>,
): string {
	let key = "";
	for (const name of columns) key += cellKey(row[name] as Cell);
	return key;
}

const END = "/";
/** Above the end of a cell and not above anything that a longer cell goes on with. */
const PAST = "0";
const SIGN = 2n ** 63n;

function cellKey(cell: Cell): string {
	return cellText(cell) + END;
}

function pastCell(cell: Cell): string {
	return cellText(cell) + PAST;
}

function cellText(cell: Cell): string {
	if (typeof cell === "bigint")
		return (cell + SIGN).toString(16).padStart(16, "0");
	return typeof cell === "string"
		? Buffer.from(cell, "utf8").toString("hex")
		: Buffer.from(cell.buffer, cell.byteOffset, cell.byteLength).toString(
				"hex",
			);
}

/** A row as it would come back: of its own memory, and with exactly the declared columns. */
function checked(table: Table, row: Row): Row {
	const names = Object.keys(table.columns);
	if (Object.keys(row).length !== names.length)
		throw new Error(`a row of ${table.name} has other columns`);
	const kept: Record<string, Cell> = {};
	for (const name of names) {
		const cell = row[name] as Cell;
		const type = table.columns[name];
		const fits =
			type === "bytes"
				? cell instanceof Uint8Array
				: typeof cell === (type === "integer" ? "bigint" : "string");
		if (!fits) throw new Error(`${table.name}.${name} is no ${type}`);
		if (typeof cell === "bigint" && BigInt.asIntN(64, cell) !== cell)
			throw new Error(`${table.name}.${name} does not fit`);
		kept[name] = cell instanceof Uint8Array ? new Uint8Array(cell) : cell;
	}
	return kept;
}
