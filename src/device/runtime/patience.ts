import { setTimeout as pause } from "node:timers/promises";
import type { Carrier } from "../../carrier/index.ts";
import type { TetradError } from "../../errors.ts";
import type { Tetrad } from "./tetrad.ts";
import type { ConnectOptions, TrustedAgent } from "./trusted-agent.ts";

/** How long an agent that is busy is tried again, in milliseconds, unless told otherwise. */
const DEFAULT_PATIENCE_MS = 20_000;

/** Between two tries, in milliseconds: at first, and at most. Each is shortened at random, by half at most. */
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 4_000;

/** How an agent calls one that may be busy. */
interface PatientOptions extends ConnectOptions {
	/** How long one that is busy is tried again, in milliseconds. */
	readonly patienceMs?: number;
}

/**
 * Calls an agent, and again while it says that it is busy, before anything was agreed with it: after
 * longer and longer pauses, until the patience is over. Rejects as `connect`, at last with `busy`.
 */
export async function connectPatiently(
	agent: TrustedAgent,
	dial: () => Promise<Carrier>,
	{ patienceMs = DEFAULT_PATIENCE_MS, observe, ...options }: PatientOptions,
): Promise<Tetrad> {
	const until = performance.now() + patienceMs;
	for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
		const pauseMs = wait * (1 - Math.random() / 2);
		let isBound = false;
		let isFollowed = false;
		const ended = (error: TetradError | undefined): boolean => {
			isFollowed =
				error?.code === "busy" &&
				!isBound &&
				options.signal?.aborted !== true &&
				performance.now() + pauseMs < until;
			return isFollowed;
		};
		try {
			return await agent.connect(await dial(), {
				...options,
				observe(event) {
					if (event.kind === "bound") isBound = true;
					// A try that is followed by another is nobody's end.
					if (event.kind === "ended" && ended(event.error)) return;
					observe?.(event);
				},
			});
		} catch (thrown) {
			if (!isFollowed) throw thrown;
		}
		// Whoever gives up meanwhile is told so by the next try.
		await pause(pauseMs, undefined, options).catch(() => {});
	}
}
