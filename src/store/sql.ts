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
	/** How many rows are read at most, as the parameter says. */
	limit(parameter: string): string;
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
	const { table, index, equals, descending } = read;
	// The row that is known lies within the bound that it came from.
	const above = after === undefined || descending ? read.above : undefined;
	const below = after === undefined || !descending ? read.below : undefined;
	const values: SqlValue[] = [...equals];
	if (after !== undefined) values.push(...after.slice(equals.length));
	if (above !== undefined) values.push(above);
	if (below !== undefined) values.push(below);
	values.push(BigInt(read.limit));
	const isLater = read.skip > 0;
	if (isLater) values.push(BigInt(read.skip));
	const shape: SelectShape = {
		...{ equals: equals.length, isAfter: after !== undefined, descending },
		...{ isAbove: above !== undefined, isBelow: below !== undefined, isLater },
	};
	const { isAfter, isAbove, isBelow } = shape;
	const key = `${index ?? ""} ${equals.length} ${isAfter} ${isAbove} ${isBelow} ${descending} ${isLater}`;
	const text = textOf(dialect, table, key, () =>
		selectText(dialect, table, index, read.order, shape),
	);
	return { text, values };
}

/** What a read gives, which says how its statement reads. */
interface SelectShape {
	/** So many columns of the order are fixed. */
	readonly equals: number;
	readonly isAfter: boolean;
	readonly isAbove: boolean;
	readonly isBelow: boolean;
	readonly descending: boolean;
	/** Whether rows at the front are left out. */
	readonly isLater: boolean;
}

function selectText(
	dialect: Dialect,
	table: DeclaredTable,
	index: string | undefined,
	order: readonly string[],
	{ equals, isAfter, isAbove, isBelow, descending, isLater }: SelectShape,
): string {
	let number = 0;
	const parameter = () => dialect.parameter(++number);
	const fixed = order.slice(0, equals);
	const conditions = fixed.map((name) => `${quoted(name)} = ${parameter()}`);
	const rest = order.slice(equals);
	const next = rest[0];
	if (isAfter && next !== undefined)
		conditions.push(
			`(${list(rest)}) ${descending ? "<" : ">"} (${rest.map(parameter).join(", ")})`,
		);
	if (isAbove) conditions.push(`${quoted(next as string)} > ${parameter()}`);
	if (isBelow) conditions.push(`${quoted(next as string)} < ${parameter()}`);
	const text = [
		`SELECT ${list(table.columns.map(({ name }) => name))} FROM ${dialect.table(table.name)}`,
		index === undefined ? "" : dialect.hint(table, index),
		conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`,
		rest.length === 0
			? ""
			: `ORDER BY ${rest.map((name) => quoted(name) + (descending ? " DESC" : "")).join(", ")}`,
		`LIMIT ${dialect.limit(parameter())}`,
		isLater ? `OFFSET ${dialect.limit(parameter())}` : "",
	];
	return text.filter((part) => part !== "").join(" ");
}

export function writeStatement(
	dialect: Dialect,
	{ kind, table, values }: CheckedWrite,
): Statement {
	return {
		text: textOf(dialect, table, kind, () => writeText(dialect, kind, table)),
		values: [...values],
	};
}

/** Texts of statements by their shape: what is read and written again and again is written out once. */
const TEXTS = new WeakMap<
	Dialect,
	WeakMap<DeclaredTable, Map<string, string>>
>();

/** `shape` says all that differs between statements about that table. */
function textOf(
	dialect: Dialect,
	table: DeclaredTable,
	shape: string,
	make: () => string,
): string {
	const ofDialect = known(TEXTS, dialect, () => new WeakMap());
	const ofTable = known(ofDialect, table, () => new Map<string, string>());
	return known(ofTable, shape, make);
}

/** What is there under a key, or is made and put there. */
function known<Key, Value>(
	of: {
		get(key: Key): Value | undefined;
		set(key: Key, value: Value): unknown;
	},
	key: Key,
	make: () => Value,
): Value {
	const there = of.get(key);
	if (there !== undefined) return there;
	const made = make();
	of.set(key, made);
	return made;
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
