import { TetradError } from "../errors.ts";
import type { AnyTable, ColumnType } from "../machine/index.ts";
import { MAX_NAME_LETTERS } from "./limits.ts";

/** A declared table with its orders worked out. */
export interface DeclaredTable {
	readonly name: string;
	readonly columns: readonly Column[];
	readonly key: readonly string[];
	/** The columns of each index in full, the key included, by name of the index. */
	readonly indexes: ReadonlyMap<string, readonly string[]>;
	readonly typeOf: ReadonlyMap<string, ColumnType>;
}

export interface Column {
	readonly name: string;
	readonly type: ColumnType;
}

/** The tables of a store, checked. */
export class Declared {
	readonly all: readonly DeclaredTable[];
	readonly #of = new Map<AnyTable, DeclaredTable>();

	/** Throws `internal` for a declaration that the databases could not both take. */
	constructor(tables: readonly AnyTable[]) {
		const names = new Set<string>();
		for (const table of tables) {
			if (names.has(table.name)) throw refused(table, "is declared twice");
			names.add(table.name);
			this.#of.set(table, declaredTable(table));
		}
		this.all = [...this.#of.values()];
	}

	/** Throws `internal` for a table that the store was not opened with. */
	of(table: AnyTable): DeclaredTable {
		const found = this.#of.get(table);
		if (found === undefined)
			throw refused(table, "is none that the store was opened with");
		return found;
	}

	/** One line for each table, the same for the same tables in whatever order they are given. */
	describe(): string {
		return describeTables(
			this.all.map((table) => ({
				...table,
				columns: table.columns.map(({ name, type }) => `${name} ${type}`),
			})),
		);
	}
}

/** What is said of a table. */
export interface DescribedTable
	extends Pick<DeclaredTable, "name" | "key" | "indexes"> {
	/** Each with its type. */
	readonly columns: readonly string[];
}

/** One line for each table, the same for the same tables in whatever order they are given. */
export function describeTables(tables: readonly DescribedTable[]): string {
	return tables
		.map(({ name, columns, key, indexes }) =>
			JSON.stringify([
				name,
				columns.toSorted(),
				key,
				[...indexes].toSorted(([a], [b]) => (a < b ? -1 : 1)),
			]),
		)
		.toSorted()
		.join("\n");
}

/** What PostgreSQL has in every table, and what SQLite keeps for itself. */
const TAKEN =
	/^(sqlite_.*|rowid|oid|ctid|tableoid|xmin|xmax|cmin|cmax|_rowid_)$/;

/** Throws `internal` for a declaration that the databases could not both take. */
export function declaredTable(table: AnyTable): DeclaredTable {
	const names = Object.keys(table.columns);
	for (const name of [table.name, ...names, ...Object.keys(table.indexes)])
		if (
			!/^[a-z_]+$/.test(name) ||
			name.length > MAX_NAME_LETTERS ||
			TAKEN.test(name)
		)
			throw refused(table, `has a name that cannot be: ${name}`);
	const typeOf = new Map(Object.entries(table.columns));
	const isOrder = (order: readonly string[]) =>
		order.length > 0 &&
		new Set(order).size === order.length &&
		order.every((name) => typeOf.has(name));
	if (!isOrder(table.key)) throw refused(table, "has no proper key");
	const indexes = new Map<string, readonly string[]>();
	for (const [name, columns] of Object.entries(table.indexes)) {
		if (!isOrder(columns))
			throw refused(table, `has an index of wrong columns: ${name}`);
		const rest = table.key.filter((column) => !columns.includes(column));
		indexes.set(name, [...columns, ...rest]);
	}
	return {
		name: table.name,
		columns: [...typeOf].map(([name, type]) => ({ name, type })),
		key: table.key,
		indexes,
		typeOf,
	};
}

function refused({ name }: AnyTable, why: string): TetradError {
	return new TetradError("internal", `the table ${name} ${why}`);
}
