import { lstat, rm } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { nodeCrypto } from "../crypto/index.ts";
import { TetradError } from "../errors.ts";
import { hex, utf8 } from "../wire/index.ts";
import { TOKEN_TIMEOUT_MS } from "./limits.ts";
import { makeLockFile } from "./lock-file.ts";
import { throwIfAborted } from "./store.ts";
import { waitForLock } from "./waited-lock.ts";

/** As long as somebody else may take to make a key and to look for others of its name. */
const GENERATING_MS: number = 4 * TOKEN_TIMEOUT_MS;

/** There is no file any more. */
const NONE = "none";

/**
 * One process of a user at a time makes keys through one PKCS#11 library: some libraries see what
 * others made only when they are loaded anew, and some fail at what two do at once. Without it,
 * processes that want the same name at the same time all lose it; it is not what keeps two from
 * having it, so where no lock can be had there is none. Throws `busy` when it is not free within a
 * minute.
 */
export async function lockLibrary(
	modulePath: string,
	signal?: AbortSignal,
): Promise<AsyncDisposable | undefined> {
	const { uid } = userInfo();
	const name = hex(nodeCrypto.sha256(utf8(modulePath))).slice(0, 32);
	const path = join(tmpdir(), `tetrad-keys-${uid}-${name}.lock`);
	const until = performance.now() + GENERATING_MS;
	try {
		while (performance.now() < until) {
			await makeLockFile(path);
			const file = await ownFile(path, uid);
			if (file === undefined) return undefined;
			if (file === NONE) continue;
			const left = Math.max(0, until - performance.now());
			const held = await waitForLock(path, left, signal);
			if (held === undefined) break;
			// Whoever had it has taken the file away with it, and others may lock a new one.
			if ((await ownFile(path, uid)) === file)
				return {
					async [Symbol.asyncDispose]() {
						await rm(path, { force: true }).catch(() => {});
						await held[Symbol.asyncDispose]();
					},
				};
			await held[Symbol.asyncDispose]();
		}
	} catch {
		throwIfAborted(signal);
		return undefined;
	}
	throw new TetradError(
		"busy",
		`another process makes keys through ${modulePath} and does not end; stop it, and try again`,
	);
}

/** Which file that is, if it is one that this user alone may write; others may have put something of theirs in its place. */
async function ownFile(path: string, uid: number): Promise<string | undefined> {
	const stat = await lstat(path, { bigint: true }).catch(() => undefined);
	if (stat === undefined) return NONE;
	const isOurs =
		uid < 0 || (stat.uid === BigInt(uid) && (stat.mode & 0o077n) === 0n);
	return stat.isFile() && isOurs ? `${stat.dev} ${stat.ino}` : undefined;
}
