/* A command that is killed after one of its steps that change the disk. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { run } from "./processes.ts";

const PRELOAD = fileURLToPath(new URL("kill-at-step.mjs", import.meta.url));

/** Gives a command, and fails unless it is killed right after this step. */
export async function killAtStep(
	args: readonly string[],
	step: number,
): Promise<void> {
	const { signal, stderr } = await run(args, {
		env: {
			NODE_OPTIONS: `--import=${PRELOAD}`,
			TETRAD_TEST_KILL_AT: String(step),
		},
	});
	assert.equal(signal, "SIGKILL", stderr);
}
