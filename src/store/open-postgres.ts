import type { Store } from "../machine/index.ts";
import type {
	PostgresSnapshotOptions,
	PostgresStoreOptions,
} from "./postgres.ts";
import type { PostgresExamined } from "./postgres-examine.ts";
import type { StoreView } from "./snapshot.ts";

/**
 * Opens a store in a namespace of PostgreSQL. One of an older version of the schema is brought to
 * the newest, and a copy of it is kept in a namespace beside it (docs/stores.md). Throws `busy`
 * when somebody else has it open, `invalid-argument` for an address of another form, `store-full`
 * when the server has no room, and `store-failed` when the server is not there or not durable, or
 * the namespace holds something else or a newer version, and when a standby has to confirm what is
 * written and none does.
 */
export async function openPostgresStore(
	options: PostgresStoreOptions,
): Promise<Store> {
	// The client of a server is loaded when one is called: most programs have nothing to do with any.
	const { openStore } = await import("./postgres.ts");
	return openStore(options);
}

/**
 * Opens a store in a namespace of PostgreSQL for looking only, also while others have it open.
 * Throws `store-failed` when there is none, or it is of another version or has other tables, and
 * when no server can be written to, whose standbys may be behind.
 */
export async function openPostgresSnapshot(
	options: PostgresSnapshotOptions,
): Promise<StoreView> {
	const { openView } = await import("./postgres.ts");
	return openView(options);
}

/** Connects to each server of an address, and tells whether a store would be opened on it. Throws `invalid-argument` for an address of another form. */
export async function examinePostgres(
	options: Pick<PostgresStoreOptions, "url" | "synchronous" | "memory">,
): Promise<PostgresExamined> {
	const { examineServers } = await import("./postgres-examine.ts");
	return examineServers(options);
}
