import { TetradError } from "../errors.ts";

/** What is waited for no longer than that, and not after a signal. Rejects with `timed-out`, which names `what`, and with `aborted`. */
export async function untilGivenUp<Value>(
	coming: Promise<Value>,
	withinMs: number,
	what: string,
	signals: readonly AbortSignal[],
): Promise<Value> {
	const leaving = Promise.withResolvers<never>();
	const giveUp = () =>
		leaving.reject(new TetradError("aborted", "it is waited for no more"));
	const timer = setTimeout(
		() => leaving.reject(new TetradError("timed-out", `${what} did not come`)),
		withinMs,
	);
	for (const signal of signals) {
		if (signal.aborted) giveUp();
		signal.addEventListener("abort", giveUp, { once: true });
	}
	try {
		return await Promise.race([coming, leaving.promise]);
	} finally {
		clearTimeout(timer);
		for (const signal of signals) signal.removeEventListener("abort", giveUp);
	}
}
