import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { TetradError } from "../../errors.ts";
import { reason, unusable } from "./files.ts";
import { isLockHeld, makeLockFile } from "./lock-file.ts";

/** So long somebody else's work in a home is waited for, in milliseconds. It takes a fraction of that, unless a person is asked for a passphrase. */
const WORK_WITHIN_MS = 5_000;
const LOOK_EVERY_MS = 25;

/**
 * One process at a time may change a home. The lock is SQLite's on an empty file, because the
 * system takes that back from a process that was killed: nothing is ever left locked, and nobody
 * has to judge whether a lock is stale. It is another one than that of a running device, which goes
 * on while it is recertified. What others do there is short and waited for: what was read of the
 * home before may be old by then. Throws `busy` when it is not done within five seconds.
 */
export async function lockHome(home: string): Promise<AsyncDisposable> {
	const path = join(home, "work.lock");
	let database: DatabaseSync | undefined;
	try {
		await makeLockFile(path);
		database = new DatabaseSync(path, { timeout: 0 });
		const until = performance.now() + WORK_WITHIN_MS;
		while (!isTaken(database)) {
			if (performance.now() >= until)
				throw new TetradError(
					"busy",
					`another process is at work in ${home}; wait until it is done, and try again`,
				);
			await pause(LOOK_EVERY_MS);
		}
		const held = database;
		return { [Symbol.asyncDispose]: async () => held.close() };
	} catch (thrown) {
		database?.close();
		if (thrown instanceof TetradError) throw thrown;
		throw unusable(`cannot lock ${path}: ${reason(thrown)}`, thrown);
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
