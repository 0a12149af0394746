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
	SHARE_WITHIN_MS,
	STANDBY_MS,
} from "./limits.ts";
import { META } from "./meta.ts";
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
	requireNewestTables,
	requireReadable,
} from "./postgres-tables.ts";
import { type PostgresTarget, parsePostgresUrl } from "./postgres-url.ts";
import {
	type Snapshot,
	Snapshots,
	type StoreView,
	viewOf,
} from "./snapshot.ts";
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
	/**
	 * Lets others open it meanwhile that say so, too: each sees at once what another has had acknowledged, and their
	 * steps take turns. The first brings an older version to the newest.
	 */
	readonly isShared?: boolean;
}

/** How a store on PostgreSQL is looked at. */
export interface PostgresSnapshotOptions
	extends Pick<PostgresStoreOptions, "url" | "schema" | "namespace"> {
	/** Opens the store for writing; it is named when the store has to be brought to another version first. */
	readonly command?: string;
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
	isShared = false,
	batchMs = BATCH_MS,
}: OpenOptions): Promise<Store> {
	const history = new History(schema);
	checkNamespace(namespace);
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
		const lock = await client.within(CONNECT_MS, () =>
			takeLock(client, place, isShared),
		);
		if (synchronous) await awaitStandby(client, target);
		if (lock === "shared")
			await client.within(CONNECT_MS, () =>
				requireNewestTables(client, place, history),
			);
		else await prepareTables(client, place, history, batchMs);
		if (lock === "own" && isShared)
			await client.within(CONNECT_MS, () => shareLock(client, place));
		// Not before: of a server on which no store could be opened nothing is missing elsewhere.
		if (toRemember !== undefined) await memory?.remember(toRemember);
	} catch (thrown) {
		await client.close();
		throw isServerError(thrown) ? refusedBy(target, thrown) : thrown;
	}
	const store = new DurableStore(
		new PostgresEngine(client, place, history.newest, {
			synchronous,
			isShared,
			batchMs,
		}),
	);
	void client.lost.then((why) => {
		if (why.code === "store-failed") store.fail(why);
	});
	return store;
}

/** What `openPostgresSnapshot` does, once what talks to a server is loaded. */
export async function openView({
	url,
	schema,
	namespace = "tetrad",
	command,
}: PostgresSnapshotOptions): Promise<StoreView> {
	const history = new History(schema);
	checkNamespace(namespace);
	const targets = parsePostgresUrl(url);
	const dialect = postgresDialect(namespace);
	const take = async () => {
		const { client, target } = await takeServer(targets, VIEWER, ANY_PRIMARY);
		const place = { target, namespace, dialect };
		const snapshot = new PostgresSnapshot(client, place, BATCH_MS);
		return begun(snapshot, client, place, () =>
			requireReadable(client, place, history, command),
		);
	};
	await (await take()).close();
	return viewOf(new Snapshots(history.newest, take));
}

