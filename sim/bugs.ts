/* Plants each bug in processes of its own, as many at once as there are cores, and tells which seed finds it. */
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { execPath, stdout } from "node:process";
import { fileURLToPath } from "node:url";
import { THEME_OF } from "./bug-themes.ts";
import { PLANTED } from "./planted.ts";
import type { Figures } from "./simulate.ts";

interface Found {
	readonly name: string;
	readonly what: string;
	/** So many worlds were made, the one that failed among them. */
	readonly seeds: number;
	/** Of these; of any unless given. */
	readonly theme: string | undefined;
	readonly cpuSeconds: number;
	/** Nothing when it was not found. */
	readonly invariant: string | undefined;
}

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));
const DOCUMENT = new URL("../docs/internals/planted-bugs.md", import.meta.url);
const HEAD =
	"| bug | what it does | found by | worlds | CPU, s |\n|---|---|---|---|---|\n";

/** Tries the worlds from seed 1 on: those of the bug's theme, if it has one. */
export async function findBug(name: string, seeds: number): Promise<Found> {
	const theme = THEME_OF.get(name);
	const args = ["--bug", name, "--json", "--seed", "1", "--runs", `${seeds}`];
	if (theme !== undefined) args.push("--theme", theme);
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
		theme,
		cpuSeconds: figures.cpuSeconds,
		invariant: figures.failed?.invariant,
	};
}

function lineOf(found: Found): string {
	const { name, what, invariant, seeds, theme, cpuSeconds } = found;
	const by = invariant ?? "**not found**";
	const worlds = theme === undefined ? seeds : `${seeds} of ${theme}`;
	return `| ${name} | ${what} | ${by} | ${worlds} | ${cpuSeconds} |\n`;
}

/** The table as it is in the document, by the names of bugs. */
function readTable(text: string): {
	readonly from: number;
	readonly length: number;
	readonly lines: ReadonlyMap<string, string>;
} {
	const from = text.indexOf(HEAD) + HEAD.length;
	const [table = ""] = /^(?:\|.*\n)*/.exec(text.slice(from)) ?? [];
	const lines = [...table.matchAll(/^\| (\S+) .*\n/gm)].map(
		([line, name = ""]) => [name, line] as const,
	);
	return { from, length: table.length, lines: new Map(lines) };
}

/** The exit code: 1 when one of them was not found within so many seeds. With `isSaving` the document has what was found, and of all others what it had. */
export async function findBugs(
	names: readonly string[],
	seeds: number,
	isSaving: boolean,
): Promise<number> {
	const left = [...names];
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
	const all = names.flatMap((name) => found.get(name) ?? []);
	const missed = all.filter(({ invariant }) => invariant === undefined);
	stdout.write(
		`${all.length - missed.length} of ${all.length} found, each within ${Math.max(...all.map((one) => one.seeds))} worlds\n`,
	);
	if (isSaving) {
		const text = readFileSync(DOCUMENT, "utf8");
		const { from, length, lines } = readTable(text);
		const table = Object.keys(PLANTED).map((name) => {
			const one = found.get(name);
			return one === undefined ? (lines.get(name) ?? "") : lineOf(one);
		});
		writeFileSync(
			DOCUMENT,
			text.slice(0, from) + table.join("") + text.slice(from + length),
		);
	}
	return missed.length > 0 ? 1 : 0;
}
