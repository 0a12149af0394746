import { DatabaseSync } from "node:sqlite";
import { TetradError } from "../errors.ts";
import { primaryCode, SQLITE_BUSY, storeError } from "./sqlite-errors.ts";
import { makePrivateFile } from "./sqlite-file.ts";

/**
 * Keeps other writers away from a store: the operating system's lock on a file beside it, held
 * through SQLite. It goes with the process, however that ends.
 */
export class StoreLock implements Disposable {
	readonly #database: DatabaseSync;

	private constructor(database: DatabaseSync) {
		this.#database = database;
	}

	/** Throws `busy` when somebody has the store. */
	static async take(store: string): Promise<StoreLock> {
		const path = `${store}.lock`;
		await makePrivateFile(path);
		let database: DatabaseSync | undefined;
		try {
			database = new DatabaseSync(path, { timeout: 0 });
			// A journal on the disk would be of no use, and needs room there.
			database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
			return new StoreLock(database);
		} catch (thrown) {
			database?.close();
			if (primaryCode(thrown) !== SQLITE_BUSY) throw storeError(path, thrown);
			throw new TetradError(
				"busy",
				`${store} is in use by another process, or a second time by this one; a store is open once: close the other first`,
				{ cause: thrown },
			);
		}
	}

	[Symbol.dispose](): void {
		if (this.#database.isOpen) this.#database.close();
	}
}
