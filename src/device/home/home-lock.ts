import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { TetradError } from "../../errors.ts";
import { isLockHeld, makeLockFile } from "../../keys/index.ts";
import { reason, unusable } from "./files.ts";

/** Which of the processes of one device this is, from 1, and how many there are. */
export interface OneOfSeveral {
	readonly number: number;
	readonly of: number;
}

/** How long a process waits to share a home, in milliseconds: somebody may be trying at that moment to have it alone. */
const SHARE_WITHIN_MS = 1_000;

/**
 * Keeps other processes, and other uses in this one, out of a home. The lock is the operating
 * system's on lock.db, held through SQLite, which holds it alike on every platform: it goes with
 * the process, however that ends. lock.txt only says who has it. Several processes of one device
 * hold lock.db together, and each lock-1.db, lock-2.db and so on by itself.
 */
export class HomeLock implements Disposable {
	readonly #databases: readonly DatabaseSync[];

	private constructor(databases: readonly DatabaseSync[]) {
		this.#databases = databases;
	}

	/** Throws `busy` when somebody has the home, naming the process if it is known. */
	static async take(home: string): Promise<HomeLock> {
		const database = await locked(home, nameOf(undefined), ALONE);
		if (database === undefined) throw await inUse(home);
		await tellHolder(home, undefined);
		return new HomeLock([database]);
	}

	/** One of several processes that have the home together, and nobody else. Throws `busy` when somebody has it alone, or another process is that one of them. */
	static async share(
		home: string,
		{ number }: Pick<OneOfSeveral, "number">,
	): Promise<HomeLock> {
		const own = await locked(home, nameOf(number), ALONE);
		if (own === undefined)
			throw new TetradError(
				"busy",
				`process ${number} of the agent in ${home} runs already: stop that one first, or give this one another number`,
			);
		const until = performance.now() + SHARE_WITHIN_MS;
		let all: DatabaseSync | undefined;
		try {
			while (all === undefined && performance.now() < until) {
				all = await locked(home, nameOf(undefined), TOGETHER);
				if (all === undefined) await delay(20);
			}
			if (all === undefined) throw await inUse(home);
		} catch (thrown) {
			own.close();
			throw thrown;
		}
		await tellHolder(home, number);
		return new HomeLock([own, all]);
	}

	/**
	 * The process that has a home, as lock.txt names it, or `undefined` when none has: for whoever
	 * only looks. Nobody is kept out of a home that is free. Of several the first.
	 */
	static async holder(home: string): Promise<number | undefined> {
		const [first] = await HomeLock.holders(home);
		return first?.process;
	}

	/** All processes that have a home: one, or those that have it together, in the order of their numbers. */
	static async holders(
		home: string,
	): Promise<
		readonly { readonly process: number; readonly number?: number }[]
	> {
		const alone = await holderOf(home, undefined);
		if (alone !== undefined) return [{ process: alone }];
		const found: { readonly process: number; readonly number: number }[] = [];
		for (const number of await numbersIn(home)) {
			const process = await holderOf(home, number);
			if (process !== undefined) found.push({ process, number });
		}
		return found;
	}

	[Symbol.dispose](): void {
		for (const database of this.#databases)
			if (database.isOpen) database.close();
	}
}

const ALONE = "BEGIN EXCLUSIVE";

/** Readers keep whoever wants it alone from writing, and not each other from reading. */
const TOGETHER = "BEGIN; SELECT count(*) FROM sqlite_schema";

/** The name of its files without their ending. */
function nameOf(number: number | undefined): string {
	return number === undefined ? "lock" : `lock-${number}`;
}

/** Of processes that have a home together, or once had it. */
async function numbersIn(home: string): Promise<readonly number[]> {
	const names = await readdir(home).catch(() => []);
	return names
		.flatMap((name) => /^lock-([1-9]\d{0,3})\.db$/.exec(name)?.[1] ?? [])
		.map(Number)
		.toSorted((a, b) => a - b);
}

/** `undefined` when somebody else holds it. */
async function locked(
	home: string,
	name: string,
	how: string,
): Promise<DatabaseSync | undefined> {
	const database = await openDatabase(home, `${name}.db`);
	try {
		// A journal on the disk would be of no use, and needs room there.
		database.exec(`PRAGMA journal_mode = MEMORY; ${how}`);
		return database;
	} catch (cause) {
		database.close();
		if (isLockHeld(cause)) return undefined;
		throw notLocked(home, `${name}.db`, cause);
	}
}

async function inUse(home: string): Promise<TetradError> {
	return new TetradError(
		"busy",
		`${home} is in use by ${await holderText(home)}; a device runs once: stop that one first`,
	);
}

async function openDatabase(home: string, file: string): Promise<DatabaseSync> {
	const path = join(home, file);
	try {
		await makeLockFile(path);
		return new DatabaseSync(path, { timeout: 0 });
	} catch (cause) {
		throw notLocked(home, file, cause);
	}
}

/** The lock is held also where this cannot be written, as on a full disk. */
async function tellHolder(
	home: string,
	number: number | undefined,
): Promise<void> {
	const path = holderFile(home, number);
	try {
		await writeFile(path, `${process.pid}\n`, { mode: 0o600 });
	} catch {
		// It would name an earlier process.
		await rm(path, { force: true }).catch(() => {});
	}
}

async function holderText(home: string): Promise<string> {
	const [first] = await HomeLock.holders(home);
	const pid = first?.process ?? (await namedHolder(home, undefined));
	if (pid === undefined) return "another process";
	return pid === process.pid ? "this very process" : `process ${pid}`;
}

async function holderOf(
	home: string,
	number: number | undefined,
): Promise<number | undefined> {
	const pid = await namedHolder(home, number);
	if (pid === undefined || !isAlive(pid)) return undefined;
	// Another process may have that number by now.
	return isHeld(join(home, `${nameOf(number)}.db`)) ? pid : undefined;
}

async function namedHolder(
	home: string,
	number: number | undefined,
): Promise<number | undefined> {
	try {
		const pid = Number(await readFile(holderFile(home, number), "utf8"));
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

function holderFile(home: string, number: number | undefined): string {
	return join(home, `${nameOf(number)}.txt`);
}

function notLocked(home: string, file: string, cause: unknown): TetradError {
	return unusable(
		`${home} cannot be locked against a second process (${reason(cause)}); check its disk, and that ${file} in it is a file that its owner may write`,
		cause,
	);
}
