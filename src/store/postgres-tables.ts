/* The tables of a store in a namespace of PostgreSQL: made, checked, copied, and brought to another version. */
import { TetradError } from "../errors.ts";
import type { Row } from "../machine/index.ts";
import type { CheckedRead, SqlValue } from "./checks.ts";
import type { Declared } from "./declared.ts";
import type { History } from "./history.ts";
import { BATCH_MS, MAX_COPIES, MIGRATION_MS } from "./limits.ts";
import {
	META,
	type Meta,
	newestMeta,
	requireNewest,
	versionIn,
} from "./meta.ts";
import { type Migrating, makeTables, migrate } from "./migrate.ts";
import {
	type Answer,
	isRefusal,
	isServerError,
	type PostgresClient,
} from "./postgres-client.ts";
import type { PostgresTarget } from "./postgres-url.ts";
import {
	type Dialect,
	quoted,
	type Statement,
	selectStatement,
} from "./sql.ts";

export interface Namespace {
	readonly target: PostgresTarget;
	readonly namespace: string;
	readonly dialect: Dialect;
}

export function postgresDialect(namespace: string): Dialect {
	return {
		parameter: (number) => `$${number}`,
		table: (name) => `${quoted(namespace)}.${quoted(name)}`,
		column: ({ name, type }) =>
			`${quoted(name)} ${{ bytes: "bytea", integer: "bigint", text: 'text COLLATE "C"' }[type]} NOT NULL`,
		hint: () => "",
		options: () => "",
		limit: (parameter) => parameter,
		// Whatever the server's settings make of quotes and backslashes.
		literal: (value) => {
			if (typeof value === "bigint") return `'${value}'::bigint`;
			const bytes = `decode('${Buffer.from(value as string).toString("hex")}', 'hex')`;
			return typeof value === "string"
				? `convert_from(${bytes}, 'UTF8')`
				: bytes;
		},
		keepsDefaults: false,
		metaColumns: "(name text PRIMARY KEY, value text NOT NULL)",
	};
}

/** Makes the tables of a new store within so many milliseconds, or brings those of one that is there to the newest version. */
export async function prepareTables(
	client: PostgresClient,
	place: Namespace,
	history: History,
	batchMs: number,
): Promise<void> {
	const version = await client.within(batchMs, () =>
		makeTablesUnlessThere(client, place, history),
	);
	if (version !== history.version) await bring(client, place, history, version);
}

/** For who opens a store that others have open: they know their tables, and no others may be there. Throws `busy` where they are of an older program. */
export async function requireNewestTables(
	client: PostgresClient,
	place: Namespace,
	history: History,
): Promise<void> {
	const version = versionIn(
		whereIs(place),
		await readMeta(client, place),
		history,
	);
	if (version !== history.version)
		throw new TetradError(
			"busy",
			`${whereIs(place)} is in version ${version} of the schema ${history.name}, and processes of that version have it open: stop all of them, and start them with this program`,
		);
}

/** For who only looks. Throws `store-failed` where there is no store yet, or one of another version. */
export async function requireReadable(
	client: PostgresClient,
	place: Namespace,
	history: History,
	command: string | undefined,
): Promise<void> {
	if ((await contentsOf(client, place)) !== "store")
		throw new TetradError(
			"store-failed",
			`${whereIs(place)} has no store yet; its device makes it when it starts`,
		);
	const meta = await readMeta(client, place);
	requireNewest(whereIs(place), meta, history, command);
}

/** Answers with the version of the tables. */
async function makeTablesUnlessThere(
	client: PostgresClient,
	place: Namespace,
	history: History,
): Promise<number> {
	const { namespace, dialect } = place;
	await client.begin();
	switch (await contentsOf(client, place)) {
		case "store":
			break;
		case "other":
			throw new TetradError(
				"store-failed",
				`${whereIs(place)} has tables of another program; name a namespace of its own for the store`,
			);
		case "nothing":
			await client.ask(`CREATE SCHEMA ${quoted(namespace)}`);
			await makeAll(client, dialect, history.newest, newestMeta(history));
			break;
		case "empty":
			await makeAll(client, dialect, history.newest, newestMeta(history));
	}
	const version = versionIn(
		whereIs(place),
		await readMeta(client, place),
		history,
	);
	await client.commit();
	return version;
}

/** One transaction, in which nobody else has the tables: a copy of them, and then the newest version of them. */
async function bring(
	client: PostgresClient,
	place: Namespace,
	history: History,
	version: number,
): Promise<void> {
	const { dialect } = place;
	const declared = history.tablesOf(version) as Declared;
	const names = [META, ...declared.all.map(({ name }) => name)];
	const meta = await client.within(BATCH_MS, async () => {
		await client.begin();
		await client.ask(`SET LOCAL statement_timeout = ${MIGRATION_MS}`);
		// Before the first read, which fixes what this transaction sees.
		await client.ask(
			`LOCK TABLE ${names.map(dialect.table).join(", ")} IN ACCESS EXCLUSIVE MODE`,
		);
		return readMeta(client, place);
	});
	if (versionIn(whereIs(place), meta, history) !== version)
		throw new TetradError(
			"busy",
			`another program changed ${whereIs(place)} meanwhile; nothing was changed: end that program`,
		);
	await copyAside(client, place, version, declared, meta);
	await migrate(
		new MigratingPostgres(client, dialect),
		dialect,
		history,
		version,
	);
	await client.within(MIGRATION_MS, () => client.commit());
}

