import { setTimeout as delay } from "node:timers/promises";
import { TetradError } from "../errors.ts";
import type { Row, Store, Transaction } from "../machine/index.ts";
import {
	type CheckedRead,
	type CheckedWrite,
	checkRead,
	checkWrites,
	type SqlValue,
	StepCount,
} from "./checks.ts";
import {
	type AnyTable,
	checkMeta,
	Declared,
	SCHEMA_VERSION,
} from "./declared.ts";
import {
	DurableStore,
	type Engine,
	type TransactionOutcome,
} from "./durable-store.ts";
import {
	BATCH_MS,
	LAST_SESSION_MS,
	LOCK_MS,
	MAX_CONFLICTS,
	MAX_NAME_LETTERS,
} from "./limits.ts";
import {
	type Answer,
	isServerError,
	PostgresClient,
	type Settings,
} from "./postgres-client.ts";
import { type PostgresTarget, parsePostgresUrl } from "./postgres-url.ts";
import type { Snapshot } from "./snapshot.ts";
import {
	createStatements,
	type Dialect,
	quoted,
	type Statement,
	selectStatement,
	writeStatement,
} from "./sql.ts";

/** Where a store on PostgreSQL is, and what it holds. */
export interface PostgresStoreOptions {
	/** As in `postgres://user:password@host:5432/database`; the password is never repeated. */
	readonly url: string;
	readonly tables: readonly AnyTable[];
	/** The schema that holds the tables, made if it is not there; `tetrad` unless given. */
	readonly schema?: string;
	/** Takes a server that may lose what it acknowledged when its machine fails. */
	readonly unsafeServerWithoutFsync?: boolean;
}

/**
 * Opens a store in a schema of PostgreSQL. Throws `busy` when somebody else has it open,
 * `invalid-argument` for an address of another form, and `store-failed` when the server is not
 * there or not durable, or the schema holds something else.
 */
export async function openPostgresStore({
	url,
	tables,
	schema = "tetrad",
	unsafeServerWithoutFsync = false,
}: PostgresStoreOptions): Promise<Store> {
	const declared = new Declared(tables);
	if (!/^[a-z_]+$/.test(schema) || schema.length > MAX_NAME_LETTERS)
		throw new TetradError(
			"invalid-argument",
			`the name of a schema has at most ${MAX_NAME_LETTERS} small letters and underscores`,
		);
	const target = parsePostgresUrl(url);
	const client = await PostgresClient.open(target, WRITER);
	const place = { target, schema, dialect: postgresDialect(schema) };
	try {
		await checkServer(client, target, unsafeServerWithoutFsync);
		await takeLock(client, place);
		await prepareTables(client, place, declared);
	} catch (thrown) {
		await client.close();
		throw isServerError(thrown) ? refusedBy(target, thrown) : thrown;
	}
	const store = new DurableStore(new PostgresEngine(client, place, declared));
	void client.lost.then((why) => {
		if (why.code === "store-failed") store.fail(why);
	});
	return store;
}

interface SchemaAt {
	readonly target: PostgresTarget;
	readonly schema: string;
	readonly dialect: Dialect;
}

const WRITER: Settings = {
	synchronous_commit: "on",
	default_transaction_isolation: "serializable",
	lock_timeout: `${LOCK_MS}`,
	// Nothing but a process that stands still leaves a transaction idle for so long.
	idle_in_transaction_session_timeout: `${BATCH_MS}`,
	idle_session_timeout: "0",
};

const READER: Settings = {
	idle_in_transaction_session_timeout: "0",
};

/** No declared name has a colon. */
const META = "store:meta";

function postgresDialect(schema: string): Dialect {
	return {
		parameter: (number) => `$${number}`,
		table: (name) => `${quoted(schema)}.${quoted(name)}`,
		column: ({ name, type }) =>
			`${quoted(name)} ${{ bytes: "bytea", integer: "bigint", text: 'text COLLATE "C"' }[type]} NOT NULL`,
		hint: () => "",
		options: () => "",
	};
}

