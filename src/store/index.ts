export { openPostgresStore, type PostgresStoreOptions } from "./postgres.ts";
export {
	openSqliteSnapshot,
	openSqliteStore,
	type SqliteSnapshotOptions,
	type SqliteStoreOptions,
	type StoreView,
} from "./sqlite.ts";
