/*
 * The tables of every version of a schema, worked out by going back from the newest, and what has
 * to be done to a store to bring it from one to the next.
 */
import { TetradError } from "../errors.ts";
import {
	type AnyTable,
	type Migration,
	type MigrationStep,
	type Row,
	type Schema,
	versionOf,
} from "../machine/index.ts";
import {
	type Column,
	Declared,
	type DeclaredTable,
	declaredTable,
} from "./declared.ts";
import { MAX_NAME_LETTERS } from "./limits.ts";

/** One step, with the tables that it changes as they are before and after it. */
export type TableChange =
	| { readonly kind: "add-table"; readonly after: DeclaredTable }
	| { readonly kind: "drop-table"; readonly before: DeclaredTable }
	| {
			readonly kind: "add-column";
			readonly before: DeclaredTable;
			readonly after: DeclaredTable;
			readonly column: Column;
			readonly value: Uint8Array | bigint | string;
	  }
	| {
			readonly kind: "drop-column";
			readonly before: DeclaredTable;
			readonly after: DeclaredTable;
			readonly column: Column;
	  }
	| {
			readonly kind: "add-index";
			readonly after: DeclaredTable;
			readonly index: string;
	  }
	| {
			readonly kind: "drop-index";
			readonly before: DeclaredTable;
			readonly index: string;
	  }
	| {
			readonly kind: "rewrite";
			readonly before: DeclaredTable;
			readonly after: DeclaredTable;
			readonly row: (row: Row) => Row | undefined;
	  };

/** A schema, checked, with all its versions. */
export class History {
	readonly name: string;
	/** The newest version, and its tables. */
	readonly version: number;
	readonly newest: Declared;
	readonly #older = new Map<number, Declared>();
	readonly #changes = new Map<number, readonly TableChange[]>();

	/** Throws `internal` for a schema whose migrations do not lead to its tables, or that the databases could not both take. */
	constructor(schema: Schema) {
		const { name, tables, migrations } = schema;
		if (!/^[a-z_]+$/.test(name) || name.length > MAX_NAME_LETTERS)
			throw wrong(`a schema cannot have the name ${name}`);
		this.name = name;
		this.version = versionOf(schema);
		this.newest = new Declared(tables);
		let at = new Map(tables.map((table) => [table.name, table]));
		for (const [i, migration] of [...migrations.entries()].toReversed()) {
			const from = i + 1;
			if (migration.to !== from + 1)
				throw wrong(
					`the migration at ${from} of the schema ${name} leads to version ${migration.to}`,
				);
			const { before, changes } = undone(at, migration);
			at = before;
			this.#older.set(from, new Declared([...at.values()]));
			this.#changes.set(from, changes);
		}
	}

	/** The tables of a version; `undefined` for one that this program does not know. */
	tablesOf(version: number): Declared | undefined {
		return version === this.version ? this.newest : this.#older.get(version);
	}

	/** What brings a store of an older version to the newest, in order. */
	changesSince(version: number): readonly TableChange[] {
		const changes: TableChange[] = [];
		for (let from = version; from < this.version; from++)
			changes.push(...(this.#changes.get(from) ?? []));
		return changes;
	}
}

type Tables = ReadonlyMap<string, AnyTable>;

function undone(
	after: Tables,
	{ steps }: Migration,
): { readonly before: Map<string, AnyTable>; readonly changes: TableChange[] } {
	const tables = new Map(after);
	const changes = steps.toReversed().map((step) => undo(tables, step));
	return { before: tables, changes: changes.reverse() };
}

/** Takes a step back in `tables`, and says what it did. */
function undo(tables: Map<string, AnyTable>, step: MigrationStep): TableChange {
	switch (step.kind) {
		case "add-table": {
			requireSame(tables, step.table);
			tables.delete(step.table.name);
			return { kind: step.kind, after: declaredTable(step.table) };
		}
		case "drop-table": {
			requireNone(tables, step.table.name);
			tables.set(step.table.name, step.table);
			return { kind: step.kind, before: declaredTable(step.table) };
		}
		case "add-column": {
			const { table, column: name, type, value } = step;
			const after = found(tables, table);
			const { [name]: has, ...columns } = after.columns;
			if (has !== type) throw wrong(`${table} has no ${type} ${name} to add`);
			const before = { ...after, columns };
			tables.set(table, before);
			return {
				kind: step.kind,
				before: declaredTable(before),
				after: declaredTable(after),
				column: { name, type },
				value,
			};
		}
		case "drop-column": {
			const { table, column: name, type } = step;
			const after = found(tables, table);
			if (Object.hasOwn(after.columns, name))
				throw wrong(`${table} still has the column ${name}`);
			const before = { ...after, columns: { ...after.columns, [name]: type } };
			tables.set(table, before);
			return {
				kind: step.kind,
				before: declaredTable(before),
				after: declaredTable(after),
				column: { name, type },
			};
		}
		case "add-index": {
			const { table, index } = step;
			const after = found(tables, table);
			const { [index]: columns, ...indexes } = after.indexes;
			if (columns?.join() !== step.columns.join())
				throw wrong(`${table} has no such index ${index} to add`);
			tables.set(table, { ...after, indexes });
			return { kind: step.kind, after: declaredTable(after), index };
		}
		case "drop-index": {
			const { table, index, columns } = step;
			const after = found(tables, table);
			if (Object.hasOwn(after.indexes, index))
				throw wrong(`${table} still has the index ${index}`);
			const before = {
				...after,
				indexes: { ...after.indexes, [index]: columns },
			};
			tables.set(table, before);
			return { kind: step.kind, before: declaredTable(before), index };
		}
		case "rewrite": {
			const { from, into, row } = step;
			requireSame(tables, into);
			tables.delete(into.name);
			requireNone(tables, from.name);
			tables.set(from.name, from);
			return {
				kind: step.kind,
				before: declaredTable(from),
				after: declaredTable(into),
				row,
			};
		}
	}
}

function found(tables: Tables, name: string): AnyTable {
	const table = tables.get(name);
	if (table === undefined)
		throw wrong(`a migration changes ${name}, which is not there then`);
	return table;
}

function requireSame(tables: Tables, table: AnyTable): void {
	const there = new Declared([found(tables, table.name)]);
	if (there.describe() !== new Declared([table]).describe())
		throw wrong(`a migration makes ${table.name} other than it is then`);
}

function requireNone(tables: Tables, name: string): void {
	if (tables.has(name))
		throw wrong(`a migration takes ${name} away, which is there afterwards`);
}

function wrong(why: string): TetradError {
	return new TetradError("internal", why);
}
