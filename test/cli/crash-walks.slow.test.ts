/* Each command that changes homes, on a disk that stops after each of its steps in turn. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { runInProcess } from "../support/command-in-process.ts";
import { temporaryFolder } from "../support/folders.ts";
import { StoppingDisk } from "../support/stopping-disk.ts";
import { CrashWalks, WALKS } from "./crash-walks.ts";

/** More steps than any command takes. */
const MAX_STEPS = 80;

describe("after a crash at any step the same command goes on:", () => {
	let folder: Awaited<ReturnType<typeof temporaryFolder>>;
	let walks: CrashWalks;
	let disk: StoppingDisk;

	before(async () => {
		folder = await temporaryFolder();
		walks = await CrashWalks.make(folder.path, runInProcess);
		disk = await StoppingDisk.install();
	});
	after(async () => {
		disk[Symbol.dispose]();
		await folder[Symbol.asyncDispose]();
	});

	for (const name of WALKS)
		test(name, async (t) => {
			const walk = await walks[name]();
			for (let step = 1; ; step++) {
				assert.ok(step < MAX_STEPS, "a command comes to its end");
				const args = await walk.begin();
				const said = await disk.run(step, () => runInProcess(args));
				if (said !== undefined) assert.equal(said.code, 0, said.stderr);
				try {
					await walk.goesOn();
				} catch (cause) {
					throw new Error(`after step ${step}`, { cause });
				}
				if (said !== undefined) {
					t.diagnostic(`${step - 1} steps`);
					assert.ok(step > walk.steps, `${step - 1} steps`);
					return;
				}
			}
		});
});
