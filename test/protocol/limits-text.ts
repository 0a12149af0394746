/*
 * The limits of all rooms, as docs/internals/limits.md has them. `npx node
 * test/protocol/limits-text.ts` writes it anew.
 */
import { globSync, readFileSync, writeFileSync } from "node:fs";

const ROOT = new URL("../../", import.meta.url);
const FILE = new URL("docs/internals/limits.md", ROOT);

const SOURCES = ["src/**/*limits.ts", "src/tetrad/parameters.ts"];

const HEAD = `# Limits

Every queue, size, count and time that something is held to, as it stands in the code. A test compares the two: a limit changes only where this page does, too, so that whoever reviews it sees it. Bytes, milliseconds and counts, as the names and the comments beside them say. What both ends of a conversation have to agree on stands in [protocol.md](../protocol.md), [money.md](../money.md) and [trade.md](../trade.md) as well.
`;

/** Numbers by their names, those within others by both. */
function numbersIn(name: string, value: unknown): readonly string[] {
	switch (typeof value) {
		case "number":
		case "bigint":
			return [`| \`${name}\` | ${value} |`];
		case "object": {
			if (value === null || ArrayBuffer.isView(value)) return [];
			return Object.entries(value).flatMap(([key, inner]) =>
				numbersIn(`${name}.${key}`, inner),
			);
		}
		default:
			return [];
	}
}

async function sectionOf(file: string): Promise<readonly string[]> {
	const exported: object = await import(new URL(file, ROOT).href);
	const numbers = Object.entries(exported)
		.toSorted(([a], [b]) => (a < b ? -1 : 1))
		.flatMap(([name, value]) => numbersIn(name, value));
	if (numbers.length === 0) return [];
	const table = ["| limit | value |", "|---|---|", ...numbers];
	return [`## ${file}\n\n${table.join("\n")}\n`];
}

export async function limitsText(): Promise<string> {
	const files = globSync(SOURCES, { cwd: ROOT }).sort();
	const sections = await Promise.all(files.map(sectionOf));
	return [HEAD, ...sections.flat()].join("\n");
}

export const writtenDown = (): string => readFileSync(FILE, "utf8");

if (import.meta.main) writeFileSync(FILE, await limitsText());
