/*
 * Text from somebody else, for a model to read. A model cannot be kept from believing what it reads,
 * but it can be kept from reading what nobody sees: what is hidden between the letters, orders that
 * are written backwards, and what would move a terminal's cursor is replaced.
 */

/** Sequences that terminals obey (ECMA-48): CSI, OSC and those of two characters. */
const TERMINAL =
	// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
	/(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b\]|\u009d)[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?|\u001b[ -/]*[0-~]/g;

/** What is not seen, or changes the order of what is: controls, formats, tags, fillers, selectors, and what has no meaning yet. */
const HIDDEN = /[\p{C}\p{Zl}\p{Zp}\p{DI}\u2800]+/gu;

/** The same but for tabs and line ends. */
const HIDDEN_IN_LINES = /(?:(?![\n\t])[\p{C}\p{Zl}\p{Zp}\p{DI}\u2800])+/gu;

const REPLACEMENT = "\ufffd";

/** On one line, and no longer than so many characters. */
export function shownLine(text: string, most: number): string {
	const line = text
		.replace(/\r\n|[\n\r\t]/g, " ")
		.replace(TERMINAL, "\0")
		.replace(HIDDEN, REPLACEMENT)
		.replace(/\p{Zs}+/gu, " ");
	return cut(line, most);
}

/** With the lines that it has. */
export function shownLines(text: string, most: number): string {
	const lines = text
		.replace(/\r\n?/g, "\n")
		.replace(TERMINAL, "\0")
		.replace(HIDDEN_IN_LINES, REPLACEMENT);
	return cut(lines, most);
}

/** Whether a text is what it looks like, so that whoever has read it can say it again. */
export function isPlain(text: string): boolean {
	return shownLine(text, text.length) === text;
}

function cut(text: string, most: number): string {
	const characters = [...text];
	return characters.length <= most
		? text
		: `${characters.slice(0, most).join("")}…`;
}
