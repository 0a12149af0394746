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
	CONNECT_MS,
	LAST_SESSION_MS,
	LOCK_MS,
	MAX_CONFLICTS,
	MAX_NAME_LETTERS,
	STANDBY_MS,
} from "./limits.ts";
import {
	isRefusal,
	isServerError,
	PostgresClient,
	type Settings,
} from "./postgres-client.ts";
import { isConflict, notTaken, refusedBy } from "./postgres-errors.ts";
import {
	checkStandbyNames,
	DURABLE,
	type PrimaryMemory,
	readStandbyNames,
	takeServer,
} from "./postgres-servers.ts";
import {
	type Namespace,
	postgresDialect,
	prepareTables,
} from "./postgres-tables.ts";
import { type PostgresTarget, parsePostgresUrl } from "./postgres-url.ts";
import type { Snapshot } from "./snapshot.ts";
import { type Statement, selectStatement, writeStatement } from "./sql.ts";

/** Where a store on PostgreSQL is, and what it holds. */
export interface PostgresStoreOptions {
	/**
	 * As in `postgres://user:password@host:5432/database`; the password is never repeated. Of
	 * several, as in `host:5432,other:5432`, the first is taken that can be written to.
	 */
	readonly url: string;
	readonly schema: Schema;
	/** What PostgreSQL itself calls a schema: it holds the tables, and is made if it is not there; `tetrad` unless given. */
	readonly namespace?: string;
	/** Takes a server that may lose what it acknowledged when its machine fails. */
	readonly unsafeServerWithoutFsync?: boolean;
	/**
	 * Takes no server whose commits do not wait for a standby, and acknowledges nothing that they
	 * did not wait for: then what was acknowledged outlives the primary. The role needs
	 * `pg_read_all_stats`.
	 */
	readonly synchronous?: boolean;
	/** Keeps on which primary a store was opened last, so that an earlier one that comes back is refused. */
	readonly memory?: PrimaryMemory;
}

interface OpenOptions extends PostgresStoreOptions {
	/** In the place of `BATCH_MS`. */
	readonly batchMs?: number;
}

/** What `openPostgresStore` does, once what talks to a server is loaded. */
export async function openStore({
	url,
	schema,
	namespace = "tetrad",
	unsafeServerWithoutFsync = false,
	synchronous = false,
	memory,
	batchMs = BATCH_MS,
}: OpenOptions): Promise<Store> {
	const history = new History(schema);
	if (!/^[a-z_]+$/.test(namespace) || namespace.length > MAX_NAME_LETTERS)
		throw new TetradError(
			"invalid-argument",
			`the name of a namespace has at most ${MAX_NAME_LETTERS} small letters and underscores`,
		);
	const taken = await takeServer(parsePostgresUrl(url), WRITER, {
		unsafeWithoutFsync: unsafeServerWithoutFsync,
		synchronous,
		memory,
	});
	const { target, client, toRemember } = taken;
	const place = {
		target,
		namespace,
		dialect: postgresDialect(namespace),
	};
	try {
		await client.within(CONNECT_MS, () => takeLock(client, place));
		if (synchronous) await awaitStandby(client, target);
		await prepareTables(client, place, history, batchMs);
		// Not before: of a server on which no store could be opened nothing is missing elsewhere.
		if (toRemember !== undefined) await memory?.remember(toRemember);
	} catch (thrown) {
		await client.close();
		throw isServerError(thrown) ? refusedBy(target, thrown) : thrown;
	}
	const store = new DurableStore(
		new PostgresEngine(client, place, history.newest, {
			synchronous,
			batchMs,
		}),
	);
	void client.lost.then((why) => {
		if (why.code === "store-failed") store.fail(why);
	});
	return store;
}

const WRITER: Settings = {
	...DURABLE,
	lock_timeout: `${LOCK_MS}`,
	// Nothing but a process that stands still leaves a transaction idle for so long.
	idle_in_transaction_session_timeout: `${BATCH_MS}`,
	idle_session_timeout: "0",
};

const READER: Settings = {
	idle_in_transaction_session_timeout: "0",
};

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

