export type { AskEffect, AskedEvent } from "./asking.ts";
export {
	type AbortEvent,
	type ClosedBy,
	type Ended,
	type Kind,
	type Machine,
	type TimeEvent,
	timedOut,
	unexpected,
} from "./machine.ts";
export {
	type AnyTable,
	addColumn,
	type Migration,
	type MigrationStep,
	rewrite,
	type Schema,
	schema,
	versionOf,
} from "./schema.ts";
export { Steps, type Wipeable } from "./steps.ts";
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
	remove,
	type Scan,
	type Store,
	type Table,
	type Transaction,
	type TransactOptions,
	table,
	type Value,
	type Write,
} from "./store.ts";
export {
	Pending,
	type SignEffect,
	type SignedEvent,
	type WorkEffect,
	type WorkEvent,
} from "./work.ts";