async function checkServer(
	client: PostgresClient,
	{ where }: PostgresTarget,
	unsafe: boolean,
): Promise<void> {
	const { rows } = await client.ask(
		`SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes',
			'data_sync_retry', 'synchronous_commit', 'server_encoding', 'transaction_read_only')`,
	);
	const settings = new Map(rows.map(({ name, setting }) => [name, setting]));
	const wants: readonly (readonly [string, string])[] = [
		["transaction_read_only", "off"],
		["server_encoding", "UTF8"],
		["synchronous_commit", "on"],
		...(unsafe
			? []
			: ([
					["fsync", "on"],
					["full_page_writes", "on"],
					// After a failed fsync the server must stop and recover, and not try again.
					["data_sync_retry", "off"],
				] as const)),
	];
	for (const [name, wanted] of wants)
		if (settings.get(name) !== wanted)
			throw new TetradError(
				"store-failed",
				`${where} has ${name} = ${settings.get(name)}, and a store needs ${name} = ${wanted}: change it, or use another server`,
			);
}

/** The lock is the session's: it is gone when the connection is, however that ends. */
async function takeLock(
	client: PostgresClient,
	{ target, schema }: SchemaAt,
): Promise<void> {
	const since = performance.now();
	for (;;) {
		const { rows } = await client.run({
			text: "SELECT pg_try_advisory_lock(hashtextextended($1, 0))::text AS taken",
			values: [`tetrad store ${schema}`],
		});
		if (rows[0]?.["taken"] === "true") return;
		// The server may still be ending the session of a process that was killed.
		if (performance.now() - since > LAST_SESSION_MS)
			throw new TetradError(
				"busy",
				`the schema ${schema} of ${target.where} is in use by another process, or a second time by this one; a store is open once: close the other first`,
			);
		await delay(20);
	}
}

/** Makes the tables of a new store, or checks those of one that is there. */
async function prepareTables(
	client: PostgresClient,
	{ target, schema, dialect }: SchemaAt,
	declared: Declared,
): Promise<void> {
	const where = `the schema ${schema} of ${target.where}`;
	await client.ask("BEGIN");
	const found = await client.run({
		text: `SELECT (to_regnamespace($1) IS NOT NULL)::text AS there,
			(SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace($1)) AS entries,
			(to_regclass($2) IS NOT NULL)::text AS ours`,
		values: [quoted(schema), dialect.table(META)],
	});
	const { there, entries, ours } = found.rows[0] ?? {};
	if (ours === "true") {
		const { rows } = await client.ask(
			`SELECT name, value FROM ${dialect.table(META)}`,
		);
		const meta = rows.map(
			({ name, value }) => [`${name}`, `${value}`] as const,
		);
		checkMeta(where, new Map(meta), declared);
	} else if (entries !== 0n)
		throw new TetradError(
			"store-failed",
			`${where} has tables of another program; name a schema of its own for the store`,
		);
	else {
		if (there !== "true") await client.ask(`CREATE SCHEMA ${quoted(schema)}`);
		for (const table of declared.all)
			for (const text of createStatements(dialect, table))
				await client.ask(text);
		await client.ask(
			`CREATE TABLE ${dialect.table(META)} (name text PRIMARY KEY, value text NOT NULL)`,
		);
		await client.run({
			text: `INSERT INTO ${dialect.table(META)} VALUES ('version', $1), ('tables', $2)`,
			values: [SCHEMA_VERSION, declared.describe()],
		});
	}
	checkCommitted(await client.ask("COMMIT"), target);
}

/** Throws unless the server says COMMIT: to an aborted transaction it says ROLLBACK. */
function checkCommitted({ did }: Answer, { where }: PostgresTarget): void {
	if (did !== "COMMIT")
		throw new TetradError(
			"store-failed",
			`${where} answered COMMIT with ${did}; open the store again to see what is there`,
		);
}

