/* Plants each bug in a process of its own, and tells which seed finds it. */
import { spawn } from "node:child_process";
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

async function findBug(name: string, seeds: number): Promise<Found> {
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

/** The exit code: 1 when one of them was not found within so many seeds. */
export async function findBugs(seeds: number): Promise<number> {
	stdout.write(
		"| bug | what it does | found by | worlds | CPU, s |\n|---|---|---|---|---|\n",
	);
	let isMissed = false;
	for (const name of Object.keys(PLANTED)) {
		const found = await findBug(name, seeds);
		isMissed ||= found.invariant === undefined;
		const by = found.invariant ?? "**not found**";
		stdout.write(
			`| ${name} | ${found.what} | ${by} | ${found.seeds} | ${found.cpuSeconds} |\n`,
		);
	}
	return isMissed ? 1 : 0;
}
