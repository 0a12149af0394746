import { TetradError } from "../../errors.ts";

export function gaveUp(signal: AbortSignal | undefined): TetradError {
	return new TetradError("aborted", "the caller gave up waiting", {
		cause: signal?.reason,
	});
}

/** What goes on all the same is not waited for any more. Rejects with `aborted`. */
export async function untilGivenUp<Value>(
	coming: Promise<Value>,
	signal: AbortSignal | undefined,
): Promise<Value> {
	const leaving = Promise.withResolvers<never>();
	const onAbort = () => leaving.reject(gaveUp(signal));
	if (signal?.aborted) onAbort();
	signal?.addEventListener("abort", onAbort, { once: true });
	try {
		return await Promise.race([coming, leaving.promise]);
	} finally {
		signal?.removeEventListener("abort", onAbort);
	}
}
