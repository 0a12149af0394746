import { setTimeout as delay } from "node:timers/promises";
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
	BATCH_MS,
	LAST_SESSION_MS,
	LOCK_MS,
	MAX_CONFLICTS,
	MAX_NAME_LETTERS,
} from "./limits.ts";
import {
	type Answer,
	isRefusal,
	isServerError,
	PostgresClient,
	type Settings,
} from "./postgres-client.ts";
import {
	checkCommitted,
	type Namespace,
	postgresDialect,
	prepareTables,
} from "./postgres-tables.ts";
import { type PostgresTarget, parsePostgresUrl } from "./postgres-url.ts";
import type { Snapshot } from "./snapshot.ts";
import { type Statement, selectStatement, writeStatement } from "./sql.ts";

/** Where a store on PostgreSQL is, and what it holds. */
export interface PostgresStoreOptions {
	/** As in `postgres://user:password@host:5432/database`; the password is never repeated. */
	readonly url: string;
	readonly schema: Schema;
	/** What PostgreSQL itself calls a schema: it holds the tables, and is made if it is not there; `tetrad` unless given. */
	readonly namespace?: string;
	/** Takes a server that may lose what it acknowledged when its machine fails. */
	readonly unsafeServerWithoutFsync?: boolean;
}

/** What `openPostgresStore` does, once what talks to a server is loaded. */
export async function openStore({
	url,
	schema,
	namespace = "tetrad",
	unsafeServerWithoutFsync = false,
}: PostgresStoreOptions): Promise<Store> {
	const history = new History(schema);
	if (!/^[a-z_]+$/.test(namespace) || namespace.length > MAX_NAME_LETTERS)
		throw new TetradError(
			"invalid-argument",
			`the name of a namespace has at most ${MAX_NAME_LETTERS} small letters and underscores`,
		);
	const target = parsePostgresUrl(url);
	const client = await PostgresClient.open(target, WRITER);
	const place = {
		target,
		namespace,
		dialect: postgresDialect(namespace),
	};
	try {
		await checkServer(client, target, unsafeServerWithoutFsync);
		await takeLock(client, place);
		await prepareTables(client, place, history);
	} catch (thrown) {
		await client.close();
		throw isServerError(thrown) ? refusedBy(target, thrown) : thrown;
	}
	const store = new DurableStore(
		new PostgresEngine(client, place, history.newest),
	);
	void client.lost.then((why) => {
		if (why.code === "store-failed") store.fail(why);
	});
	return store;
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
	{ target, namespace }: Namespace,
): Promise<void> {
	const since = performance.now();
	for (;;) {
		const { rows } = await client.run({
			text: "SELECT pg_try_advisory_lock(hashtextextended($1, 0))::text AS taken",
			values: [`tetrad store ${namespace}`],
		});
		if (rows[0]?.["taken"] === "true") return;
		// The server may still be ending the session of a process that was killed.
		if (performance.now() - since > LAST_SESSION_MS)
			throw new TetradError(
				"busy",
				`the namespace ${namespace} of ${target.where} is in use by another process, or a second time by this one; a store is open once: close the other first`,
			);
		await delay(20);
	}
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
	readonly #place: Namespace;

	constructor(client: PostgresClient, place: Namespace, declared: Declared) {
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
	readonly #place: Namespace;

	constructor(client: PostgresClient, place: Namespace) {
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
