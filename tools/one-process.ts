/* Test files that run one after another in this process, each in a suite with its own hooks. */
import { after, before, beforeEach, describe } from "node:test";
import { pathToFileURL } from "node:url";
import { cpuSeconds, report } from "./report-cpu.ts";

/** How long one test may wait for nothing that is to come by itself. */
const PATIENCE_MS = 30_000;

/** Runs them; paths are absolute, `nameOf` says what a suite is called, and `begin` may declare tests ahead of each file's own. */
export async function runInOneProcess(
	files: readonly string[],
	nameOf: (file: string) => string,
	begin: () => void = () => {},
): Promise<void> {
	// A test may wait for what does not keep a process alive, as a carrier's timers do not.
	const alive = setTimeout(() => {}, PATIENCE_MS);
	beforeEach(() => void alive.refresh());
	let left = files.length;
	const end = () => {
		if (--left === 0) clearTimeout(alive);
	};
	for (const file of files)
		await describe(nameOf(file), async () => {
			const atFirst = cpuSeconds();
			let start = atFirst;
			before(() => {
				start = cpuSeconds();
			});
			begin();
			try {
				await import(pathToFileURL(file).href);
			} catch (thrown) {
				end();
				throw thrown;
			}
			const loading = cpuSeconds() - atFirst;
			after(() => {
				report(file, loading + cpuSeconds() - start);
				end();
			});
		});
}