/**
 * What is on the primary and was in doubt, because it or its standbys were lost while somebody
 * waited, looks like everything else to whoever opens the store now. The log is confirmed in its
 * order: once a standby has confirmed what is written to it here, it has all that came before.
 */
async function awaitStandby(
	client: PostgresClient,
	target: PostgresTarget,
): Promise<void> {
	await client.within(STANDBY_MS, async () => {
		await client.begin();
		await client.ask("SELECT pg_logical_emit_message(true, 'tetrad', '')");
		await client.commit();
		checkStandbyNames(await readStandbyNames(client), target);
	});
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

interface EngineOptions {
	readonly synchronous: boolean;
	/** How long one batch may take. */
	readonly batchMs: number;
}

class PostgresEngine implements Engine {
	readonly declared: Declared;
	readonly #client: PostgresClient;
	readonly #place: Namespace;
	readonly #options: EngineOptions;

	constructor(
		client: PostgresClient,
		place: Namespace,
		declared: Declared,
		options: EngineOptions,
	) {
		this.#client = client;
		this.#place = place;
		this.declared = declared;
		this.#options = options;
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
			const failed = await this.#client.within(this.#options.batchMs, () =>
				this.#attempt(batch, refused).catch((thrown: unknown) => {
					if (thrown instanceof Failed) return thrown;
					throw thrown;
				}),
			);
			if (!(failed instanceof Failed)) return failed;
			const { at, cause } = failed;
			if (!isServerError(cause)) throw cause;
			// Only a server that answers is known to have rolled back.
			await this.#client.within(this.#options.batchMs, () =>
				this.#client.ask("ROLLBACK"),
			);
			if (isConflict(cause) && ++conflicts <= MAX_CONFLICTS)
				await delay(Math.random() * 2 ** conflicts);
			else if (isRefusal(cause) && at !== NOBODY)
				refused.set(at, notTaken(cause));
			else throw refusedBy(this.#place.target, cause);
		}
	}

	async snapshot(): Promise<Snapshot> {
		const client = await PostgresClient.open(this.#place.target, READER);
		const { batchMs } = this.#options;
		const snapshot = new PostgresSnapshot(client, this.#place, batchMs);
		try {
			// The first read, not BEGIN, fixes the moment.
			await client.within(CONNECT_MS, () =>
				client.ask("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1"),
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

	/** Waits for what is read only: of what is written the server tells at the next wait. */
	async #attempt(
		batch: readonly Transaction<unknown>[],
		refused: ReadonlyMap<number, TetradError>,
	): Promise<TransactionOutcome[]> {
		const sending = new Sending(this.#client);
		const outcomes: TransactionOutcome[] = [];
		sending.begin();
		for (const [at, transaction] of batch.entries()) {
			const why = refused.get(at);
			outcomes.push(
				why === undefined
					? await this.#outcome(sending, at, transaction)
					: { kind: "rejected", why },
			);
		}
		const [, names] = await Promise.all([
			sending.commit(),
			// Whoever empties the setting sets free all who wait, as if they were confirmed.
			this.#options.synchronous ? readStandbyNames(this.#client) : undefined,
		]);
		if (this.#options.synchronous) checkStandbyNames(names, this.#place.target);
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
	begin(): void {
		this.#watch(NOBODY, this.#client.begin()).catch(() => {});
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
	async commit(): Promise<void> {
		await this.#watch(NOBODY, this.#client.commit());
		if (this.failed !== undefined) throw this.failed;
	}

	async #watch<Result>(at: number, answer: Promise<Result>): Promise<Result> {
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
	readonly #batchMs: number;

	constructor(client: PostgresClient, place: Namespace, batchMs: number) {
		this.#client = client;
		this.#place = place;
		this.#batchMs = batchMs;
	}

	async rows(read: CheckedRead, after?: readonly SqlValue[]): Promise<Row[]> {
		try {
			const statement = selectStatement(this.#place.dialect, read, after);
			const { rows } = await this.#client.within(this.#batchMs, () =>
				this.#client.run(statement),
			);
			return rows;
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
