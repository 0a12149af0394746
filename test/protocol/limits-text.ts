/*
 * The limits of the rooms that hold keys and money, as docs/internals/limits.md has them. `npx node test/write-down.ts` writes it anew.
 */
import { globSync, readFileSync, writeFileSync } from "node:fs";
import type { Structure } from "../../src/wire/index.ts";

const ROOT = new URL("../../", import.meta.url);
const FILE = new URL("docs/internals/limits.md", ROOT);

const SOURCES = [
	"src/{session,tetrad,money,trade}/**/*limits.ts",
	"src/tetrad/parameters.ts",
];

const HEAD = `# Limits

Every queue, size, count and time that something is held to in session, tetrad, money and trade, as it stands in the code. A test compares the two: a limit changes only where this page does, too, so that whoever reviews it sees it. Bytes, milliseconds and counts, as the names and the comments beside them say. What both ends of a conversation have to agree on stands in [protocol.md](../protocol.md), [money.md](../money.md) and [trade.md](../trade.md) as well.
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

const MESSAGES = [
	"src/tetrad/messages.ts",
	"src/money/documents/messages.ts",
	"src/trade/documents/agent-messages.ts",
	"src/trade/documents/module-messages.ts",
];

type AnyStructure = Pick<Structure<unknown>, "name" | "fields" | "maxBytes">;

const isStructure = (value: unknown): value is AnyStructure =>
	typeof value === "object" && value !== null && "maxBytes" in value;

/** Messages that a module exports, by themselves or in lists. */
function structuresIn(exported: object): readonly AnyStructure[] {
	return Object.values(exported).flatMap((value: unknown) => {
		if (isStructure(value)) return [value];
		if (typeof value !== "object" || value === null) return [];
		return Object.values(value).flatMap((kind: unknown) => {
			const { body } = (kind ?? {}) as { readonly body?: unknown };
			return isStructure(body) ? [body] : [];
		});
	});
}

async function messagesOf(file: string): Promise<string> {
	const exported: object = await import(new URL(file, ROOT).href);
	const rows = structuresIn(exported).map(({ name, fields, maxBytes }) => {
		const sizes = Object.entries(fields).map(
			([field, { minBytes: min, maxBytes: max }]) =>
				`${field} ${min === max ? min : `${min} to ${max}`}`,
		);
		return `| ${name} | ${sizes.join(", ")} | ${maxBytes} |`;
	});
	const head = ["| message | bytes of its fields | at most |", "|---|---|---|"];
	return [`## Messages of ${file}\n`, ...head, ...rows.toSorted(), ""].join(
		"\n",
	);
}

export async function limitsText(): Promise<string> {
	const files = globSync(SOURCES, { cwd: ROOT }).sort();
	const sections = await Promise.all(files.map(sectionOf));
	const messages = await Promise.all(MESSAGES.map(messagesOf));
	return [HEAD, ...sections.flat(), ...messages].join("\n");
}

export const writtenDown = (): string => readFileSync(FILE, "utf8");

export async function writeDown(): Promise<void> {
	writeFileSync(FILE, await limitsText());
}
