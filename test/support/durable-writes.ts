import { type FileHandle, open } from "node:fs/promises";
import { DatabaseSync, StatementSync } from "node:sqlite";

/** Rows that one COMMIT made durable, by their table. */
export type Commit = ReadonlyMap<string, number>;

const CHANGE = /^(?:INSERT INTO|DELETE FROM) "([a-z_]+)"/;

/**
 * Counts what a process makes durable, from the outside: each COMMIT of SQLite that has changed
 * something, by the path of its database, and each file or folder that is synced. It sees the
 * databases that are opened while it looks.
 */
export class DurableWrites implements Disposable {
	/** In order. */
	readonly #commits: { readonly path: string; readonly rows: Commit }[] = [];
	#synced = 0;
	readonly #stop: () => void;

	private constructor(watch: (into: Into) => () => void) {
		const changed = new WeakMap<DatabaseSync, Map<string, number>>();
		this.#stop = watch({
			changes: (database, table) => {
				const rows = changed.get(database) ?? new Map<string, number>();
				changed.set(database, rows.set(table, (rows.get(table) ?? 0) + 1));
			},
			commits: (database) => {
				const rows = changed.get(database);
				if (rows === undefined) return;
				changed.delete(database);
				this.#commits.push({ path: database.location() ?? "", rows });
			},
			syncs: () => this.#synced++,
		});
	}

	static async watch(): Promise<DurableWrites> {
		await using file = await open(import.meta.filename, "r");
		const handles = Object.getPrototypeOf(file) as FileHandle;
		return new DurableWrites((into) => watch(handles, into));
	}

	/** Those of the databases whose path ends so. */
	commits(end: string): readonly Commit[] {
		return this.#commits
			.filter(({ path }) => path.endsWith(end))
			.map(({ rows }) => rows);
	}

	/** Files and folders, which are no databases. */
	get synced(): number {
		return this.#synced;
	}

	/** Counts from nothing. */
	reset(): void {
		this.#commits.length = 0;
		this.#synced = 0;
	}

	[Symbol.dispose](): void {
		this.#stop();
	}
}

interface Into {
	readonly changes: (database: DatabaseSync, table: string) => void;
	readonly commits: (database: DatabaseSync) => void;
	readonly syncs: () => void;
}

/** Answers with what puts everything back. */
function watch(handles: FileHandle, into: Into): () => void {
	const { exec, prepare } = DatabaseSync.prototype;
	const { run } = StatementSync.prototype;
	const { sync } = handles;
	const databases = new WeakMap<StatementSync, DatabaseSync>();
	DatabaseSync.prototype.prepare = function (this: DatabaseSync, ...of) {
		const statement = prepare.apply(this, of);
		databases.set(statement, this);
		return statement;
	};
	DatabaseSync.prototype.exec = function (this: DatabaseSync, text) {
		exec.call(this, text);
		if (text === "COMMIT") into.commits(this);
	};
	StatementSync.prototype.run = function (
		this: StatementSync,
		...values: Parameters<typeof run>
	) {
		const [, table] = CHANGE.exec(this.sourceSQL) ?? [];
		const database = databases.get(this);
		if (table !== undefined && database !== undefined)
			into.changes(database, table);
		return run.apply(this, values);
	} as typeof run;
	handles.sync = function (this: FileHandle) {
		into.syncs();
		return sync.call(this);
	};
	return () => {
		Object.assign(DatabaseSync.prototype, { exec, prepare });
		StatementSync.prototype.run = run;
		handles.sync = sync;
	};
}
