import { constants } from "node:fs";
import { access, open, realpath, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { TetradError } from "../errors.ts";

/** The one path of a store, however it is reached, so that its lock is one too. */
export async function realPath(path: string): Promise<string> {
	try {
		return await realpath(path);
	} catch (thrown) {
		if ((thrown as NodeJS.ErrnoException).code !== "ENOENT")
			throw unusable(path, thrown);
	}
	try {
		return join(await realpath(dirname(path)), basename(path));
	} catch (thrown) {
		throw unusable(path, thrown);
	}
}

/**
 * Makes an empty file that only its owner may read, unless it is there. An existing file is not
 * opened here: closing it again would drop the locks that this process has on it.
 */
export async function makePrivateFile(path: string): Promise<void> {
	try {
		await using _ = await open(path, "wx", 0o600);
	} catch (thrown) {
		if ((thrown as NodeJS.ErrnoException).code !== "EEXIST")
			throw unusable(path, thrown);
	}
}

/** Throws `store-failed` unless a file is there that its owner alone may read, and may write. */
export async function requirePrivateFile(
	path: string,
	mode: "read" | "write",
): Promise<void> {
	let info: Awaited<ReturnType<typeof stat>>;
	try {
		info = await stat(path);
		await access(
			path,
			mode === "read" ? constants.R_OK : constants.R_OK | constants.W_OK,
		);
	} catch (thrown) {
		throw unusable(path, thrown);
	}
	if (!info.isFile())
		throw new TetradError("store-failed", `${path} is not a file`);
	if ((info.mode & 0o077) !== 0)
		throw new TetradError(
			"store-failed",
			`others may read ${path}; close it with: chmod 600 ${path}`,
		);
}

/** What a failure of the file system means: `store-full` when it has no room, and else `store-failed`. */
export function unusable(path: string, cause: unknown): TetradError {
	const { code, message } = cause as NodeJS.ErrnoException;
	if (code === "ENOSPC" || code === "EDQUOT")
		return new TetradError(
			"store-full",
			`there is no room for ${path}: make room on its disk`,
			{ cause },
		);
	return new TetradError(
		"store-failed",
		`${path} cannot be used (${message}); check that its folder is there and that its owner may write in it`,
		{ cause },
	);
}
