/*
 * How the tables of a store came to be what they are: a schema has a name, the tables of its
 * newest version, and what leads from each version to the next. It is data: every step says what
 * it adds or takes away in full, so that the tables of every older version are worked out by
 * going back. `src/store` carries it out on SQLite and on PostgreSQL (docs/stores.md).
 */
import type { Columns, ColumnType, Row, Table, Value } from "./store.ts";

/** Any table that `table` declares, whatever its columns are. */
export interface AnyTable {
	readonly name: string;
	readonly columns: Columns;
	readonly key: readonly string[];
	readonly indexes: Readonly<Record<string, readonly string[]>>;
}

/** One thing that a migration does. */
export type MigrationStep =
	| { readonly kind: "add-table"; readonly table: AnyTable }
	/** With its rows; `table` says what it was. */
	| { readonly kind: "drop-table"; readonly table: AnyTable }
	/** Every row that is there has `value` in it. */
	| {
			readonly kind: "add-column";
			readonly table: string;
			readonly column: string;
			readonly type: ColumnType;
			readonly value: Uint8Array | bigint | string;
	  }
	/** One that no key and no index has. */
	| {
			readonly kind: "drop-column";
			readonly table: string;
			readonly column: string;
			readonly type: ColumnType;
	  }
	| {
			readonly kind: "add-index" | "drop-index";
			readonly table: string;
			readonly index: string;
			/** As a declared table has them: without those of the key, which follow. */
			readonly columns: readonly string[];
	  }
	/** Everything else: each row of one table becomes a row of another, or nothing. */
	| {
			readonly kind: "rewrite";
			readonly from: AnyTable;
			/** In the place of `from`; it may have the same name. */
			readonly into: AnyTable;
			/** Pure. What it throws ends the migration, and nothing is changed. */
			readonly row: (row: Row) => Row | undefined;
	  };

/** What leads to one version from the one before it: one transaction, together with the others that are due. */
export interface Migration {
	/** The version that it makes: 2 for the first. */
	readonly to: number;
	readonly steps: readonly MigrationStep[];
}

/** The tables of one kind of store, in versions. Version 1 is what there was before any migration. */
export interface Schema {
	/** What the store is for, in small letters and underscores. It never changes. */
	readonly name: string;
	/** The tables of the newest version. */
	readonly tables: readonly AnyTable[];
	/** From version 1 to the newest, one for each. */
	readonly migrations: readonly Migration[];
}

/** Declares a schema. Migrations that have been published are never changed; another one is added. */
export function schema(
	name: string,
	tables: readonly AnyTable[],
	...migrations: readonly Migration[]
): Schema {
	return { name, tables, migrations };
}

/** The newest version of a schema. */
export function versionOf({ migrations }: Schema): number {
	return migrations.length + 1;
}

/** A step that makes another row of each; the rows come typed. */
export function rewrite<const From extends Columns, const Into extends Columns>(
	from: Table<From>,
	into: Table<Into>,
	row: (row: Row<From>) => Row<Into> | undefined,
): MigrationStep {
	return {
		kind: "rewrite",
		from: from as unknown as AnyTable,
		into: into as unknown as AnyTable,
		row: row as unknown as (row: Row) => Row | undefined,
	};
}

/** A step that adds a column. */
export function addColumn<const Type extends ColumnType>(
	table: string,
	column: string,
	type: Type,
	value: Value<Type>,
): MigrationStep {
	return { kind: "add-column", table, column, type, value };
}
