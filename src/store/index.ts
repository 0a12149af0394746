export { openPostgresStore, type PostgresStoreOptions } from "./postgres.ts";
export {
	copySqliteStore,
	openSqliteSnapshot,
	openSqliteStore,
	type SqliteSnapshotOptions,
	type SqliteStoreOptions,
	type StoreView,
} from "./sqlite.ts";
