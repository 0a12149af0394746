import { open } from "node:fs/promises";

/**
 * Makes the empty file of a lock, for its owner only: SQLite would make it as the umask says. One
 * that is there is not opened: closing it again would drop the locks that this process has on it.
 */
export async function makeLockFile(path: string): Promise<void> {
	try {
		await using _ = await open(path, "wx", 0o600);
	} catch (thrown) {
		if ((thrown as NodeJS.ErrnoException).code !== "EEXIST") throw thrown;
	}
}

/** SQLITE_BUSY, whatever its extension says: somebody else holds the lock. */
export function isLockHeld(thrown: unknown): boolean {
	const code = (thrown as { errcode?: unknown }).errcode;
	return typeof code === "number" && (code & 0xff) === 5;
}
