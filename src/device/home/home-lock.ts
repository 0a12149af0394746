import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { TetradError } from "../../errors.ts";
import { isLockHeld, makeLockFile } from "../../keys/index.ts";
import { reason, unusable } from "./files.ts";

/**
 * Keeps other processes, and other uses in this one, out of a home. The lock is the operating
 * system's on lock.db, held through SQLite, which holds it alike on every platform: it goes with
 * the process, however that ends. lock.txt only says who has it.
 */
export class HomeLock implements Disposable {
	readonly #database: DatabaseSync;

	private constructor(database: DatabaseSync) {
		this.#database = database;
	}

	/** Throws `busy` when somebody has the home, naming the process if it is known. */
	static async take(home: string): Promise<HomeLock> {
		const database = await openDatabase(home);
		try {
			// A journal on the disk would be of no use, and needs room there.
			database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
		} catch (cause) {
			database.close();
			if (!isLockHeld(cause)) throw notLocked(home, cause);
			throw new TetradError(
				"busy",
				`${home} is in use by ${await holder(home)}; a device runs once: stop that one first`,
				{ cause },
			);
		}
		await tellHolder(home);
		return new HomeLock(database);
	}

	/**
	 * The process that has a home, as lock.txt names it, or `undefined` when none has: for whoever
	 * only looks. Nobody is kept out of a home that is free.
	 */
	static async holder(home: string): Promise<number | undefined> {
		const pid = await namedHolder(home);
		if (pid === undefined || !isAlive(pid)) return undefined;
		// Another process may have that number by now.
		return isHeld(join(home, "lock.db")) ? pid : undefined;
	}

	[Symbol.dispose](): void {
		if (this.#database.isOpen) this.#database.close();
	}
}

async function openDatabase(home: string): Promise<DatabaseSync> {
	const path = join(home, "lock.db");
	try {
		await makeLockFile(path);
		return new DatabaseSync(path, { timeout: 0 });
	} catch (cause) {
		throw notLocked(home, cause);
	}
}

/** The lock is held also where this cannot be written, as on a full disk. */
async function tellHolder(home: string): Promise<void> {
	const path = holderFile(home);
	try {
		await writeFile(path, `${process.pid}\n`, { mode: 0o600 });
	} catch {
		// It would name an earlier process.
		await rm(path, { force: true }).catch(() => {});
	}
}

async function holder(home: string): Promise<string> {
	const pid = await namedHolder(home);
	if (pid === undefined) return "another process";
	return pid === process.pid ? "this very process" : `process ${pid}`;
}

async function namedHolder(home: string): Promise<number | undefined> {
	try {
		const pid = Number(await readFile(holderFile(home), "utf8"));
		return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
	} catch {
		return undefined;
	}
}

function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch (thrown) {
		return (thrown as NodeJS.ErrnoException).code === "EPERM";
	}
}

function isHeld(path: string): boolean {
	try {
		using database = new DatabaseSync(path, { timeout: 0, readOnly: true });
		database.prepare("SELECT count(*) FROM sqlite_schema").get();
		return false;
	} catch (thrown) {
		return isLockHeld(thrown);
	}
}

function holderFile(home: string): string {
	return join(home, "lock.txt");
}

function notLocked(home: string, cause: unknown): TetradError {
	return unusable(
		`${home} cannot be locked against a second process (${reason(cause)}); check its disk, and that lock.db in it is a file that its owner may write`,
		cause,
	);
}
