/*
 * Carries out what leads from one version of a schema to another, on either database. All of it
 * is one transaction, which whoever calls this begins and commits.
 */
import { TetradError } from "../errors.ts";
import type { Row } from "../machine/index.ts";
import { type CheckedRead, rowValues, type SqlValue } from "./checks.ts";
import type { DeclaredTable } from "./declared.ts";
import type { History, TableChange } from "./history.ts";
import { SCAN_ROWS } from "./limits.ts";
import { META, type Meta, newestMeta } from "./meta.ts";
import {
	addColumnStatements,
	createIndexStatement,
	createTableStatement,
	type Dialect,
	dropColumnStatement,
	dropIndexStatement,
	dropTableStatement,
	renameTableStatement,
	type Statement,
	setMetaStatement,
	writeStatement,
} from "./sql.ts";

/** A database within a transaction. */
export interface Migrating {
	/** Statements are carried out in the order in which they come. */
	run(statement: Statement): Promise<void>;
	rows(read: CheckedRead, after?: readonly SqlValue[]): Promise<Row[]>;
}

/** Makes the tables of a new store. */
export async function makeTables(
	database: Pick<Migrating, "run">,
	dialect: Dialect,
	{ all }: { readonly all: readonly DeclaredTable[] },
	meta: Meta,
): Promise<void> {
	for (const table of all) await addTable(database, dialect, table);
	const text = `CREATE TABLE ${dialect.table(META)} ${dialect.metaColumns}`;
	await database.run({ text, values: [] });
	await setMeta(database, dialect, meta);
}

/**
 * Brings the tables from an older version to the newest. Throws `internal` when a row cannot be
 * made into another, and what the database throws.
 */
export async function migrate(
	database: Migrating,
	dialect: Dialect,
	history: History,
	version: number,
): Promise<void> {
	for (const change of history.changesSince(version))
		await carryOut(database, dialect, change);
	await setMeta(database, dialect, newestMeta(history));
}

async function setMeta(
	database: Pick<Migrating, "run">,
	dialect: Dialect,
	meta: Meta,
): Promise<void> {
	for (const [name, value] of meta)
		await database.run(setMetaStatement(dialect, META, name, value));
}

async function carryOut(
	database: Migrating,
	dialect: Dialect,
	change: TableChange,
): Promise<void> {
	const run = (text: string) => database.run({ text, values: [] });
	switch (change.kind) {
		case "add-table":
			return addTable(database, dialect, change.after);
		case "drop-table":
			return run(dropTableStatement(dialect, change.before.name));
		case "add-index":
			return run(createIndexStatement(dialect, change.after, change.index));
		case "drop-index":
			return run(dropIndexStatement(dialect, change.before, change.index));
		case "add-column": {
			const { before, after, column, value } = change;
			if (dialect.options(before) !== dialect.options(after))
				return rewriteAll(database, dialect, before, after, (row) => ({
					...row,
					[column.name]: value,
				}));
			rowValues(before, [column], { [column.name]: value });
			for (const text of addColumnStatements(dialect, after, column, value))
				await run(text);
			return;
		}
		case "drop-column": {
			const { before, after, column } = change;
			if (dialect.options(before) === dialect.options(after))
				return run(dropColumnStatement(dialect, before, column));
			return rewriteAll(database, dialect, before, after, (row) => {
				const { [column.name]: _, ...others } = row;
				return others;
			});
		}
		case "rewrite":
			return rewriteAll(
				database,
				dialect,
				change.before,
				change.after,
				change.row,
			);
	}
}

async function addTable(
	database: Pick<Migrating, "run">,
	dialect: Dialect,
	table: DeclaredTable,
): Promise<void> {
	await database.run({
		text: createTableStatement(dialect, table),
		values: [],
	});
	for (const index of table.indexes.keys())
		await database.run({
			text: createIndexStatement(dialect, table, index),
			values: [],
		});
}

/** The new rows stand under a name of their own until the old ones are gone. Nothing of it is kept in memory but a batch. */
async function rewriteAll(
	database: Migrating,
	dialect: Dialect,
	before: DeclaredTable,
	after: DeclaredTable,
	rewrite: (row: Row) => Row | undefined,
): Promise<void> {
	const run = (text: string) => database.run({ text, values: [] });
	const draft: DeclaredTable = { ...after, name: `${after.name}:new` };
	await run(createTableStatement(dialect, draft));
	const read: CheckedRead = {
		table: before,
		index: undefined,
		order: before.key,
		equals: [],
		above: undefined,
		below: undefined,
		descending: false,
		limit: SCAN_ROWS,
		skip: 0,
	};
	let last: readonly SqlValue[] | undefined;
	for (;;) {
		const rows = await database.rows(read, last);
		const writes = rows.flatMap((row) => {
			const made = rewritten(after, rewrite, row);
			return made === undefined
				? []
				: [
						writeStatement(dialect, {
							kind: "insert",
							table: draft,
							values: made,
						}),
					];
		});
		await Promise.all(writes.map((statement) => database.run(statement)));
		const newest = rows.at(-1);
		if (newest === undefined || rows.length < SCAN_ROWS) break;
		last = before.key.map((name) => newest[name] as SqlValue);
	}
	await run(dropTableStatement(dialect, before.name));
	await run(renameTableStatement(dialect, draft.name, after.name));
	for (const index of after.indexes.keys())
		await run(createIndexStatement(dialect, after, index));
}

/** The values of a row's successor, or nothing when it has none. */
function rewritten(
	after: DeclaredTable,
	rewrite: (row: Row) => Row | undefined,
	row: Row,
): SqlValue[] | undefined {
	try {
		const made = rewrite(row);
		return made && rowValues(after, after.columns, made);
	} catch (cause) {
		throw new TetradError(
			"internal",
			`a row of the table ${after.name} could not be brought to the next version; nothing was changed`,
			{ cause },
		);
	}
}
