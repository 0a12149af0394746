import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { isLockHeld, makeLockFile } from "./lock-file.ts";

const LOOK_EVERY_MS = 25;

/**
 * Waits for the lock on a file, which is made if it is missing, for so many milliseconds, and
 * resolves with `undefined` when somebody else had it all that time. The lock is SQLite's on an
 * empty file, because the system takes that back from a process that was killed: nothing is ever
 * left locked, and nobody has to judge whether a lock is stale. Rejects as files, SQLite
 * and the signal do.
 */
export async function waitForLock(
	path: string,
	withinMs: number,
	signal?: AbortSignal,
): Promise<AsyncDisposable | undefined> {
	await makeLockFile(path);
	const database = new DatabaseSync(path, { timeout: 0 });
	try {
		const until = performance.now() + withinMs;
		while (!isTaken(database)) {
			if (performance.now() >= until) {
				database.close();
				return undefined;
			}
			await pause(LOOK_EVERY_MS, undefined, signal && { signal });
		}
		return { [Symbol.asyncDispose]: async () => database.close() };
	} catch (thrown) {
		database.close();
		throw thrown;
	}
}

/** Takes the lock, unless somebody else has it. */
function isTaken(database: DatabaseSync): boolean {
	try {
		// A journal on the disk would be of no use, and needs room there.
		database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
		return true;
	} catch (thrown) {
		if (isLockHeld(thrown)) return false;
		throw thrown;
	}
}
