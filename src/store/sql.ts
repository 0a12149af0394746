import type { CheckedRead, CheckedWrite, SqlValue } from "./checks.ts";
import type { Column, DeclaredTable } from "./declared.ts";

/** Where the databases differ. */
export interface Dialect {
	/** The parameter of this number, counted from 1. */
	parameter(number: number): string;
	/** A table by its name. */
	table(name: string): string;
	column(column: Column): string;
	/** What makes a read use an index, if it must be told. */
	hint(table: DeclaredTable, index: string): string;
	/** What follows the columns of a table. */
	options(table: DeclaredTable): string;
	/** A value as SQL writes it. */
	literal(value: SqlValue): string;
	/** Whether a column that was added keeps the value that older rows were given as its default. */
	readonly keepsDefaults: boolean;
	/** The columns of the table that says what a store is. */
	readonly metaColumns: string;
}

export interface Statement {
	readonly text: string;
	readonly values: SqlValue[];
}

/** A name as SQL takes any. */
export function quoted(name: string): string {
	return `"${name.replaceAll('"', '""')}"`;
}

const list = (names: readonly string[]) => names.map(quoted).join(", ");

export function createTableStatement(
	dialect: Dialect,
	table: DeclaredTable,
): string {
	const columns = table.columns.map(dialect.column).join(", ");
	return `CREATE TABLE ${dialect.table(table.name)} (${columns}, PRIMARY KEY (${list(table.key)}))${dialect.options(table)}`;
}

export function createIndexStatement(
	dialect: Dialect,
	table: DeclaredTable,
	index: string,
): string {
	const order = table.indexes.get(index) ?? [];
	return `CREATE INDEX ${quoted(indexName(table, index))} ON ${dialect.table(table.name)} (${list(order)})`;
}

export function dropTableStatement(dialect: Dialect, name: string): string {
	return `DROP TABLE ${dialect.table(name)}`;
}

export function renameTableStatement(
	dialect: Dialect,
	from: string,
	to: string,
): string {
	return `ALTER TABLE ${dialect.table(from)} RENAME TO ${quoted(to)}`;
}

export function dropIndexStatement(
	dialect: Dialect,
	table: DeclaredTable,
	index: string,
): string {
	return `DROP INDEX ${dialect.table(indexName(table, index))}`;
}

export function addColumnStatements(
	dialect: Dialect,
	table: DeclaredTable,
	column: Column,
	value: SqlValue,
): string[] {
	const alter = `ALTER TABLE ${dialect.table(table.name)}`;
	return [
		`${alter} ADD COLUMN ${dialect.column(column)} DEFAULT ${dialect.literal(value)}`,
		...(dialect.keepsDefaults
			? []
			: [`${alter} ALTER COLUMN ${quoted(column.name)} DROP DEFAULT`]),
	];
}

export function dropColumnStatement(
	dialect: Dialect,
	table: DeclaredTable,
	column: Column,
): string {
	return `ALTER TABLE ${dialect.table(table.name)} DROP COLUMN ${quoted(column.name)}`;
}

/** Sets one row of a table of names and values. */
export function setMetaStatement(
	dialect: Dialect,
	table: string,
	name: string,
	value: string,
): Statement {
	return {
		text: `INSERT INTO ${dialect.table(table)} (name, value) VALUES (${dialect.parameter(1)}, ${dialect.parameter(2)}) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
		values: [name, value],
	};
}

/** No name of a table has a colon. */
export function indexName(table: DeclaredTable, index: string): string {
	return `${table.name}:${index}`;
}

/** `after` holds the order's columns of the last row that is known, for the next ones. */
export function selectStatement(
	dialect: Dialect,
	read: CheckedRead,
	after?: readonly SqlValue[],
): Statement {
	const { table, index, order, equals, descending } = read;
	const values: SqlValue[] = [];
	const parameter = (value: SqlValue) => dialect.parameter(values.push(value));
	const conditions: string[] = [];
	for (const [at, value] of equals.entries())
		conditions.push(`${quoted(order[at] as string)} = ${parameter(value)}`);
	const rest = order.slice(equals.length);
	const next = rest[0];
	if (after !== undefined && next !== undefined)
		conditions.push(
			`(${list(rest)}) ${descending ? "<" : ">"} (${after.slice(equals.length).map(parameter).join(", ")})`,
		);
	// The row that is known lies within the bound that it came from.
	if (read.above !== undefined && (after === undefined || descending))
		conditions.push(`${quoted(next as string)} > ${parameter(read.above)}`);
	if (read.below !== undefined && (after === undefined || !descending))
		conditions.push(`${quoted(next as string)} < ${parameter(read.below)}`);
	const text = [
		`SELECT ${list(table.columns.map(({ name }) => name))} FROM ${dialect.table(table.name)}`,
		index === undefined ? "" : dialect.hint(table, index),
		conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`,
		rest.length === 0
			? ""
			: `ORDER BY ${rest.map((name) => quoted(name) + (descending ? " DESC" : "")).join(", ")}`,
		`LIMIT ${parameter(BigInt(read.limit))}`,
	];
	return { text: text.filter((part) => part !== "").join(" "), values };
}

export function writeStatement(
	dialect: Dialect,
	{ kind, table, values }: CheckedWrite,
): Statement {
	return {
		text: writeText(dialect, kind, table),
		values: [...values],
	};
}

function writeText(
	dialect: Dialect,
	kind: CheckedWrite["kind"],
	table: DeclaredTable,
): string {
	const name = dialect.table(table.name);
	if (kind === "delete")
		return `DELETE FROM ${name} WHERE ${table.key
			.map((column, at) => `${quoted(column)} = ${dialect.parameter(at + 1)}`)
			.join(" AND ")}`;
	const columns = table.columns.map((column) => column.name);
	const parameters = columns.map((_, at) => dialect.parameter(at + 1));
	const text = `INSERT INTO ${name} (${list(columns)}) VALUES (${parameters.join(", ")})`;
	if (kind === "insert") return text;
	const others = columns.filter((column) => !table.key.includes(column));
	const changes = others
		.map((column) => `${quoted(column)} = excluded.${quoted(column)}`)
		.join(", ");
	return `${text} ON CONFLICT (${list(table.key)}) DO ${changes === "" ? "NOTHING" : `UPDATE SET ${changes}`}`;
}
