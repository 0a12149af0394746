import { join } from "node:path";
import { TetradError } from "../../errors.ts";
import { waitForLock } from "../../keys/index.ts";
import { reason, unusable } from "./files.ts";

/** So long somebody else's work in a home is waited for, in milliseconds. It takes a fraction of that, unless a person is asked for a passphrase. */
const WORK_WITHIN_MS = 5_000;

/**
 * One process at a time may change a home. It is another lock than that of a running device, which
 * goes on while it is recertified. What others do there is short and waited for: what was read of
 * the home before may be old by then. Throws `busy` when it is not done within five seconds.
 */
export async function lockHome(home: string): Promise<AsyncDisposable> {
	const path = join(home, "work.lock");
	let held: AsyncDisposable | undefined;
	try {
		held = await waitForLock(path, WORK_WITHIN_MS);
	} catch (thrown) {
		throw unusable(`cannot lock ${path}: ${reason(thrown)}`, thrown);
	}
	if (held === undefined)
		throw new TetradError(
			"busy",
			`another process is at work in ${home}; wait until it is done, and try again`,
		);
	return held;
}
