import { open } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { TetradError } from "../../errors.ts";
import { reason, unusable } from "./files.ts";

/** SQLITE_BUSY: somebody else holds the lock. */
const BUSY = 5;

/**
 * One process at a time may change a home. The lock is SQLite's on an empty file, because the
 * system takes that back from a process that was killed: nothing is ever left locked, and nobody
 * has to judge whether a lock is stale. It is another one than that of a running device, which goes
 * on while it is recertified. Throws `busy` while another process has it.
 */
export async function lockHome(home: string): Promise<AsyncDisposable> {
	const path = join(home, "work.lock");
	let database: DatabaseSync | undefined;
	try {
		await (await open(path, "a", 0o600)).close();
		database = new DatabaseSync(path, { timeout: 0 });
		// A journal on the disk would be of no use, and needs room there.
		database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
		const held = database;
		return { [Symbol.asyncDispose]: async () => held.close() };
	} catch (thrown) {
		database?.close();
		if ((thrown as { errcode?: unknown }).errcode === BUSY)
			throw new TetradError(
				"busy",
				`another process is at work in ${home}; wait until it is done, and try again`,
				{ cause: thrown },
			);
		throw unusable(`cannot lock ${path}: ${reason(thrown)}`, thrown);
	}
}
