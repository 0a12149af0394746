import Table, { type TableConstructorOptions } from "cli-table3";
import { bold } from "./voice.ts";

export const PLAIN_TABLE: TableConstructorOptions = {
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

/** A table without lines. What stands in it must be safe to print. */
export function plainTable(
	head: readonly string[],
	rows: readonly (readonly string[])[],
): string[] {
	const table = new Table({ head: head.map(bold), ...PLAIN_TABLE });
	table.push(...rows.map((row) => [...row]));
	return table.toString().split("\n");
}
