export { openPostgresStore } from "./open-postgres.ts";
export type { PostgresStoreOptions } from "./postgres.ts";
export {
	copySqliteStore,
	openSqliteSnapshot,
	openSqliteStore,
	type SqliteSnapshotOptions,
	type SqliteStoreOptions,
	type StoreView,
} from "./sqlite.ts";
