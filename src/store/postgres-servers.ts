/* What is demanded of a server of PostgreSQL, and which one is taken where an address names several. */
import { TetradError } from "../errors.ts";
import { CONNECT_MS } from "./limits.ts";
import {
	isServerError,
	PostgresClient,
	type Settings,
} from "./postgres-client.ts";
import { refusedBy } from "./postgres-errors.ts";
import type { PostgresTarget } from "./postgres-url.ts";

/** Which server was the primary: of which cluster, and after how many promotions in it. */
export interface PostgresPrimary {
	/** PostgreSQL's system identifier, in decimal: all copies of one cluster have the same. */
	readonly system: string;
	/** PostgreSQL's timeline: it grows with each promotion. */
	readonly timeline: number;
}

/**
 * Keeps on which primary a store was opened last, somewhere else than on the servers themselves: so a primary
 * is known that was left behind by a promotion and has come back.
 */
export interface PrimaryMemory {
	/** What was remembered last; `undefined` before anything was. */
	recall(): Promise<PostgresPrimary | undefined>;
	/** Resolves when it is durable. */
	remember(primary: PostgresPrimary): Promise<void>;
}

export interface Demands {
	readonly unsafeWithoutFsync: boolean;
	/** That no COMMIT is answered before a standby has it on its disk. */
	readonly synchronous: boolean;
	readonly memory: PrimaryMemory | undefined;
}

/** A server that may be written to. */
export interface TakenServer {
	readonly target: PostgresTarget;
	readonly client: PostgresClient;
	/** Standbys that its commits wait for. */
	readonly standbys: number;
	/** To be remembered once a store is open there: another primary than before. */
	readonly toRemember: PostgresPrimary | undefined;
}

/** For a session that may turn out to write, and may be on a standby, which takes no other isolation. */
export const DURABLE: Settings = {
	synchronous_commit: "on",
	default_transaction_isolation: "read committed",
};

/**
 * Takes the first server that meets the demands. Throws why none does: what is wrong with the
 * only one, or `store-failed` with what is wrong with each.
 */
export async function takeServer(
	targets: readonly PostgresTarget[],
	settings: Settings,
	demands: Demands,
): Promise<TakenServer> {
	const refusals: TetradError[] = [];
	for (const target of targets) {
		try {
			return await tryServer(target, settings, demands);
		} catch (thrown) {
			if (!(thrown instanceof TetradError)) throw thrown;
			refusals.push(thrown);
		}
	}
	const [only] = refusals;
	if (only !== undefined && refusals.length === 1) throw only;
	throw new TetradError(
		"store-failed",
		`none of ${refusals.length} PostgreSQL servers can be used; ${refusals.map(({ message }) => message).join("; ")}`,
		{ cause: new AggregateError(refusals) },
	);
}

/** Connects to one server, and leaves it again unless it meets the demands, of which it answers within seconds. */
export async function tryServer(
	target: PostgresTarget,
	settings: Settings,
	demands: Demands,
): Promise<TakenServer> {
	const client = await PostgresClient.open(target, settings);
	try {
		return await client.within(CONNECT_MS, async () => {
			await checkIsPrimary(client, target);
			await checkSettings(client, target, demands);
			const standbys = demands.synchronous
				? await checkStandbys(client, target)
				: 0;
			const toRemember =
				demands.memory && (await checkIsNewest(client, target, demands.memory));
			return { target, client, standbys, toRemember };
		});
	} catch (thrown) {
		await client.close();
		throw isServerError(thrown) ? refusedBy(target, thrown) : thrown;
	}
}

/** That it is a standby, whatever else may be wrong with it. */
export class IsStandby extends TetradError {
	constructor({ where }: PostgresTarget) {
		super(
			"store-failed",
			`${where} is a standby, which only reads: name the primary, or all servers that may become it`,
		);
	}
}

async function checkIsPrimary(
	client: PostgresClient,
	target: PostgresTarget,
): Promise<void> {
	const { rows } = await client.ask(
		"SELECT pg_is_in_recovery()::text AS standby",
	);
	const standby = rows[0]?.["standby"];
	if (standby === "true") throw new IsStandby(target);
	if (standby !== "false") throw saysNonsense(target);
}

