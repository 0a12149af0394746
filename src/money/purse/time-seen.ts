/*
 * How long something has been so, as a purse has seen it go by: from one answer that says so to the
 * next, over all its lives. A clock that jumps ends nothing, because so much of the time between two
 * answers counts at most, and none of it where the clock went back.
 */

/** Written down along with what it is about. Milliseconds. */
export interface TimeSeen {
	/** When it was said last. */
	readonly heard: bigint;
	readonly seen: bigint;
}

export interface TimeSeenLimits {
	/** What is said again within so long is not written. */
	readonly againMs: number;
	/** Between two answers no more counts. */
	readonly atOnceMs: number;
}

/** With what has gone by since; the same where nothing is to be written. */
export function seenAgain<Before extends TimeSeen>(
	before: Before | undefined,
	now: number,
	{ againMs, atOnceMs }: TimeSeenLimits,
): Before | TimeSeen {
	if (before === undefined) return { heard: BigInt(now), seen: 0n };
	const since = now - Number(before.heard);
	if (since >= 0 && since < againMs) return before;
	const seen = Math.min(Math.max(since, 0), atOnceMs);
	return { heard: BigInt(now), seen: before.seen + BigInt(seen) };
}
