/*
 * Whatever the rooms that hold keys and money export that is plain data, as text: lists of words,
 * tables, names and numbers. `npx node test/write-down.ts` writes it into constants.txt.
 */
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { hex } from "../../src/wire/index.ts";
import { MEASURED_ROOMS } from "../../tools/branch-coverage.ts";

const ROOT = new URL("../../", import.meta.url);
const FILE = new URL("constants.txt", import.meta.url);

/** Front doors; and limits, which docs/internals/limits.md has, and tables, which test/store has. */
const HELD_ELSEWHERE = /(index|limits|parameters|tables)\.ts$/;

/** Nothing for what is no data, or has something in it that is none. */
function said(value: unknown): string | undefined {
	switch (typeof value) {
		case "bigint":
			return `${value}n`;
		case "string":
			return JSON.stringify(value);
		case "function":
		case "symbol":
			return undefined;
		case "object": {
			if (value === null) return "null";
			if (value instanceof Uint8Array) return `bytes ${hex(value)}`;
			if (value instanceof Map) return listed("map", [...value].flat());
			if (value instanceof Set) return listed("set", [...value]);
			if (Array.isArray(value)) return listed("list", value);
			const isPlain = Object.getPrototypeOf(value) === Object.prototype;
			return isPlain ? listed("", Object.entries(value).flat()) : undefined;
		}
		default:
			return String(value);
	}
}

function listed(name: string, values: readonly unknown[]): string | undefined {
	const all = values.map(said);
	return all.includes(undefined) ? undefined : `${name}(${all.join(", ")})`;
}

/** A line for each. What is exported by a front door stands under the file that it is of. */
export async function constants(): Promise<string> {
	const files = MEASURED_ROOMS.flatMap((room) =>
		globSync(`src/${room}/**/*.ts`, { cwd: ROOT })
			.filter((file) => !HELD_ELSEWHERE.test(file))
			.sort(),
	);
	const lines: string[] = [];
	for (const file of files) {
		const exported: object = await import(new URL(file, ROOT).href);
		for (const [name, value] of Object.entries(exported).sort(([a], [b]) =>
			a < b ? -1 : 1,
		)) {
			const text = said(value);
			if (text !== undefined) lines.push(`${file} ${name}: ${text}`);
		}
	}
	return `${lines.join("\n")}\n`;
}

export const writtenDown = (): string => readFileSync(FILE, "utf8");

export async function writeDown(): Promise<void> {
	writeFileSync(FILE, await constants());
}
