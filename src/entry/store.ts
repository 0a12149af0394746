/** `tetrad/store`: the durable store that purses and issuers need (docs/stores.md), on SQLite and on PostgreSQL, and the interface for another database. */
export {
	byKey,
	type Columns,
	type ColumnType,
	done,
	insert,
	MAX_READ_ROWS,
	put,
	type Read,
	type Row,
	reading,
	type Scan,
	type Store,
	type Table,
	type Transaction,
	table,
	type Value,
	type Write,
} from "../machine/index.ts";
export {
	type AnyTable,
	openPostgresStore,
	openSqliteSnapshot,
	openSqliteStore,
	type PostgresStoreOptions,
	type SqliteStoreOptions,
	type StoreView,
} from "../store/index.ts";