/** Copies all tables into a namespace of their own; one that is there and has anything in it is not touched. */
async function copyAside(
	client: PostgresClient,
	place: Namespace,
	version: number,
	declared: Declared,
	meta: Meta,
): Promise<void> {
	for (let number = 1; number <= MAX_COPIES; number++) {
		const namespace = `${place.namespace}:version-${version}${number === 1 ? "" : `-${number}`}`;
		const copy = { ...place, namespace, dialect: postgresDialect(namespace) };
		const contents = await client.within(BATCH_MS, () =>
			contentsOf(client, copy),
		);
		if (contents === "store" || contents === "other") continue;
		if (contents === "nothing")
			await client.within(BATCH_MS, () => makeNamespace(client, copy));
		await makeAll(client, copy.dialect, declared, meta);
		for (const { name, columns } of declared.all) {
			const list = columns.map((column) => quoted(column.name)).join(", ");
			await client.within(MIGRATION_MS, () =>
				client.ask(
					`INSERT INTO ${copy.dialect.table(name)} (${list}) SELECT ${list} FROM ${place.dialect.table(name)}`,
				),
			);
		}
		return;
	}
	throw new TetradError(
		"store-failed",
		`${MAX_COPIES} copies of version ${version} are beside ${whereIs(place)}, and one more is needed before its tables are changed: drop the oldest`,
	);
}

async function makeNamespace(
	client: PostgresClient,
	copy: Namespace,
): Promise<void> {
	try {
		await client.ask(`CREATE SCHEMA ${quoted(copy.namespace)}`);
	} catch (cause) {
		if (!isServerError(cause) || cause.code !== INSUFFICIENT_PRIVILEGE)
			throw cause;
		throw new TetradError(
			"store-failed",
			`${whereIs(copy)} is to keep a copy of the store before its tables are changed, and its role may not make it; make it, with: CREATE SCHEMA ${quoted(copy.namespace)} AUTHORIZATION the_role`,
			{ cause },
		);
	}
}

const INSUFFICIENT_PRIVILEGE = "42501";

function makeAll(
	client: PostgresClient,
	dialect: Dialect,
	declared: Declared,
	meta: Meta,
): Promise<void> {
	return makeTables(
		new MigratingPostgres(client, dialect),
		dialect,
		declared,
		meta,
	);
}

async function contentsOf(
	client: PostgresClient,
	{ namespace, dialect }: Namespace,
): Promise<"nothing" | "empty" | "store" | "other"> {
	const { rows } = await client.runOnce({
		text: `SELECT (to_regnamespace($1) IS NOT NULL)::text AS there,
			(SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace($1)) AS entries,
			(to_regclass($2) IS NOT NULL)::text AS ours`,
		values: [quoted(namespace), dialect.table(META)],
	});
	const { there, entries, ours } = rows[0] ?? {};
	if (ours === "true") return "store";
	if (entries !== 0n) return "other";
	return there === "true" ? "empty" : "nothing";
}

async function readMeta(
	client: PostgresClient,
	{ dialect }: Namespace,
): Promise<Meta> {
	const { rows } = await client.ask(
		`SELECT name, value FROM ${dialect.table(META)}`,
	);
	return new Map(
		rows.map(({ name, value }) => [`${name}`, `${value}`] as const),
	);
}

function whereIs({ namespace, target }: Namespace): string {
	return `the namespace ${namespace} of ${target.where}`;
}

/** A session that is in a transaction. Nothing that it prepares outlives the tables that it was prepared for. */
class MigratingPostgres implements Migrating {
	readonly #client: PostgresClient;
	readonly #dialect: Dialect;

	constructor(client: PostgresClient, dialect: Dialect) {
		this.#client = client;
		this.#dialect = dialect;
	}

	async run(statement: Statement): Promise<void> {
		try {
			await this.#answer(statement);
		} catch (cause) {
			if (!isServerError(cause) || !isRefusal(cause)) throw cause;
			throw new TetradError(
				"internal",
				"a row of the next version has a key that is there, or is one that PostgreSQL does not take; nothing was changed",
				{ cause },
			);
		}
	}

	async rows(read: CheckedRead, after?: readonly SqlValue[]): Promise<Row[]> {
		const statement = selectStatement(this.#dialect, read, after);
		return (await this.#answer(statement)).rows;
	}

	#answer(statement: Statement): Promise<Answer> {
		return this.#client.within(MIGRATION_MS, () =>
			this.#client.runOnce(statement),
		);
	}
}
