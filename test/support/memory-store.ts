import { TetradError } from "../../src/errors.ts";
import {
	MAX_READ_ROWS,
	type Read,
	type Row,
	type Scan,
	type Store,
	type Table,
	type Transaction,
	type Write,
} from "../../src/money/index.ts";
import { hex, utf8 } from "../../src/wire/index.ts";

type Cell = Uint8Array | bigint | string;

/** A store in memory, for tests that want to crash, copy or fill it. */
export class MemoryStore implements Store {
	readonly failed: Promise<Error> = new Promise(() => {});
	/** Transactions that write are refused while it is full. */
	isFull = false;
	/** So many transactions that write are refused before there is room again. */
	refuse = 0;
	/** Transactions that have written something. */
	writes = 0;
	readonly #tables: Map<string, Map<string, Row>>;

	constructor(
		tables: ReadonlyMap<string, ReadonlyMap<string, Row>> = new Map(),
	) {
		this.#tables = new Map(
			[...tables].map(([name, rows]) => [name, new Map(rows)]),
		);
	}

	/** One with these rows in its tables. */
	static of(
		tables: readonly (readonly [Table, readonly Row[]])[],
	): MemoryStore {
		return new MemoryStore(
			new Map(
				tables.map(([table, rows]) => [
					table.name,
					new Map(rows.map((row) => [keyOf(table, row), row])),
				]),
			),
		);
	}

	/** A copy as of now: a backup, or what is there after a crash. */
	copy(): MemoryStore {
		return new MemoryStore(this.#tables);
	}

	/** Everything in it, as text. */
	dump(): string {
		return [...this.#tables]
			.flatMap(([name, rows]) =>
				[...rows.values()].map((row) => `${name} ${textOf(row)}`),
			)
			.toSorted()
			.join("\n");
	}

	rows<Of extends Record<string, "bytes" | "integer" | "text">>(
		of: Table<Of>,
	): readonly Row<Of>[] {
		return [...(this.#tables.get(of.name)?.values() ?? [])] as Row<Of>[];
	}

	/** Whether carrying it out now would write something. */
	wouldWrite(transaction: Transaction<unknown>): boolean {
		return this.#decide(transaction).writes.length > 0;
	}

	run<Result>(transaction: Transaction<Result>): Result {
		const { writes, result } = this.#decide(transaction);
		if (writes.length > 0 && (this.isFull || this.#refuses()))
			throw new TetradError("store-full", "the disk is full");
		const inserted = writes.filter(({ kind }) => kind === "insert");
		for (const write of inserted)
			if (this.#has(write as Write & { row: Row }))
				throw new TetradError("internal", "that row is there");
		for (const write of writes) this.#write(write);
		if (writes.length > 0) this.writes++;
		return result;
	}

	async transact<Result>(transaction: Transaction<Result>): Promise<Result> {
		return this.run(transaction);
	}

	async snapshot<Result>(
		look: (scan: Scan) => Promise<Result>,
	): Promise<Result> {
		const then = this.copy();
		return look(async function* (read) {
			yield* then.#read({ ...read, limit: Number.POSITIVE_INFINITY } as never);
		} as Scan);
	}

	async [Symbol.asyncDispose](): Promise<void> {}

	#refuses(): boolean {
		if (this.refuse === 0) return false;
		this.refuse--;
		return true;
	}

	#decide<Result>(transaction: Transaction<Result>) {
		let at = transaction;
		while (at.kind === "read") {
			const rows = at.reads.map((read) => {
				if (!(read.limit >= 1 && read.limit <= MAX_READ_ROWS))
					throw new Error("a read has no fitting limit");
				return this.#read(read);
			});
			at = at.decide(rows);
		}
		return at;
	}

	#read({
		table,
		index,
		equals = {},
		above,
		below,
		order,
		limit,
		skip = 0,
	}: Read): Row[] {
		const columns =
			index === undefined
				? table.key
				: [...(table.indexes[index] as readonly string[]), ...table.key];
		const names = Object.keys(equals);
		const next = columns[names.length] as string;
		if (columns.slice(0, names.length).some((name) => !names.includes(name)))
			throw new Error(`a read of ${table.name} is not in its order`);
		const found = [...(this.#tables.get(table.name)?.values() ?? [])]
			.filter((row) =>
				names.every((name) => compare(row[name], equals[name]) === 0),
			)
			.filter((row) => above === undefined || compare(row[next], above) > 0)
			.filter((row) => below === undefined || compare(row[next], below) < 0)
			.toSorted((a, b) => {
				for (const name of columns) {
					const difference = compare(a[name], b[name]);
					if (difference !== 0) return difference;
				}
				return 0;
			});
		return (order === "descending" ? found.toReversed() : found).slice(
			skip,
			skip + limit,
		);
	}

	#has({ table, row }: { table: Table; row: Row }): boolean {
		return this.#tables.get(table.name)?.has(keyOf(table, row)) ?? false;
	}

	#write(write: Write): void {
		const { table } = write;
		const rows = this.#tables.get(table.name) ?? new Map<string, Row>();
		this.#tables.set(table.name, rows);
		if (write.kind === "delete") rows.delete(keyOf(table, write.key));
		else rows.set(keyOf(table, write.row), checked(table, write.row));
	}
}

function keyOf(table: Table, row: Readonly<Record<string, Cell>>): string {
	return table.key.map((name) => cellText(row[name] as Cell)).join(" ");
}

/** A row as it would come back: of its own memory, and with exactly the declared columns. */
function checked(table: Table, row: Row): Row {
	const names = Object.keys(table.columns);
	if (Object.keys(row).length !== names.length)
		throw new Error(`a row of ${table.name} has other columns`);
	return Object.fromEntries(
		names.map((name) => {
			const cell = row[name] as Cell;
			const type = table.columns[name];
			const fits =
				type === "bytes"
					? cell instanceof Uint8Array
					: typeof cell === (type === "integer" ? "bigint" : "string");
			if (!fits) throw new Error(`${table.name}.${name} is no ${type}`);
			if (typeof cell === "bigint" && BigInt.asIntN(64, cell) !== cell)
				throw new Error(`${table.name}.${name} does not fit`);
			return [name, cell instanceof Uint8Array ? new Uint8Array(cell) : cell];
		}),
	) as Row;
}

function compare(a: Cell | undefined, b: Cell | undefined): number {
	if (typeof a === "bigint" && typeof b === "bigint")
		return a < b ? -1 : a > b ? 1 : 0;
	const [x, y] = [cellBytes(a as Cell), cellBytes(b as Cell)];
	return Buffer.compare(x, y);
}

function cellBytes(cell: Cell): Uint8Array {
	return typeof cell === "string" ? utf8(cell) : (cell as Uint8Array);
}

function cellText(cell: Cell): string {
	return cell instanceof Uint8Array ? hex(cell) : String(cell);
}

function textOf(row: Row): string {
	return Object.entries(row)
		.map(([name, cell]) => `${name}=${cellText(cell)}`)
		.join(" ");
}