/** One statement that failed, and the transaction of the batch that it belongs to. */
class Failed extends Error {
	readonly at: number;

	constructor(at: number, cause: unknown) {
		super("a statement failed", { cause });
		this.at = at;
	}
}

/** For statements that belong to no transaction. */
const NOBODY = -1;

class PostgresEngine implements Engine {
	readonly declared: Declared;
	readonly #client: PostgresClient;
	readonly #place: SchemaAt;

	constructor(client: PostgresClient, place: SchemaAt, declared: Declared) {
		this.#client = client;
		this.#place = place;
		this.declared = declared;
	}

	/**
	 * Runs the batch in one transaction of the database, again from its start when another writer
	 * got in its way, or without the one whose write the server refused. That is simpler than
	 * savepoints, which cost all of them for the sake of a mistake.
	 */
	async carryOut(
		batch: readonly Transaction<unknown>[],
	): Promise<TransactionOutcome[]> {
		const refused = new Map<number, TetradError>();
		let conflicts = 0;
		for (;;) {
			const failed = await this.#within(BATCH_MS, () =>
				this.#attempt(batch, refused).catch((thrown: unknown) => {
					if (thrown instanceof Failed) return thrown;
					throw thrown;
				}),
			);
			if (!(failed instanceof Failed)) return failed;
			const { at, cause } = failed;
			if (!isServerError(cause)) throw cause;
			// Only a server that answers is known to have rolled back.
			await this.#within(BATCH_MS, () => this.#client.ask("ROLLBACK"));
			if (isConflict(cause) && ++conflicts <= MAX_CONFLICTS)
				await delay(Math.random() * 2 ** conflicts);
			else if (isRefusal(cause) && at !== NOBODY)
				refused.set(at, notTaken(cause));
			else throw refusedBy(this.#place.target, cause);
		}
	}

	async snapshot(): Promise<Snapshot> {
		const client = await PostgresClient.open(this.#place.target, READER);
		const snapshot = new PostgresSnapshot(client, this.#place);
		try {
			// The first read, not BEGIN, fixes the moment.
			await client.ask(
				"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1",
			);
			return snapshot;
		} catch (thrown) {
			await snapshot.close();
			throw isServerError(thrown)
				? refusedBy(this.#place.target, thrown)
				: thrown;
		}
	}

	close(): Promise<void> {
		return this.#client.close();
	}

	/** Gives the connection up when it takes longer, and does not wait for one that is lost. */
	async #within<Result>(
		ms: number,
		work: () => Promise<Result>,
	): Promise<Result> {
		const { where } = this.#place.target;
		const { promise, reject } = Promise.withResolvers<never>();
		const late = setTimeout(() => {
			const why = new TetradError(
				"store-failed",
				`${where} did not answer within ${ms / 1000} seconds; open the store again to see what is there`,
			);
			this.#client.giveUp(why);
			reject(why);
		}, ms);
		try {
			return await Promise.race([work(), promise]);
		} finally {
			clearTimeout(late);
		}
	}

	/** Waits for what is read only: of what is written the server tells at the next wait. */
	async #attempt(
		batch: readonly Transaction<unknown>[],
		refused: ReadonlyMap<number, TetradError>,
	): Promise<TransactionOutcome[]> {
		const sending = new Sending(this.#client);
		const outcomes: TransactionOutcome[] = [];
		sending.ask("BEGIN");
		for (const [at, transaction] of batch.entries()) {
			const why = refused.get(at);
			outcomes.push(
				why === undefined
					? await this.#outcome(sending, at, transaction)
					: { kind: "rejected", why },
			);
		}
		checkCommitted(await sending.commit(), this.#place.target);
		return outcomes;
	}

	async #outcome(
		sending: Sending,
		at: number,
		transaction: Transaction<unknown>,
	): Promise<TransactionOutcome> {
		const steps = new StepCount();
		let step = transaction;
		let writes: CheckedWrite[];
		try {
			while (step.kind === "read") {
				steps.next(step);
				const statements = step.reads.map((read) =>
					selectStatement(this.#place.dialect, checkRead(this.declared, read)),
				);
				step = step.decide(await sending.rows(at, statements));
			}
			writes = checkWrites(this.declared, step.writes);
		} catch (why) {
			if (why instanceof Failed) throw why;
			return { kind: "rejected", why };
		}
		for (const write of writes)
			sending.run(at, writeStatement(this.#place.dialect, write));
		return { kind: "done", result: step.result };
	}
}

/** Statements on their way, in order. The first that fails is why the later ones do. */
class Sending {
	failed: Failed | undefined;
	readonly #client: PostgresClient;

	constructor(client: PostgresClient) {
		this.#client = client;
	}

	/** Sends without waiting. */
	ask(text: string): void {
		this.#watch(NOBODY, this.#client.ask(text)).catch(() => {});
	}

	/** Sends without waiting. */
	run(at: number, statement: Statement): void {
		this.#watch(at, this.#client.run(statement)).catch(() => {});
	}

	/** Throws what failed first, here or before. */
	async rows(at: number, statements: readonly Statement[]): Promise<Row[][]> {
		const answers = await Promise.all(
			statements.map((statement) =>
				this.#watch(at, this.#client.run(statement)),
			),
		);
		if (this.failed !== undefined) throw this.failed;
		return answers.map(({ rows }) => rows);
	}

	/** Throws what failed first, here or before. */
	async commit(): Promise<Answer> {
		const answer = await this.#watch(NOBODY, this.#client.ask("COMMIT"));
		if (this.failed !== undefined) throw this.failed;
		return answer;
	}

	async #watch(at: number, answer: Promise<Answer>): Promise<Answer> {
		try {
			return await answer;
		} catch (thrown) {
			this.failed ??= new Failed(at, thrown);
			throw this.failed;
		}
	}
}

class PostgresSnapshot implements Snapshot {
	readonly #client: PostgresClient;
	readonly #place: SchemaAt;

	constructor(client: PostgresClient, place: SchemaAt) {
		this.#client = client;
		this.#place = place;
	}

	async rows(read: CheckedRead, after?: readonly SqlValue[]): Promise<Row[]> {
		try {
			const statement = selectStatement(this.#place.dialect, read, after);
			return (await this.#client.run(statement)).rows;
		} catch (thrown) {
			throw isServerError(thrown)
				? refusedBy(this.#place.target, thrown)
				: thrown;
		}
	}

	close(): Promise<void> {
		return this.#client.close();
	}
}

type ServerError = Error & { readonly code: string };

/** serialization_failure and deadlock_detected. */
function isConflict({ code }: ServerError): boolean {
	return code === "40001" || code === "40P01";
}

/** The data of one statement was refused: data_exception, a constraint, a limit of the program. */
function isRefusal({ code }: ServerError): boolean {
	return /^(22|23|54)/.test(code);
}

function notTaken(cause: ServerError): TetradError {
	return new TetradError(
		"internal",
		"a row was to be inserted whose key is there, or which PostgreSQL does not take",
		{ cause },
	);
}

/** What the server's refusal of a whole batch means, once it has rolled back. */
function refusedBy({ where }: PostgresTarget, cause: ServerError): TetradError {
	const { code, message } = cause;
	// insufficient_resources, of which too_many_connections comes only before a transaction
	if (code.startsWith("53"))
		return new TetradError(
			"store-full",
			`${where} has no room (${message}); nothing was written: make room there, and the store goes on`,
			{ cause },
		);
	if (isConflict(cause) || code === "55P03")
		return new TetradError(
			"busy",
			`another program writes to the store at ${where}; nothing was written: end that program`,
			{ cause },
		);
	return new TetradError(
		"store-failed",
		`${where} refused (${code}: ${message}); check the server, then open the store again to see what is there`,
		{ cause },
	);
}
