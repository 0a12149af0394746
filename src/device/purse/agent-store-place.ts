/*
 * Where the agent of a home keeps what it knows of money and purchases (docs/stores.md):
 *
 *   agent.db            unless it was moved
 *   store.json          in PostgreSQL: where that is, and in which namespace
 *   store.primary.json  which server had it last, where its commits wait for a standby
 *   agent.db.moved      what was there before it was moved
 */
import { lstat, rename } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { nodeCrypto } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import {
	type AnyTable,
	done,
	insert,
	type Row,
	type Scan,
	type Store,
} from "../../machine/index.ts";
import {
	openPostgresSnapshot,
	openPostgresStore,
	openSqliteSnapshot,
	openSqliteStore,
	type StoreView,
} from "../../store/index.ts";
import { AGENT_SCHEMA } from "../../trade/records/index.ts";
import {
	type DatabaseLocation,
	databaseLocation,
	databaseUrl,
	HomeLock,
	isThere,
	lookAtDevice,
	parseJson,
	readText,
	reason,
	replaceFile,
	serverDemands,
	unusable,
} from "../home/index.ts";
import { MAX_MOVED_BYTES, MAX_MOVED_ROWS } from "./limits.ts";
import { hasOldWitness } from "./old-witness.ts";

const storeFile = z.strictObject({
	version: z.literal(1),
	database: databaseLocation,
	namespace: z.string().regex(/^[a-z_]{1,30}$/, "is no name of a namespace"),
});

/** Where it is in PostgreSQL. */
interface Elsewhere {
	readonly database: DatabaseLocation;
	/** Of this agent alone, in whichever database. */
	readonly namespace: string;
}

/** Where an agent's store is, for its owner. */
export type AgentStorePlace =
	| { readonly kind: "home"; readonly path: string; readonly isMade: boolean }
	| ({ readonly kind: "postgres" } & Elsewhere);

/** Where the store of an agent is. Throws `home-unusable`. */
export async function agentStorePlace(home: string): Promise<AgentStorePlace> {
	const elsewhere = await readElsewhere(home);
	if (elsewhere !== undefined) return { kind: "postgres", ...elsewhere };
	const path = storePath(home);
	return { kind: "home", path, isMade: await hasContent(path) };
}

/** Whether there is anything that an agent keeps. */
export async function hasAgentStore(home: string): Promise<boolean> {
	return (
		(await readElsewhere(home)) !== undefined ||
		(await isThere(storePath(home)))
	);
}

/** The same, for who opens it: one that found no room when it was made is empty, and holds up nothing. */
export async function isAgentStoreUsed(home: string): Promise<boolean> {
	return (
		(await readElsewhere(home)) !== undefined ||
		(await hasContent(storePath(home))) ||
		(await hasOldWitness(home))
	);
}

/** Opens it for writing. Throws `invalid-argument` where several processes are to share one that is in the home. */
export async function openAgentStore(
	home: string,
	isShared: boolean,
): Promise<Store> {
	const elsewhere = await readElsewhere(home);
	if (elsewhere !== undefined)
		return openPostgresStore({
			...(await serverOf(home, elsewhere)),
			...serverDemands(elsewhere.database, join(home, "store.primary.json")),
			isShared,
		});
	if (isShared) requireShareable(home, undefined);
	return openSqliteStore({ path: storePath(home), schema: AGENT_SCHEMA });
}

/** Throws `invalid-argument` unless several processes can share the store of that agent. */
export async function requireSharedStore(home: string): Promise<void> {
	requireShareable(home, await readElsewhere(home));
}

function requireShareable(
	home: string,
	elsewhere: Elsewhere | undefined,
): void {
	if (elsewhere === undefined)
		throw new TetradError(
			"invalid-argument",
			`several processes of one agent share its store in PostgreSQL, and this one is in ${storePath(home)}, which one process has open at a time; move it, with: tetrad store --home ${home} --database-file FILE`,
		);
}

/** Looks at what the agent of a home keeps, which may be running. Throws `home-unusable` when it has kept nothing yet. */
export async function viewAgentStore(home: string): Promise<StoreView> {
	const place = await agentStorePlace(home);
	if (place.kind === "home" && !place.isMade)
		throw unusable(
			`the agent at ${home} has had to do with no purchase yet, and has no store`,
		);
	return openAgentView(home);
}

/** The same where `hasAgentStore`: one that is being made just now is waited for. */
export async function openAgentView(home: string): Promise<StoreView> {
	const command = `tetrad agent --home ${home}`;
	const elsewhere = await readElsewhere(home);
	if (elsewhere === undefined)
		return await openSqliteSnapshot({
			path: storePath(home),
			schema: AGENT_SCHEMA,
			command,
		});
	const server = await serverOf(home, elsewhere);
	return openPostgresSnapshot({ ...server, command });
}

