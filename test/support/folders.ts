/* Folders for a test. Whatever happens to it, none outlives the process that made it. */
import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folders = new Set<string>();

process.on("exit", () => {
	for (const folder of folders)
		rmSync(folder, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
	process.once(signal, () => process.exit(1));

/** A new folder, removed at the end of the scope. */
export async function temporaryFolder(): Promise<
	{ readonly path: string } & AsyncDisposable
> {
	const path = await mkdtemp(join(tmpdir(), "tetrad-test-"));
	folders.add(path);
	return {
		path,
		async [Symbol.asyncDispose]() {
			// A process that was killed a moment ago may still write into it.
			await rm(path, { recursive: true, force: true, maxRetries: 10 });
			folders.delete(path);
		},
	};
}
