export {
	examinePostgres,
	openPostgresSnapshot,
	openPostgresStore,
} from "./open-postgres.ts";
export type { PostgresStoreOptions } from "./postgres.ts";
export type { PostgresExamined } from "./postgres-examine.ts";
export type { PostgresPrimary, PrimaryMemory } from "./postgres-servers.ts";
export type { StoreView } from "./snapshot.ts";
export {
	copySqliteStore,
	openSqliteSnapshot,
	openSqliteStore,
	type SqliteSnapshotOptions,
	type SqliteStoreOptions,
} from "./sqlite.ts";
