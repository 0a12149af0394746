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

/** A test file that reaches it, and how long it takes with nothing changed. */
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

/** Far more than a test takes on a machine that is busy. */
const PATIENCE = { factor: 12, seconds: 20 };

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
	const child = spawn(
		process.execPath,
		["--import", href("tools/mutation/plant.ts"), entry],
		{
			cwd: root,
			stdio: "ignore",
			env: { ...process.env, TETRAD_MUTANT: JSON.stringify(mutant) },
		},
	);
	return new Promise((settle, reject) => {
		let isLate = false;
		const timer = setTimeout(
			() => {
				isLate = true;
				child.kill("SIGKILL");
			},
			(seconds * PATIENCE.factor + PATIENCE.seconds) * 1000,
		);
		child.once("error", reject);
		child.once("close", (code) => {
			clearTimeout(timer);
			settle(isLate ? "timed-out" : code === 0 ? "passed" : "killed");
		});
	});
}