async function checkSettings(
	client: PostgresClient,
	target: PostgresTarget,
	{ unsafeWithoutFsync }: Demands,
): Promise<void> {
	const { where } = target;
	const { rows } = await client.ask(
		`SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes',
			'data_sync_retry', 'synchronous_commit', 'server_encoding', 'transaction_read_only')`,
	);
	const settings = new Map(rows.map(({ name, setting }) => [name, setting]));
	const wants: readonly (readonly [string, string])[] = [
		["transaction_read_only", "off"],
		["server_encoding", "UTF8"],
		["synchronous_commit", "on"],
		...(unsafeWithoutFsync
			? []
			: ([
					["fsync", "on"],
					["full_page_writes", "on"],
					// After a failed fsync the server must stop and recover, and not try again.
					["data_sync_retry", "off"],
				] as const)),
	];
	for (const [name, wanted] of wants) {
		const setting = settings.get(name);
		if (setting === undefined) throw saysNonsense(target);
		if (setting !== wanted)
			throw new TetradError(
				"store-failed",
				`${where} has ${name} = ${setting}, and a store needs ${name} = ${wanted}: change it, or use another server`,
			);
	}
}

/** Answers with how many standbys commits wait for: at least one. */
async function checkStandbys(
	client: PostgresClient,
	target: PostgresTarget,
): Promise<number> {
	const { where } = target;
	checkStandbyNames(await readStandbyNames(client), target);
	const { rows } = await client.ask(
		`SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')::text AS sees,
			current_user::text AS role, count(*)::text AS connected,
			count(*) FILTER (WHERE sync_state IN ('sync', 'quorum'))::text AS awaited
			FROM pg_stat_replication`,
	);
	const { sees, role, connected, awaited } = rows[0] ?? {};
	if (!isWholeNumber(awaited)) throw saysNonsense(target);
	// Of each standby others see that it is connected, and not whether commits wait for it.
	if (sees !== "true")
		throw new TetradError(
			"store-failed",
			`the role ${role} may not see whether commits on ${where} wait for a standby: allow it, with: GRANT pg_read_all_stats TO the_role`,
		);
	if (awaited === "0")
		throw new TetradError(
			"store-failed",
			`commits on ${where} are to wait for a standby, and of those that synchronous_standby_names names none is connected (${connected} others are): start one, or let it name those that there are`,
		);
	return Number(awaited);
}

export async function readStandbyNames(
	client: PostgresClient,
): Promise<unknown> {
	const { rows } = await client.ask("SHOW synchronous_standby_names");
	return rows[0]?.["synchronous_standby_names"];
}

/** Throws `store-failed` unless some standby is named: otherwise commits wait for none. */
export function checkStandbyNames(
	names: unknown,
	target: PostgresTarget,
): void {
	if (typeof names !== "string") throw saysNonsense(target);
	if (names.trim() !== "") return;
	const { where } = target;
	throw new TetradError(
		"store-failed",
		`commits on ${where} wait for no standby, and are to: its synchronous_standby_names is empty; name the standbys there, such as ANY 1 (one, two)`,
	);
}

/**
 * Answers with what is to be remembered, where that is something else than before. Throws
 * `store-failed` for a primary that a promotion has left behind, and for one of another cluster.
 */
async function checkIsNewest(
	client: PostgresClient,
	target: PostgresTarget,
	memory: PrimaryMemory,
): Promise<PostgresPrimary | undefined> {
	const { where } = target;
	// What a checkpoint knows of its timeline is older than a promotion of this minute.
	const { rows } = await client.ask(
		`SELECT system_identifier::text AS system,
			substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) AS timeline
			FROM pg_control_system()`,
	);
	const system = String(rows[0]?.["system"]);
	const timeline = Number.parseInt(String(rows[0]?.["timeline"]), 16);
	if (!isWholeNumber(system) || !(timeline > 0)) throw saysNonsense(target);
	const seen = await memory.recall();
	if (seen !== undefined && seen.system !== system)
		throw new TetradError(
			"store-failed",
			`${where} belongs to the cluster ${system}, and what the store was on before to ${seen.system}, of which it is no copy; when the store was moved there on purpose, remove what remembers the other (docs/stores.md)`,
		);
	if (seen !== undefined && seen.timeline > timeline)
		throw new TetradError(
			"store-failed",
			`${where} is on timeline ${timeline}, and the store was on timeline ${seen.timeline} already: another server was promoted since, and this one lacks what was written there; make it a standby of that one`,
		);
	return seen?.timeline === timeline ? undefined : { system, timeline };
}

function isWholeNumber(said: unknown): boolean {
	return typeof said === "string" && /^\d{1,20}$/.test(said);
}

function saysNonsense({ where }: PostgresTarget): TetradError {
	return new TetradError(
		"store-failed",
		`${where} answers as no PostgreSQL server does that a store knows: see that the address names the server itself`,
	);
}
