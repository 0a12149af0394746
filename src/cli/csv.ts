/*
 * Comma-separated values, as spreadsheets and programs read them (RFC 4180, with a header). A cell
 * that a spreadsheet would take for a formula begins with an apostrophe instead: names and texts
 * come from peers.
 */

/** What makes a formula of a cell when it comes first, in one spreadsheet or another. */
const FORMULA = /^[=+\-@\t\r]/;

const NEEDS_QUOTES = /[",\r\n]/;

/** A table as CSV, each line with CRLF at its end. */
export function csv(
	head: readonly string[],
	rows: readonly (readonly string[])[],
): string {
	return [head, ...rows]
		.map((cells) => `${cells.map(cell).join(",")}\r\n`)
		.join("");
}

function cell(text: string): string {
	const harmless = FORMULA.test(text) ? `'${text}` : text;
	return NEEDS_QUOTES.test(harmless)
		? `"${harmless.replaceAll('"', '""')}"`
		: harmless;
}
