export {
	openSqliteSnapshot,
	openSqliteStore,
	type SqliteStoreOptions,
	type StoreView,
} from "./sqlite.ts";
