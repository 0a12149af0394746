/* Plants each bug in processes of its own, as many at once as there are cores, and tells which seed finds it. */
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { execPath, stdout } from "node:process";
import { fileURLToPath } from "node:url";
import { PLANTED } from "./planted.ts";
import type { Figures } from "./simulate.ts";

interface Found {
	readonly name: string;
	readonly what: string;
	/** So many worlds were made, the one that failed among them. */
	readonly seeds: number;
	readonly cpuSeconds: number;
	/** Nothing when it was not found. */
	readonly invariant: string | undefined;
}

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));
const DOCUMENT = new URL("../docs/internals/planted-bugs.md", import.meta.url);
const HEAD =
	"| bug | what it does | found by | worlds | CPU, s |\n|---|---|---|---|---|\n";

/** Tries the worlds from seed 1 on. */
export async function findBug(name: string, seeds: number): Promise<Found> {
	const args = ["--bug", name, "--json", "--seed", "1", "--runs", `${seeds}`];
	const child = spawn(execPath, [MAIN, ...args], {
		stdio: ["ignore", "pipe", "inherit"],
	});
	let said = "";
	for await (const part of child.stdout) said += part;
	const figures: Figures = JSON.parse(said);
	return {
		name,
		what: PLANTED[name]?.what ?? "",
		seeds: figures.seeds,
		cpuSeconds: figures.cpuSeconds,
		invariant: figures.failed?.invariant,
	};
}

function lineOf({ name, what, invariant, seeds, cpuSeconds }: Found): string {
	const by = invariant ?? "**not found**";
	return `| ${name} | ${what} | ${by} | ${seeds} | ${cpuSeconds} |\n`;
}

/** The exit code: 1 when one of them was not found within so many seeds. With `isSaving` the document has the new table. */
export async function findBugs(
	seeds: number,
	isSaving: boolean,
): Promise<number> {
	const left = Object.keys(PLANTED);
	const found = new Map<string, Found>();
	const work = async (): Promise<void> => {
		for (let name = left.shift(); name !== undefined; name = left.shift()) {
			const one = await findBug(name, seeds);
			found.set(name, one);
			stdout.write(lineOf(one));
		}
	};
	stdout.write(HEAD);
	await Promise.all(Array.from({ length: availableParallelism() }, work));
	const all = Object.keys(PLANTED).flatMap((name) => found.get(name) ?? []);
	const missed = all.filter(({ invariant }) => invariant === undefined);
	stdout.write(
		`${all.length - missed.length} of ${all.length} found, each within ${Math.max(...all.map((one) => one.seeds))} worlds\n`,
	);
	if (isSaving) {
		const text = readFileSync(DOCUMENT, "utf8");
		const from = text.indexOf(HEAD);
		const table = /^(?:\|.*\n)*/.exec(text.slice(from))?.[0] ?? "";
		writeFileSync(
			DOCUMENT,
			text.slice(0, from) +
				HEAD +
				all.map(lineOf).join("") +
				text.slice(from + table.length),
		);
	}
	return missed.length > 0 ? 1 : 0;
}