function checkNamespace(namespace: string): void {
	if (/^[a-z_]+$/.test(namespace) && namespace.length <= MAX_NAME_LETTERS)
		return;
	throw new TetradError(
		"invalid-argument",
		`the name of a namespace has at most ${MAX_NAME_LETTERS} small letters and underscores`,
	);
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

const VIEWER: Settings = { ...DURABLE, ...READER };

/** Whoever only looks sees what is acknowledged on whichever server is written to. */
const ANY_PRIMARY = {
	unsafeWithoutFsync: true,
	synchronous: false,
	memory: undefined,
} as const;

/**
 * The lock is the session's: it is gone when the connection is, however that ends. Whoever shares
 * the store takes all of it first if it can: nobody else has it open then, and its tables may be
 * made or brought to another version.
 */
async function takeLock(
	client: PostgresClient,
	place: Namespace,
	isShared: boolean,
): Promise<"own" | "shared"> {
	const { target, namespace } = place;
	const since = performance.now();
	for (;;) {
		if (await tryLock(client, place, "pg_try_advisory_lock")) {
			if (isShared)
				await tryLock(client, place, "pg_try_advisory_lock", MAKING);
			return "own";
		}
		if (
			isShared &&
			(await tryLock(client, place, "pg_try_advisory_lock_shared"))
		)
			return "shared";
		// The server may still be ending the session of a process that was killed, or another process be making the tables.
		const patience = isShared ? SHARE_WITHIN_MS : LAST_SESSION_MS;
		if (performance.now() - since > patience)
			throw new TetradError(
				"busy",
				isShared && (await isBeingMade(client, place))
					? `another process that shares the namespace ${namespace} of ${target.where} is making its tables, or bringing them to the newest version, which takes long where they are large: let it finish, and start this one again then`
					: isShared
						? `the namespace ${namespace} of ${target.where} is in use by a process that shares it with nobody: close that one first`
						: `the namespace ${namespace} of ${target.where} is in use by another process, or a second time by this one; a store is open once: close the other first`,
			);
		await delay(20);
	}
}

/** From now on others may share it; there is no moment at which somebody could have it alone. */
async function shareLock(
	client: PostgresClient,
	place: Namespace,
): Promise<void> {
	await tryLock(client, place, "pg_try_advisory_lock_shared");
	await tryLock(client, place, "pg_advisory_unlock");
	await tryLock(client, place, "pg_advisory_unlock", MAKING);
}

/** Whether whoever has it alone does so only until its tables are made, and shares it then. */
async function isBeingMade(
	client: PostgresClient,
	place: Namespace,
): Promise<boolean> {
	if (!(await tryLock(client, place, "pg_try_advisory_lock_shared", MAKING)))
		return true;
	await tryLock(client, place, "pg_advisory_unlock_shared", MAKING);
	return false;
}

/** What the lock of a store is named after, and that of making the tables of one that is shared. */
const STORE = "tetrad store";
const MAKING = "tetrad store in the making";

async function tryLock(
	client: PostgresClient,
	{ namespace }: Namespace,
	by:
		| "pg_try_advisory_lock"
		| "pg_try_advisory_lock_shared"
		| "pg_advisory_unlock"
		| "pg_advisory_unlock_shared",
	of: typeof STORE | typeof MAKING = STORE,
): Promise<boolean> {
	const { rows } = await client.run({
		text: `SELECT ${by}(hashtextextended($1, 0))::text AS taken`,
		values: [`${of} ${namespace}`],
	});
	return rows[0]?.["taken"] === "true";
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
	readonly isShared: boolean;
	/** How long one batch may take. */
	readonly batchMs: number;
}

class PostgresEngine implements Engine {
	readonly declared: Declared;
	readonly #client: PostgresClient;
	readonly #place: Namespace;
	readonly #options: EngineOptions;
	/** Waits until it is this process's turn, which ends with the transaction. */
	readonly #turn: Statement;

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
		this.#turn = {
			text: `LOCK TABLE ${place.dialect.table(META)} IN SHARE ROW EXCLUSIVE MODE`,
			values: [],
		};
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
		return begun(snapshot, client, this.#place, () => client.ask("SELECT 1"));
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
		// Before the first read, which fixes what this transaction sees: nearly all write to one log, and would be run again and again.
		if (this.#options.isShared) sending.run(NOBODY, this.#turn);
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

/** A snapshot of this moment: the first read, not BEGIN, fixes it. */
async function begun(
	snapshot: PostgresSnapshot,
	client: PostgresClient,
	{ target }: Namespace,
	read: () => Promise<unknown>,
): Promise<PostgresSnapshot> {
	try {
		await client.within(CONNECT_MS, async () => {
			await client.ask("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
			await read();
		});
		return snapshot;
	} catch (thrown) {
		await snapshot.close();
		throw isServerError(thrown) ? refusedBy(target, thrown) : thrown;
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
