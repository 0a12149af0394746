import { DatabaseSync, type StatementSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { TetradError } from "../errors.ts";
import type { Row, Schema, Store, Transaction } from "../machine/index.ts";
import {
	type CheckedRead,
	type CheckedWrite,
	checkRead,
	checkWrites,
	type SqlValue,
	StepCount,
} from "./checks.ts";
import type { Declared } from "./declared.ts";
import {
	DurableStore,
	type Engine,
	type TransactionOutcome,
} from "./durable-store.ts";
import { History } from "./history.ts";
import {
	FOREIGN_WRITER_MS,
	LOOK_EVERY_MS,
	MADE_WITHIN_MS,
	MAX_IDLE_LOG_BYTES,
	MAX_STATEMENTS,
} from "./limits.ts";
import {
	META,
	type Meta,
	newestMeta,
	requireNewest,
	versionIn,
} from "./meta.ts";
import { type Migrating, makeTables, migrate } from "./migrate.ts";
import {
	type Snapshot,
	Snapshots,
	type StoreView,
	viewOf,
} from "./snapshot.ts";
import {
	type Dialect,
	indexName,
	quoted,
	type Statement,
	selectStatement,
	writeStatement,
} from "./sql.ts";
import { copyAside, snapshotInto } from "./sqlite-copy.ts";
import { isRefusal, openingError, storeError } from "./sqlite-errors.ts";
import {
	makePrivateFile,
	realPath,
	requirePrivateFile,
} from "./sqlite-file.ts";
import { StoreLock } from "./sqlite-lock.ts";
import { realTables } from "./sqlite-tables.ts";

/** Where a store on SQLite is, and what it holds. */
export interface SqliteStoreOptions {
	/** A file, made if it is not there, in a folder that is; or `:memory:`, which is not durable. */
	readonly path: string;
	readonly schema: Schema;
}

/** What a look at a store takes. */
export interface SqliteSnapshotOptions extends SqliteStoreOptions {
	/** The command that opens the store for writing; whoever looks at one of an older version is told it. */
	readonly command?: string;
}

/**
 * Opens a store in a file of SQLite, and reads the whole file once to see that its pages are
 * sound. One of an older version of the schema is brought to the newest, and a copy of it is kept
 * beside it (docs/stores.md). Throws `busy` when somebody else has it open, `store-full` when there
 * is no room to make or to copy it, and `store-failed` when it is no store, is of a newer version,
 * has other tables, or cannot be used.
 *
 * @example
 * ```ts
 * import { done, openSqliteStore, put, schema, table } from "tetrad/store";
 *
 * const ORDERS = table("orders", { id: "integer", item: "text" }, ["id"]);
 * const shop = schema("shop", [ORDERS]);
 * await using store = await openSqliteStore({ path: ":memory:", schema: shop });
 * await store.transact(done([put(ORDERS, { id: 1n, item: "a book" })], undefined));
 * ```
 */
export async function openSqliteStore({
	path,
	schema,
}: SqliteStoreOptions): Promise<Store> {
	const history = new History(schema);
	if (path === MEMORY) {
		const database = openDatabase(path, false);
		await prepareTables(path, database, history);
		return new DurableStore(new SqliteEngine(path, database, history));
	}
	const real = await realPath(path);
	const lock = await StoreLock.take(real);
	let database: DatabaseSync | undefined;
	try {
		await makePrivateFile(real);
		await requirePrivateFile(real, "write");
		database = openDatabase(real, false);
		checkSound(real, database);
		// Before anything is changed in it.
		if (!isEmpty(database)) requireTables(real, database, history);
		makeDurable(real, database);
		await prepareTables(real, database, history);
		return new DurableStore(new SqliteEngine(real, database, history, lock));
	} catch (thrown) {
		closeQuietly(database);
		lock[Symbol.dispose]();
		throw openingError(real, thrown);
	}
}

/**
 * Opens a store for looking only, also while another process has it open for writing. Throws
 * `store-failed` when there is none, or it is of another version or has other tables.
 */
export async function openSqliteSnapshot({
	path,
	schema,
	command,
}: SqliteSnapshotOptions): Promise<StoreView> {
	const history = new History(schema);
	const real = await realPath(path);
	await requirePrivateFile(real, "read");
	const take = async () => new SqliteSnapshot(real, history, command);
	await untilMade(real);
	await (await take()).close();
	return viewOf(new Snapshots(history.newest, take));
}

/**
 * Waits while the file is there and nothing is in it: whoever opens a store for the first time is
 * making its tables. Throws `store-failed` when they do not come.
 */
async function untilMade(path: string): Promise<void> {
	const until = performance.now() + MADE_WITHIN_MS;
	while (hasNothing(path)) {
		if (performance.now() >= until)
			throw new TetradError(
				"store-failed",
				`${path} has nothing in it yet; its device makes it when it starts`,
			);
		await pause(LOOK_EVERY_MS);
	}
}

function hasNothing(path: string): boolean {
	const database = openDatabase(path, true);
	try {
		return isEmpty(database);
	} catch (thrown) {
		throw openingError(path, thrown);
	} finally {
		closeQuietly(database);
	}
}

/**
 * Writes what the store at `path` holds at one moment into a new file, also while another process
 * has it open. Throws as opening a store does, and leaves nothing at `copy` then.
 */
export async function copySqliteStore(
	path: string,
	copy: string,
): Promise<void> {
	const real = await realPath(path);
	await requirePrivateFile(real, "read");
	await snapshotInto(real, copy, (path) => openDatabase(path, true));
}

const MEMORY = ":memory:";

const SQLITE: Dialect = {
	parameter: () => "?",
	table: quoted,
	column: ({ name, type }) =>
		`${quoted(name)} ${{ bytes: "BLOB", integer: "INTEGER", text: "TEXT" }[type]} NOT NULL`,
	hint: (table, index) => `INDEXED BY ${quoted(indexName(table, index))}`,
	// Rows live in the tree of their key, unless they hold bytes that would make it a slow one.
	options: ({ columns, key }) =>
		columns.some(({ name, type }) => type === "bytes" && !key.includes(name))
			? " STRICT"
			: " STRICT, WITHOUT ROWID",
	// Where a parameter by itself is the limit, the statement is compiled again whenever it is bound.
	limit: (parameter) => `0 + ${parameter}`,
	literal: (value) => {
		if (typeof value === "bigint") return `${value}`;
		return typeof value === "string"
			? `'${value.replaceAll("'", "''")}'`
			: `x'${Buffer.from(value).toString("hex")}'`;
	},
	keepsDefaults: true,
	metaColumns:
		'("name" TEXT PRIMARY KEY, "value" TEXT NOT NULL) STRICT, WITHOUT ROWID',
};

function openDatabase(path: string, readOnly: boolean): DatabaseSync {
	try {
		const database = new DatabaseSync(path, {
			readOnly,
			timeout: FOREIGN_WRITER_MS,
			readBigInts: true,
			returnArrays: true,
		});
		// What rolls one transaction of a batch back needs no file of its own.
		database.exec("PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF");
		return database;
	} catch (thrown) {
		throw storeError(path, thrown);
	}
}

function firstRow(database: DatabaseSync, text: string): readonly unknown[] {
	return (database.prepare(text).get() ?? []) as unknown as unknown[];
}

function isEmpty(database: DatabaseSync): boolean {
	return firstRow(database, "SELECT count(*) FROM sqlite_schema")[0] === 0n;
}

function checkSound(path: string, database: DatabaseSync): void {
	const [sound] = firstRow(database, "PRAGMA quick_check(1)");
	if (sound !== "ok")
		throw new TetradError(
			"store-failed",
			`${path} is damaged (${String(sound).replaceAll("\n", " ")}); keep a copy of it, and restore a backup`,
		);
}

function makeDurable(path: string, database: DatabaseSync): void {
	const [mode] = firstRow(database, "PRAGMA journal_mode = WAL");
	if (mode !== "wal")
		throw new TetradError(
			"store-failed",
			`${path} lies where SQLite cannot keep a write-ahead log; move it to a disk of this machine`,
		);
	// A Mac brings nothing past the cache of its disk unless it is told to.
	database.exec(
		"PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON",
	);
	database.exec(`PRAGMA journal_size_limit = ${MAX_IDLE_LOG_BYTES}`);
}

/** Makes the tables of a new store, or brings those of one that is there to the newest version. */
async function prepareTables(
	path: string,
	database: DatabaseSync,
	history: History,
): Promise<void> {
	const { newest } = history;
	const migrating = new MigratingSqlite(database);
	// Nobody writes from here on, so that the copy has what is changed.
	database.exec("BEGIN IMMEDIATE");
	if (isEmpty(database))
		await makeTables(migrating, SQLITE, newest, newestMeta(history));
	else {
		const version = versionIn(path, readMeta(path, database), history);
		const declared = history.tablesOf(version);
		if (declared !== undefined && version !== history.version) {
			const open = (of: string) => openDatabase(of, true);
			await copyAside({ path, version, declared, open });
			await migrate(migrating, SQLITE, history, version);
		}
	}
	database.exec("COMMIT");
}

/** One that is in a transaction. */
class MigratingSqlite implements Migrating {
	readonly #statements: Statements;

	constructor(database: DatabaseSync) {
		this.#statements = new Statements(database);
	}

	async run(statement: Statement): Promise<void> {
		try {
			this.#statements.run(statement);
		} catch (cause) {
			if (!isRefusal(cause)) throw cause;
			throw new TetradError(
				"internal",
				"a row of the next version has a key that is there, or is one that SQLite does not take; nothing was changed",
				{ cause },
			);
		}
	}

	async rows(read: CheckedRead, after?: readonly SqlValue[]): Promise<Row[]> {
		return this.#statements.rows(read, after);
	}
}

function readMeta(path: string, database: DatabaseSync): Meta {
	const [ours] = firstRow(
		database,
		`SELECT count(*) FROM sqlite_schema WHERE name = '${META}'`,
	);
	if (ours !== 1n)
		throw new TetradError(
			"store-failed",
			`${path} is a database of another program; name a file of its own for the store`,
		);
	const rows = database.prepare(`SELECT name, value FROM ${quoted(META)}`);
	return new Map(rows.all() as unknown as [string, string][]);
}

/** The version of a store, whose tables are those of that version by what it says of itself, and by what they are. Throws as `versionIn`. */
function requireTables(
	path: string,
	database: DatabaseSync,
	history: History,
): Meta {
	const meta = readMeta(path, database);
	versionIn(path, meta, history);
	const real = new Map([...meta, ["tables", realTables(database)]]);
	versionIn(path, real, history);
	return meta;
}

function closeQuietly(database: DatabaseSync | undefined): void {
	try {
		if (database?.isOpen === true) database.close();
	} catch {
		// What was acknowledged is in the write-ahead log, where the next opener finds it.
	}
}

/** Prepared statements by their text, which says their shape. */
class Statements {
	readonly #database: DatabaseSync;
	readonly #prepared = new Map<string, StatementSync>();

	constructor(database: DatabaseSync) {
		this.#database = database;
	}

	rows(read: CheckedRead, after?: readonly SqlValue[]): Row[] {
		const { text, values } = selectStatement(SQLITE, read, after);
		const found = this.#prepare(text).all(...values) as unknown as SqlValue[][];
		const names = read.table.columns.map(({ name }) => name);
		return found.map((row) => {
			const named: Record<string, SqlValue> = {};
			for (const [at, name] of names.entries())
				named[name] = row[at] as SqlValue;
			return named;
		});
	}

	run({ text, values }: Statement): void {
		this.#prepare(text).run(...values);
	}

	#prepare(text: string): StatementSync {
		const known = this.#prepared.get(text);
		if (known !== undefined) return known;
		if (this.#prepared.size >= MAX_STATEMENTS) this.#prepared.clear();
		const statement = this.#database.prepare(text);
		this.#prepared.set(text, statement);
		return statement;
	}
}

class SqliteEngine implements Engine {
	readonly declared: Declared;
	readonly #history: History;
	readonly #path: string;
	readonly #database: DatabaseSync;
	readonly #statements: Statements;
	readonly #lock: StoreLock | undefined;

	constructor(
		path: string,
		database: DatabaseSync,
		history: History,
		lock?: StoreLock,
	) {
		this.#path = path;
		this.#database = database;
		this.#statements = new Statements(database);
		this.#history = history;
		this.declared = history.newest;
		this.#lock = lock;
	}

	async carryOut(
		batch: readonly Transaction<unknown>[],
	): Promise<TransactionOutcome[]> {
		try {
			return this.#tryWhole(batch) ?? this.#withSavepoints(batch);
		} catch (thrown) {
			const why = storeError(this.#path, thrown);
			if (why.code !== "store-failed") this.#rollBack();
			throw why;
		}
	}

	/**
	 * Without savepoints, each of which costs a copy of every page that its transaction changes.
	 * Answers nothing, and has changed nothing, when a row is refused after another one of the same
	 * transaction was written, which is a mistake in our own code.
	 */
	#tryWhole(
		batch: readonly Transaction<unknown>[],
	): TransactionOutcome[] | undefined {
		const outcomes: TransactionOutcome[] = [];
		this.#database.exec("BEGIN IMMEDIATE");
		for (const transaction of batch) {
			const outcome = this.#outcome(transaction, (writes) => this.#put(writes));
			if (outcome === "half-written") {
				this.#database.exec("ROLLBACK");
				return undefined;
			}
			outcomes.push(outcome);
		}
		this.#database.exec("COMMIT");
		return outcomes;
	}

	#withSavepoints(
		batch: readonly Transaction<unknown>[],
	): TransactionOutcome[] {
		this.#database.exec("BEGIN IMMEDIATE");
		const outcomes = batch.map((transaction) =>
			this.#outcome(transaction, (writes) => this.#putOrUndo(writes)),
		);
		this.#database.exec("COMMIT");
		return outcomes;
	}

	async snapshot(): Promise<Snapshot> {
		return this.#path === MEMORY
			? MemorySnapshot.take(this.#database, this.#history)
			: new SqliteSnapshot(this.#path, this.#history, undefined);
	}

	async close(): Promise<void> {
		closeQuietly(this.#database);
		this.#lock?.[Symbol.dispose]();
	}

	/** After a full disk SQLite may have rolled back by itself. */
	#rollBack(): void {
		try {
			if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
		} catch (thrown) {
			throw new TetradError(
				"store-failed",
				`${this.#path} could not be brought back to what it was; open it again to see what is there`,
				{ cause: thrown },
			);
		}
	}

	#outcome<Refused>(
		transaction: Transaction<unknown>,
		write: (writes: readonly CheckedWrite[]) => Refused | undefined,
	): TransactionOutcome | Refused {
		const steps = new StepCount();
		let step = transaction;
		let writes: CheckedWrite[];
		try {
			while (step.kind === "read") {
				steps.next(step);
				step = step.decide(step.reads.map((read) => this.#rows(read)));
			}
			writes = checkWrites(this.declared, step.writes);
		} catch (why) {
			if (why instanceof ReadFailure) throw why.cause;
			return { kind: "rejected", why };
		}
		return write(writes) ?? { kind: "done", result: step.result };
	}

	#rows(read: Parameters<typeof checkRead>[1]): Row[] {
		const checked = checkRead(this.declared, read);
		try {
			return this.#statements.rows(checked);
		} catch (thrown) {
			throw new ReadFailure("a read failed", { cause: thrown });
		}
	}

	/** Why nothing of it is written, if so; or that a part of it is. */
	#put(
		writes: readonly CheckedWrite[],
	): TransactionOutcome | "half-written" | undefined {
		let written = 0;
		try {
			for (const write of writes) {
				this.#statements.run(writeStatement(SQLITE, write));
				written++;
			}
			return undefined;
		} catch (cause) {
			if (!isRefusal(cause)) throw cause;
			// One statement takes effect as a whole by itself.
			return written > 0 ? "half-written" : refusedRow(cause);
		}
	}

	/** Writes all of it or nothing, and then says why. */
	#putOrUndo(writes: readonly CheckedWrite[]): TransactionOutcome | undefined {
		this.#statements.run(SAVEPOINT);
		try {
			for (const write of writes)
				this.#statements.run(writeStatement(SQLITE, write));
		} catch (cause) {
			if (!isRefusal(cause)) throw cause;
			this.#database.exec("ROLLBACK TO one; RELEASE one");
			return refusedRow(cause);
		}
		this.#statements.run(RELEASE);
		return undefined;
	}
}

