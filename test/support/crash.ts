/* Commands that are killed at each step that changes the disk, and are then given again. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type Result, run } from "./processes.ts";

const PRELOAD = fileURLToPath(new URL("crash.mjs", import.meta.url));

/** More steps than any command takes. */
const MAX_STEPS = 80;

/**
 * Gives a command in a fresh world for each step that it takes, kills it there, and hands the
 * outcome to `then`. Returns how many crashes there were: those of one way through the command.
 */
export async function crashEverywhere(
	begin: () => Promise<string[]>,
	then: () => Promise<void>,
): Promise<number> {
	for (let step = 1; ; step++) {
		assert.ok(step < MAX_STEPS, "a command comes to its end");
		const { code, signal, stderr }: Result = await run(await begin(), {
			env: {
				NODE_OPTIONS: `--import=${PRELOAD}`,
				TETRAD_TEST_CRASH_AT: String(step),
			},
		});
		const isOver = signal !== "SIGKILL";
		if (isOver) assert.equal(code, 0, stderr);
		await then();
		if (isOver) return step - 1;
	}
}
