/* Processes of Node that run test files, and how they ended. */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** Exit codes of plant.ts: a test has failed; the tests wait for what does not come. */
export const ENDS = { failed: 7, idle: 8 } as const;

let entries = 0;

/** Each file's suite begins with it. Node's runner leaves a suite out that has no test yet which a pattern matches. */
export const FIRST_TEST = "its file can be loaded";

export const hrefOf = (root: string, file: string): string =>
	pathToFileURL(join(root, file)).href;

/** Writes the module that runs some test files in one process; each is a suite by its own path. */
export function entryOf(
	root: string,
	folder: string,
	files: readonly string[],
): string {
	const entry = join(folder, `tests-${++entries}.mjs`);
	writeFileSync(
		entry,
		`import { test } from "node:test";
import { runInOneProcess } from ${JSON.stringify(hrefOf(root, "tools/one-process.ts"))};
const names = new Map(${JSON.stringify(files.map((file) => [join(root, file), file]))});
await runInOneProcess([...names.keys()], (path) => names.get(path), () => {
	test(${JSON.stringify(FIRST_TEST)}, () => {});
});
`,
	);
	return entry;
}

/** Who waits for so long, in milliseconds, waits for nothing that comes. */
const WAITS_MS = 900_000;

export interface RunOptions {
	readonly root: string;
	readonly args: readonly string[];
	readonly env: Readonly<Record<string, string | undefined>>;
	/** CPU seconds after which the system kills it. */
	readonly mostSeconds?: number;
}

export function runNode({ root, args, env, mostSeconds }: RunOptions): Promise<{
	readonly code: number | null;
	readonly signal: NodeJS.Signals | null;
}> {
	const limit = mostSeconds === undefined ? "" : `ulimit -t ${mostSeconds}; `;
	const child = spawn(
		"/bin/sh",
		["-c", `${limit}exec "$@"`, "sh", process.execPath, ...args],
		{ cwd: root, stdio: "ignore", env: { ...process.env, ...env } },
	);
	return new Promise((settle, reject) => {
		const timer = setTimeout(() => child.kill("SIGKILL"), WAITS_MS);
		child.once("error", reject);
		child.once("close", (code, signal) => {
			clearTimeout(timer);
			settle({ code, signal });
		});
	});
}
