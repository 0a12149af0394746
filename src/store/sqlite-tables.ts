/* The tables that a file of SQLite really has, whatever it says of itself. */
import type { DatabaseSync } from "node:sqlite";
import { type DescribedTable, describeTables } from "./declared.ts";
import { META } from "./meta.ts";

const TYPES: Readonly<Record<string, string>> = {
	BLOB: "bytes",
	INTEGER: "integer",
	TEXT: "text",
};

/** One line for each table, as `Declared.describe` has them; what no declaration says is in it in words. */
export function realTables(database: DatabaseSync): string {
	return describeTables(
		namesIn(
			database,
			`SELECT name FROM sqlite_schema
			WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ESCAPE '\\' AND name != ?`,
			META,
		).map((name) => realTable(database, name)),
	);
}

function realTable(database: DatabaseSync, name: string): DescribedTable {
	const prefix = `${name}:`;
	const indexes = rowsOf(
		database,
		`SELECT name, "unique", partial FROM pragma_index_list(?) WHERE origin = 'c'`,
		name,
	).map(([index, isUnique, isPartial]) => {
		const text = `${index}`;
		const own = text.startsWith(prefix) ? text.slice(prefix.length) : text;
		const columns = namesIn(
			database,
			"SELECT name FROM pragma_index_info(?) ORDER BY seqno",
			text,
		);
		const isPlain = isUnique === 0n && isPartial === 0n;
		return [isPlain ? own : `${own}, unique or partial`, columns] as const;
	});
	return {
		name,
		columns: [
			...rowsOf(
				database,
				`SELECT name, type, "notnull" FROM pragma_table_info(?)`,
				name,
			).map(
				([column, type, isNotNull]) =>
					`${column} ${TYPES[`${type}`] ?? type}${isNotNull === 1n ? "" : " or null"}`,
			),
			// It changes rows behind whoever writes.
			...namesIn(
				database,
				"SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?",
				name,
			).map((trigger) => `trigger ${trigger}`),
		],
		key: namesIn(
			database,
			"SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk",
			name,
		),
		indexes: new Map(indexes),
	};
}

function namesIn(
	database: DatabaseSync,
	text: string,
	of: string,
): readonly string[] {
	return rowsOf(database, text, of).map(([name]) => `${name}`);
}

/** A connection to a store returns arrays, and integers as `bigint`. */
function rowsOf(
	database: DatabaseSync,
	text: string,
	of: string,
): readonly (readonly unknown[])[] {
	return database.prepare(text).all(of) as unknown as readonly unknown[][];
}