function refusedRow(cause: unknown): TransactionOutcome {
	return {
		kind: "rejected",
		why: new TetradError(
			"internal",
			"a row was to be inserted whose key is there, or which SQLite does not take",
			{ cause },
		),
	};
}

const SAVEPOINT: Statement = { text: "SAVEPOINT one", values: [] };
const RELEASE: Statement = { text: "RELEASE one", values: [] };

/** Tells a failure of the database from what a transaction throws. */
class ReadFailure extends Error {}

/** A reader of its own: in a write-ahead log it holds nobody up, and nobody changes what it sees. */
class SqliteSnapshot implements Snapshot {
	readonly #path: string;
	readonly #database: DatabaseSync;
	readonly #statements: Statements;

	constructor(path: string, history: History, command: string | undefined) {
		this.#path = path;
		this.#database = openDatabase(path, true);
		this.#statements = new Statements(this.#database);
		try {
			// The first read, not BEGIN, fixes the moment.
			this.#database.exec("BEGIN");
			const meta = requireTables(path, this.#database, history);
			requireNewest(path, meta, history, command);
		} catch (thrown) {
			closeQuietly(this.#database);
			throw openingError(path, thrown);
		}
	}

	async rows(read: CheckedRead, after?: readonly SqlValue[]): Promise<Row[]> {
		try {
			return this.#statements.rows(read, after);
		} catch (thrown) {
			throw storeError(this.#path, thrown);
		}
	}

	async close(): Promise<void> {
		closeQuietly(this.#database);
	}
}

/** A database in memory has no second reader: a snapshot is a copy. */
class MemorySnapshot implements Snapshot {
	readonly #copy = openDatabase(MEMORY, false);
	readonly #statements = new Statements(this.#copy);

	static async take(
		database: DatabaseSync,
		history: History,
	): Promise<MemorySnapshot> {
		const snapshot = new MemorySnapshot();
		await prepareTables(MEMORY, snapshot.#copy, history);
		snapshot.#fill(database, history.newest);
		return snapshot;
	}

	#fill(database: DatabaseSync, declared: Declared): void {
		for (const table of declared.all) {
			const names = table.columns.map(({ name }) => quoted(name)).join(", ");
			const all = `SELECT ${names} FROM ${quoted(table.name)}`;
			for (const row of database.prepare(all).iterate())
				this.#statements.run(
					writeStatement(SQLITE, {
						kind: "insert",
						table,
						values: row as unknown as SqlValue[],
					}),
				);
		}
	}

	async rows(read: CheckedRead, after?: readonly SqlValue[]): Promise<Row[]> {
		return this.#statements.rows(read, after);
	}

	async close(): Promise<void> {
		closeQuietly(this.#copy);
	}
}
