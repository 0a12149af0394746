import { lstat, mkdir } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { nodeCrypto } from "../crypto/index.ts";
import { TetradError } from "../errors.ts";
import { hex, utf8 } from "../wire/index.ts";
import { TOKEN_TIMEOUT_MS } from "./limits.ts";
import { throwIfAborted } from "./store.ts";
import { waitForLock } from "./waited-lock.ts";

/** As long as somebody else may take to make a key and to look for others of its name. */
const GENERATING_MS: number = 4 * TOKEN_TIMEOUT_MS;

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
	const folder = await lockFolder();
	if (folder === undefined) return undefined;
	const name = hex(nodeCrypto.sha256(utf8(modulePath))).slice(0, 32);
	let held: AsyncDisposable | undefined;
	try {
		held = await waitForLock(
			join(folder, `${name}.lock`),
			GENERATING_MS,
			signal,
		);
	} catch {
		throwIfAborted(signal);
		return undefined;
	}
	if (held === undefined)
		throw new TetradError(
			"busy",
			`another process makes keys through ${modulePath} and does not end; stop it, and try again`,
		);
	return held;
}

/** A folder that this user alone may write, by a name that all its processes know. */
async function lockFolder(): Promise<string | undefined> {
	const { uid } = userInfo();
	const path = join(tmpdir(), `tetrad-keys-${uid}`);
	try {
		await mkdir(path, { recursive: true, mode: 0o700 });
		const stat = await lstat(path);
		const isOurs = uid < 0 || (stat.uid === uid && (stat.mode & 0o077) === 0);
		return stat.isDirectory() && isOurs ? path : undefined;
	} catch {
		return undefined;
	}
}
