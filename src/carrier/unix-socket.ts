import { randomBytes } from "node:crypto";
import { link, lstat, rename, unlink } from "node:fs/promises";
import { createConnection } from "node:net";
import { dirname, join } from "node:path";
import { TetradError } from "../errors.ts";

/**
 * Makes room for a socket at `path`: removes the socket file of a process that is gone. Throws
 * `address-in-use` when somebody listens there, or when the file is no socket.
 */
export async function clearStaleSocket(path: string): Promise<void> {
	const found = await lstat(path).catch(() => undefined);
	if (found === undefined) return;
	if (!found.isSocket())
		throw new TetradError(
			"address-in-use",
			`${path} is not a socket; move that file away or choose another path`,
		);
	if (await isLive(path)) throw pathInUse(path);
	// Another process may have replaced the dead socket by its own since. What was moved aside is
	// out of everybody's reach, so it can be looked at again before it is removed.
	const aside = join(dirname(path), `.${randomBytes(4).toString("hex")}`);
	await rename(path, aside).catch(ignoreMissing);
	const live = await isLive(aside);
	// A link fails, and does not replace, when there is a newer one yet.
	if (live) await link(aside, path).catch(() => undefined);
	await unlink(aside).catch(ignoreMissing);
	if (live) throw pathInUse(path);
}

export function pathInUse(path: string): TetradError {
	return new TetradError(
		"address-in-use",
		`another process listens at unix:${path}; stop it or choose another path`,
	);
}

/** Runs `bind` so that a socket file it makes is for this user alone from its first moment. */
export function withPrivateFiles(bind: () => void): void {
	let before: number;
	try {
		before = process.umask(0o177);
	} catch (cause) {
		throw new TetradError(
			"carrier-failed",
			"a Unix socket can be opened only from the main thread",
			{ cause },
		);
	}
	try {
		bind();
	} finally {
		process.umask(before);
	}
}

/** Whether a process listens at this socket file. When in doubt it is taken to be live. */
function isLive(path: string): Promise<boolean> {
	const { promise, resolve } = Promise.withResolvers<boolean>();
	const socket = createConnection({ path });
	socket.once("connect", () => {
		socket.destroy();
		resolve(true);
	});
	socket.once("error", (error: Error & { code?: string }) =>
		resolve(error.code !== "ECONNREFUSED" && error.code !== "ENOENT"),
	);
	return promise;
}

function ignoreMissing(error: Error & { code?: string }): void {
	if (error.code !== "ENOENT")
		throw new TetradError(
			"carrier-failed",
			"the socket of a process that is gone cannot be removed; check who owns its directory",
			{ cause: error },
		);
}
