/* Lines that fit into a terminal, broken between words and never inside one. */
/** A text without what gives it colour. */
export function visible(text: string): string {
	// The module of it is loaded here, because it brings along more than a whole help text needs.
	return process.getBuiltinModule("node:util").stripVTControlCharacters(text);
}

/** How many columns a text takes. */
export function columnsOf(text: string): number {
	return [...visible(text)].length;
}

/**
 * One line as several of at most `width` columns. The next ones begin with `hanging`, and all but
 * the last end with `end`. A word that is wider has a line of its own. No line ends with a blank.
 */
export function wrapped(
	line: string,
	width: number,
	{ hanging = "", end = "" }: { hanging?: string; end?: string } = {},
): string[] {
	if (columnsOf(line) <= width) return [line.trimEnd()];
	const [, indent = "", text = ""] = /^(\s*)(.*)$/su.exec(line) ?? [];
	const lines: string[] = [];
	let current = indent;
	let isEmpty = true;
	for (const word of text.split(/(?<=\S)(?=\s)/u)) {
		const isFitting =
			columnsOf(current) + columnsOf(word) + columnsOf(end) <= width;
		if (!isEmpty && !isFitting) {
			lines.push(current.trimEnd() + end);
			current = hanging + word.trimStart();
		} else current += word;
		isEmpty = false;
	}
	return [...lines, current.trimEnd()];
}

/** The columns of a terminal; `undefined` for what is no terminal, where lines may have any length. */
export function terminalWidth(
	stream: NodeJS.WriteStream = process.stdout,
): number | undefined {
	return stream.isTTY && stream.columns > 0 ? stream.columns : undefined;
}

/** A command in a help text: indented, and going over several lines in the way of a shell. */
const COMMAND = /^ {4,}\S/;

/** A help text whose lines fit, and end with no blank. */
export function fitting(text: string, width: number | undefined): string {
	return text
		.split("\n")
		.flatMap((line) => {
			if (width === undefined) return [line.trimEnd()];
			const indent = /^ */.exec(line)?.[0] ?? "";
			return COMMAND.test(line)
				? wrapped(line, width, { hanging: `${indent}  `, end: " \\" })
				: wrapped(line, width, { hanging: indent });
		})
		.join("\n");
}
