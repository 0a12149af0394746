/*
 * What an audit says when one cell or row of a busy ledger is another one, table by table, as text
 * in which nothing is random. `npx node test/write-down.ts` writes it anew into
 * audit-changes.txt.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { LEDGER_SCHEMA, type Row } from "../../src/money/index.ts";
import { sameBytes } from "../../src/wire/index.ts";
import {
	type BusyLedger,
	type Cell,
	isOneOfMany,
	makeBusyLedger,
} from "./busy-ledger.ts";

const FILE = new URL("audit-changes.txt", import.meta.url);

/** Tables that an audit reads nothing of by itself. */
const NOT_AUDITED = ["heads"];

export const AUDITED: readonly string[] = LEDGER_SCHEMA.tables
	.map(({ name }) => name)
	.filter((name) => !NOT_AUDITED.includes(name));

/** Rows of a table in the place of one of them, by what is done to it. */
type Change = readonly [what: string, rows: readonly Row[]];

function changesOf(
	ledger: BusyLedger,
	table: string,
	place: number,
): readonly Change[] {
	const rows = ledger.rows[table] ?? [];
	const row = rows[place] as Row;
	const cells = Object.entries(row).flatMap(([column, cell]) => {
		const others = rows.map((other) => other[column] as Cell);
		return otherCells(cell, others, place).map(
			([what, other]): Change => [
				`${column} ${what}`,
				rows.with(place, { ...row, [column]: other }),
			],
		);
	});
	return [
		["deleted", rows.toSpliced(place, 1)],
		["there twice", rows.toSpliced(place, 0, row)],
		...cells,
	];
}

function otherCells(
	cell: Cell,
	others: readonly Cell[],
	place: number,
): readonly (readonly [what: string, cell: Cell])[] {
	switch (typeof cell) {
		case "bigint":
			return [
				["+ 1", cell + 1n],
				["- 1", cell - 1n],
			];
		case "string":
			// What is free text is another one in each ledger.
			return [...new Set(others), "another"]
				.filter((other) => other !== cell && /^[a-z-]+$/.test(`${other}`))
				.map((other) => [`= ${other}`, other]);
		default: {
			const other = cell.length === 0 ? new Uint8Array(1) : cell.slice();
			const last = other.length - 1;
			other[last] = (other[last] ?? 0) ^ 1;
			const next = others[(place + 1) % others.length] as Uint8Array;
			return [
				["with another last byte", other],
				...(sameBytes(next, cell) ? [] : [["of the next row", next] as const]),
			];
		}
	}
}

/** How often each problem was told of all rows of a table together. */
export function whatChangesCome(ledger: BusyLedger, table: string): string {
	const rows = ledger.rows[table] ?? [];
	const told = new Map<string, Map<string, number>>();
	for (const [place, row] of rows.entries()) {
		if (isOneOfMany(ledger, table, row)) continue;
		for (const [what, changed] of changesOf(ledger, table, place)) {
			const { problems, balanced } = ledger.audit({
				...ledger.rows,
				[table]: changed,
			});
			if (balanced !== (problems.length === 0))
				throw new Error("an audit does not say whether it found something");
			const name = `${table} ${what}`;
			const counts = told.get(name) ?? new Map<string, number>();
			told.set(name, counts);
			for (const problem of problems.length === 0 ? ["nothing"] : problems) {
				const text = withoutNames(problem);
				counts.set(text, (counts.get(text) ?? 0) + 1);
			}
		}
	}
	return [...told]
		.map(([what, counts]) =>
			[
				what,
				...[...counts]
					.map(([problem, count]) => `\t${count} × ${problem}`)
					.toSorted(),
			].join("\n"),
		)
		.join("\n");
}

/** What differs from one ledger to another is left out. */
const withoutNames = (problem: string) =>
	problem
		.replaceAll(/[0-9a-f]{16,}|\d+(\.\d+){7}/g, "…")
		.replaceAll(/-?\b\d+/g, "N");

/** The sections of the file, by their tables. */
export function expectedChanges(): ReadonlyMap<string, string> {
	return new Map(
		readFileSync(FILE, "utf8")
			.trim()
			.split("\n\n")
			.map((section) => [section.split(" ", 1)[0] ?? "", section]),
	);
}

export async function writeDown(): Promise<void> {
	const ledger = await makeBusyLedger();
	const sections = AUDITED.map((table) => whatChangesCome(ledger, table));
	writeFileSync(FILE, `${sections.join("\n\n")}\n`);
}
