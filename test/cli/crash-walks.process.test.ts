/* The same commands as real processes that are killed, at the first, a middle and a late step. */
import { after, before, describe, test } from "node:test";
import { temporaryFolder } from "../support/folders.ts";
import { killAtStep } from "../support/kill-at-step.ts";
import { run } from "../support/processes.ts";
import { CrashWalks, WALKS } from "./crash-walks.ts";

describe("after a kill the same command goes on:", { concurrency: 2 }, () => {
	let folder: Awaited<ReturnType<typeof temporaryFolder>>;
	let walks: CrashWalks;

	before(async () => {
		folder = await temporaryFolder();
		walks = await CrashWalks.make(folder.path, run);
	});
	after(() => folder[Symbol.asyncDispose]());

	for (const name of WALKS)
		test(name, async () => {
			const walk = await walks[name]();
			for (const step of new Set([1, (walk.steps + 1) >> 1, walk.steps])) {
				await killAtStep(await walk.begin(), step);
				await walk.goesOn();
			}
		});
});
