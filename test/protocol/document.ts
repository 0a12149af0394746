/* The tables of docs/protocol.md, as data. */
import { readFileSync } from "node:fs";

export interface Table {
	/** The heading that it stands under. */
	readonly heading: string;
	readonly columns: readonly string[];
	readonly rows: readonly Readonly<Record<string, string>>[];
}

export const DOCUMENT: string = readFileSync(
	new URL("../../docs/protocol.md", import.meta.url),
	"utf8",
);

const cells = (line: string): string[] =>
	line
		.slice(1, -1)
		.split("|")
		.map((cell) => cell.trim());

/** The tables of a page in Markdown, in order. */
export function parseTables(text: string): Table[] {
	const tables: Table[] = [];
	let heading = "";
	let block: string[] = [];
	for (const line of [...text.split("\n"), ""]) {
		if (line.startsWith("|")) {
			block.push(line);
			continue;
		}
		const [head, , ...body] = block;
		if (head !== undefined) {
			const columns = cells(head);
			const rows = body.map((row) =>
				Object.fromEntries(cells(row).map((cell, i) => [columns[i], cell])),
			);
			tables.push({ heading, columns, rows });
		}
		block = [];
		if (line.startsWith("#")) heading = line.replace(/^#+ /, "");
	}
	return tables;
}

const TABLES: readonly Table[] = parseTables(DOCUMENT);

/** The one table under `heading` that starts with the columns `columns`. */
export function table(heading: string, ...columns: readonly string[]): Table {
	return tableIn(TABLES, "docs/protocol.md", heading, columns);
}

/** The same, among the tables of a page. */
export function tableIn(
	tables: readonly Table[],
	page: string,
	heading: string,
	columns: readonly string[],
): Table {
	const found = tables.filter(
		(candidate) =>
			candidate.heading === heading &&
			columns.every((column, i) => candidate.columns[i] === column),
	);
	if (found.length !== 1 || found[0]?.rows.length === 0)
		throw new Error(
			`${page} has ${found.length} tables (${columns.join(", ")}) under "${heading}"`,
		);
	return found[0] as Table;
}

/** The cell of a row that must be there, without the marks of code. */
export function cell(
	row: Readonly<Record<string, string>>,
	column: string,
): string {
	const value = row[column];
	if (value === undefined) throw new Error(`a row has no ${column}`);
	return value.replaceAll("`", "");
}

export interface LayoutField {
	readonly name: string;
	readonly min: number;
	readonly max: number;
}

/** The fields of a message, from "`offer` 1–45, `message1` 64–2432"; `undefined` for one that is not enc. */
export function parseLayout(text: string): LayoutField[] | undefined {
	if (text.startsWith("not enc")) return undefined;
	return text.split(", ").map((field) => {
		const parts = /^`(\w+)` (\d+)(?:–(\d+))?$/.exec(text === "" ? "" : field);
		if (parts === null) throw new Error(`"${field}" is no field`);
		const [, name, min, max] = parts;
		return { name: name as string, min: Number(min), max: Number(max ?? min) };
	});
}

const MESSAGE_TABLES = [
	"Messages between the agents",
	"Messages inside session 2",
	"Messages on a link",
	"Untrusted lists travel",
] as const;

export interface DocumentedMessage {
	readonly message: string;
	readonly routing: "direct" | "crossed" | "both";
	/** Only for a link message. */
	readonly type: number | undefined;
	readonly layout: readonly LayoutField[] | undefined;
}

export const MESSAGES: readonly DocumentedMessage[] = MESSAGE_TABLES.flatMap(
	(heading) =>
		table(
			heading,
			...(heading === "Messages on a link" ? ["type"] : ["message"]),
		).rows.map((row) => ({
			message: cell(row, "message"),
			routing: cell(row, "routing") as DocumentedMessage["routing"],
			type:
				heading === "Messages on a link"
					? Number(cell(row, "type"))
					: undefined,
			layout: parseLayout(row["fields, in order"] ?? ""),
		})),
);

/** The layout of a message in one routing. */
export function layoutOf(
	message: string,
	routing: "direct" | "crossed",
): readonly LayoutField[] {
	const found = MESSAGES.filter(
		(candidate) =>
			candidate.message === message &&
			(candidate.routing === "both" || candidate.routing === routing),
	);
	const layout = found[0]?.layout;
	if (found.length !== 1 || layout === undefined)
		throw new Error(`docs/protocol.md has no one layout of ${message}`);
	return layout;
}
