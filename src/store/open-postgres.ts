import type { Store } from "../machine/index.ts";
import type { PostgresStoreOptions } from "./postgres.ts";

/**
 * Opens a store in a namespace of PostgreSQL. One of an older version of the schema is brought to
 * the newest, and a copy of it is kept in a namespace beside it (docs/stores.md). Throws `busy`
 * when somebody else has it open, `invalid-argument` for an address of another form, `store-full`
 * when the server has no room, and `store-failed` when the server is not there or not durable, or
 * the namespace holds something else or a newer version.
 */
export async function openPostgresStore(
	options: PostgresStoreOptions,
): Promise<Store> {
	// The client of a server is loaded when one is called: most programs have nothing to do with any.
	const { openStore } = await import("./postgres.ts");
	return openStore(options);
}
