/*
 * What is known of each target: inputs of our own making, a line of base64 for each, in a file for
 * each target. Structures get theirs from real runs, and documents theirs from structures.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const FOLDER = new URL("corpus/", import.meta.url);

/** Larger inputs are not kept: mutations of smaller ones reach as much. */
const MOST_BYTES = 4_096;

/** Of one target, beside its first input; and how many inputs. */
const MOST_TOGETHER = 1_000;
const MOST_INPUTS = 12;

function fileOf(target: string): string {
	const name = target.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
	return fileURLToPath(new URL(`${name}.txt`, FOLDER));
}

/** Nothing where there is no corpus yet. */
export function readCorpus(target: string): readonly Uint8Array[] {
	let content: string;
	try {
		content = readFileSync(fileOf(target), "utf8");
	} catch (thrown) {
		if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return [];
		throw thrown;
	}
	return content
		.split("\n")
		.filter((line) => line !== "")
		.map((line) => new Uint8Array(Buffer.from(line, "base64")));
}

/** In the place of what was known, the most valuable first. Answers how many are kept. */
export function writeCorpus(
	target: string,
	inputs: readonly Uint8Array[],
): number {
	let left = MOST_TOGETHER;
	const lines = inputs
		.filter(({ length }) => length > 0 && length <= MOST_BYTES)
		.filter(({ length }, at) => {
			if (at > 0) left -= length;
			return left >= 0;
		})
		.slice(0, MOST_INPUTS)
		.map((input) => Buffer.from(input).toString("base64"));
	const path = fileOf(target);
	mkdirSync(dirname(path), { recursive: true });
	if (lines.length > 0) writeFileSync(path, `${lines.join("\n")}\n`);
	return lines.length;
}
