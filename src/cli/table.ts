import Table, { type TableConstructorOptions } from "cli-table3";
import { bold } from "./voice.ts";
import { columnsOf, terminalWidth, wrapped } from "./wrap.ts";

const PLAIN_TABLE: TableConstructorOptions = {
	chars: {
		top: "",
		"top-mid": "",
		"top-left": "",
		"top-right": "",
		bottom: "",
		"bottom-mid": "",
		"bottom-left": "",
		"bottom-right": "",
		left: "  ",
		"left-mid": "",
		mid: "",
		"mid-mid": "",
		right: "",
		"right-mid": "",
		middle: "  ",
	},
	style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
};

/**
 * A table without lines. What stands in it must be safe to print. Where it is wider than `width`,
 * the terminal's unless given, each row is a paragraph of its own instead.
 */
export function plainTable(
	head: readonly string[],
	rows: readonly (readonly string[])[],
	{
		width = terminalWidth(),
		right = [],
	}: {
		readonly width?: number | undefined;
		/** Columns of numbers. */
		readonly right?: readonly number[];
	} = {},
): string[] {
	const table = new Table({
		head: head.map(bold),
		colAligns: head.map((_, i) => (right.includes(i) ? "right" : "left")),
		...PLAIN_TABLE,
	});
	table.push(...rows.map((row) => [...row]));
	const lines = table
		.toString()
		.split("\n")
		.map((line) => line.trimEnd());
	return width === undefined || lines.every((line) => columnsOf(line) <= width)
		? lines
		: rows.flatMap((row, i) => [
				...(i === 0 ? [] : [""]),
				...paragraph(head, row, width),
			]);
}

/** What is in a row, each below the other under its name. */
function paragraph(
	head: readonly string[],
	row: readonly string[],
	width: number,
): string[] {
	return row.flatMap((cell, i) => {
		const name = head[i] ?? "";
		const text = cell.trim();
		if (text === "") return [];
		const line = name === "" ? `  ${text}` : `  ${bold(`${name}:`)} ${text}`;
		return wrapped(line, width, { hanging: "    " });
	});
}
