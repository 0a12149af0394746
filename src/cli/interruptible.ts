import { TetradError } from "../errors.ts";

/**
 * Runs `body` with a signal that aborts at SIGINT, SIGTERM and SIGHUP. Rejects with `aborted` then, once
 * `body` has put everything away.
 */
export async function interruptible<Value>(
	body: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
	const stop = new AbortController();
	const onSignal = () => stop.abort();
	process.on("SIGTERM", onSignal);
	process.on("SIGINT", onSignal);
	process.on("SIGHUP", onSignal);
	try {
		return await body(stop.signal);
	} finally {
		process.off("SIGTERM", onSignal);
		process.off("SIGINT", onSignal);
		process.off("SIGHUP", onSignal);
		// biome-ignore lint/correctness/noUnsafeFinally: what an interrupted body failed with is only a consequence.
		if (stop.signal.aborted) throw interrupted();
	}
}

function interrupted(): TetradError {
	return new TetradError("aborted", "interrupted; nothing is left running");
}
