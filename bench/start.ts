import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
	type BenchOptions,
	type BenchResult,
	median,
	round,
} from "./measure.ts";

const PROGRAM: string = fileURLToPath(
	new URL("../bin/tetrad.js", import.meta.url),
);

/** User and system time of one process of Node.js, in milliseconds, taken from the shell that waits for it. */
function cpuMs(args: readonly string[]): number {
	const { stderr, status } = spawnSync(
		"bash",
		[
			"-c",
			'TIMEFORMAT="%U %S"; time "$@" >/dev/null 2>&1',
			"start",
			process.execPath,
			...args,
		],
		{ encoding: "utf8" },
	);
	if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}`);
	const [user = 0, system = 0] = stderr.trim().split(" ").map(Number);
	return (user + system) * 1000;
}

/** CPU time until a command that does next to nothing is over, beside an empty script of the same Node. */
export async function benchStart({
	rounds,
	tell,
}: BenchOptions): Promise<BenchResult> {
	const folder = mkdtempSync(join(tmpdir(), "tetrad-bench-start-"));
	const empty = join(folder, "empty.mjs");
	writeFileSync(empty, "");
	const contestants: readonly (readonly [string, readonly string[]])[] = [
		["empty script", [empty]],
		["tetrad --version", [PROGRAM, "--version"]],
		["tetrad --help", [PROGRAM, "--help"]],
		["tetrad purse --help", [PROGRAM, "purse", "--help"]],
	];
	const taken = contestants.map((): number[] => []);
	try {
		for (let i = -1; i < rounds; i++) {
			for (const [at, [, args]] of contestants.entries()) {
				const ms = cpuMs(args);
				if (i >= 0) taken[at]?.push(ms);
			}
			if (i >= 0) tell(`round ${i + 1} of ${rounds}`);
		}
	} finally {
		rmSync(folder, { recursive: true });
	}
	const base = median(taken[0] ?? []);
	const report = contestants.map(([name], at) => {
		const ms = median(taken[at] ?? []);
		return { name, cpuMs: round(ms), ratio: round(ms / base) };
	});
	return {
		report,
		lines: [
			"CPU time, user and system, of a process from its start to its end:",
			...report.map(
				({ name, cpuMs, ratio }) =>
					`  ${name.padEnd(20)} ${cpuMs} ms, ${ratio} times an empty script`,
			),
		],
	};
}