/**
 * Moves the store of an agent that does not run to PostgreSQL, with all that is in it. What was in
 * the home stands aside afterwards. Throws `busy` while the agent runs, `home-unusable` where it
 * was moved before, and `store-failed` where something is in its namespace already.
 */
export async function moveAgentStore(
	home: string,
	database: DatabaseLocation,
): Promise<Elsewhere> {
	using _ = await HomeLock.take(home);
	const before = await readElsewhere(home);
	if (before !== undefined)
		throw unusable(
			`the store of the agent at ${home} is in PostgreSQL already, in the namespace ${before.namespace}; move it from there with the tools of PostgreSQL, and say where it is in ${filePath(home)}`,
		);
	const { own } = await lookAtDevice(home, "agent");
	const elsewhere = { database, namespace: namespaceOf(own.deviceId) };
	await using store = await openPostgresStore({
		...(await serverOf(home, elsewhere)),
		...serverDemands(database, join(home, "store.primary.json")),
	});
	await requireEmpty(store, elsewhere);
	const path = storePath(home);
	const isMade = await hasContent(path);
	if (isMade) {
		await using old = await openSqliteStore({ path, schema: AGENT_SCHEMA });
		await old.snapshot((scan) => copyAll(scan, store));
	}
	await replaceFile(
		filePath(home),
		`${JSON.stringify({ version: 1, ...elsewhere } satisfies z.infer<typeof storeFile>, null, "\t")}\n`,
	);
	if (isMade) await putAside(path);
	return elsewhere;
}

/** A namespace has letters only. Its agent is in its name, so that two agents never share one by mistake. */
function namespaceOf(deviceId: Uint8Array): string {
	const hash = nodeCrypto.sha256(deviceId);
	const letters = Array.from(hash.subarray(0, 20), (byte) =>
		String.fromCharCode(97 + (byte % 26)),
	);
	return `agent_${letters.join("")}`;
}

async function requireEmpty(
	store: Store,
	{ namespace }: Elsewhere,
): Promise<void> {
	await store.snapshot(async (scan) => {
		for (const table of AGENT_SCHEMA.tables)
			for await (const _ of rowsOf(scan, table))
				throw new TetradError(
					"store-failed",
					`the namespace ${namespace} has rows of an agent already, perhaps of a move that came to nothing; see that they are of no use, and drop it, with: DROP SCHEMA ${namespace} CASCADE`,
				);
	});
}

async function copyAll(scan: Scan, to: Store): Promise<void> {
	for (const table of AGENT_SCHEMA.tables) {
		let rows: Row[] = [];
		let bytes = 0;
		const write = async () => {
			await to.transact(
				done(
					rows.map((row) => insert(table, row)),
					undefined,
				),
			);
			rows = [];
			bytes = 0;
		};
		for await (const row of rowsOf(scan, table)) {
			rows.push(row);
			bytes += sizeOf(row);
			if (rows.length >= MAX_MOVED_ROWS || bytes >= MAX_MOVED_BYTES)
				await write();
		}
		if (rows.length > 0) await write();
	}
}

function rowsOf(scan: Scan, table: AnyTable): AsyncIterable<Row> {
	return scan({ table }) as AsyncIterable<Row>;
}

function sizeOf(row: Row): number {
	return Object.values(row).reduce<number>(
		(sum, value) => sum + (typeof value === "bigint" ? 8 : value.length),
		0,
	);
}

/** It would be taken for the newest by an older program. */
async function putAside(path: string): Promise<void> {
	try {
		await rename(path, `${path}.moved`);
	} catch (thrown) {
		throw unusable(
			`the store was moved, and ${path} cannot be put aside, which is of no more use: ${reason(thrown)}`,
			thrown,
		);
	}
}

async function serverOf(
	home: string,
	{ database, namespace }: Elsewhere,
): Promise<{
	readonly url: string;
	readonly namespace: string;
	readonly schema: typeof AGENT_SCHEMA;
}> {
	const url = await databaseUrl(home, database);
	return { url, namespace, schema: AGENT_SCHEMA };
}

async function readElsewhere(home: string): Promise<Elsewhere | undefined> {
	const path = filePath(home);
	if (!(await isThere(path))) return undefined;
	const { database, namespace } = parseJson(
		storeFile,
		await readText(path),
		path,
	);
	return { database, namespace };
}

function filePath(home: string): string {
	return join(home, "store.json");
}

function storePath(home: string): string {
	return join(home, "agent.db");
}

async function hasContent(path: string): Promise<boolean> {
	try {
		return (await lstat(path)).size > 0;
	} catch {
		return false;
	}
}
