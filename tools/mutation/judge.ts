/* Whether the tests notice a mutant: those that reach it run, the cheapest ones first, until one fails. */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Mutant } from "./mutants.ts";

/** How a mutant was noticed, or that it was not. */
export type Verdict =
	| { readonly kind: "killed"; readonly by: readonly string[] }
	/** It went on for ever. */
	| { readonly kind: "timed-out"; readonly by: readonly string[] }
	| { readonly kind: "survived"; readonly of: number }
	/** No test reaches it. */
	| { readonly kind: "unreached" };

/** A test file that reaches it, and what CPU time it takes with nothing changed. */
export interface Reaching {
	readonly file: string;
	readonly seconds: number;
}

export interface JudgeOptions {
	readonly root: string;
	/** For the files that bring several tests into one process. */
	readonly folder: string;
	/** Tests that together take longer are not run: they were chosen in the order of their cost. */
	readonly mostSeconds: number;
}

/** So much CPU time more than with nothing changed is a loop without an end, however busy the machine is. */
const PATIENCE = { factor: 6, seconds: 20 };

/** Who waits for so long, in milliseconds, waits for nothing that comes. */
const WAITS_MS = 900_000;

let processes = 0;

export async function judge(
	mutant: Mutant,
	reaching: readonly Reaching[],
	{ root, folder, mostSeconds }: JudgeOptions,
): Promise<Verdict> {
	if (reaching.length === 0) return { kind: "unreached" };
	let left = mostSeconds;
	let [begun, size] = [0, 2];
	while (begun < reaching.length && left > 0) {
		const batch = reaching.slice(begun, begun + size);
		const by = batch.map(({ file }) => file);
		const seconds = batch.reduce((sum, one) => sum + one.seconds, 0);
		const end = await runTogether(mutant, by, seconds, root, folder);
		if (end !== "passed") return { kind: end, by };
		begun += batch.length;
		size *= 2;
		left -= seconds;
	}
	return { kind: "survived", of: begun };
}

/** The tests of some files, one after another in one process with the mutant. */
function runTogether(
	mutant: Mutant,
	files: readonly string[],
	seconds: number,
	root: string,
	folder: string,
): Promise<"passed" | "killed" | "timed-out"> {
	const entry = join(folder, `tests-${++processes}.mjs`);
	const href = (file: string) => pathToFileURL(join(root, file)).href;
	writeFileSync(
		entry,
		`import { runInOneProcess } from ${JSON.stringify(href("tools/one-process.ts"))};
await runInOneProcess(${JSON.stringify(files.map((file) => join(root, file)))}, (file) => file);
`,
	);
	const most = Math.ceil(seconds * PATIENCE.factor + PATIENCE.seconds);
	const child = spawn(
		"/bin/sh",
		[
			...["-c", `ulimit -t ${most}; exec "$@"`, "sh", process.execPath],
			...["--import", href("tools/mutation/plant.ts"), entry],
		],
		{
			cwd: root,
			stdio: "ignore",
			env: { ...process.env, TETRAD_MUTANT: JSON.stringify(mutant) },
		},
	);
	return new Promise((settle, reject) => {
		const timer = setTimeout(() => child.kill("SIGKILL"), WAITS_MS);
		child.once("error", reject);
		child.once("close", (code, signal) => {
			clearTimeout(timer);
			const isLate = signal === "SIGXCPU" || signal === "SIGKILL";
			settle(isLate ? "timed-out" : code === 0 ? "passed" : "killed");
		});
	});
}
