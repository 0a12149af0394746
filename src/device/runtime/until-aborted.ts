/** Who waits for each signal. */
const waiting = new WeakMap<AbortSignal, Waiting>();

interface Waiting {
	readonly calls: Set<Call>;
	readonly listener: () => void;
}

/** One who waits, who is not told when another one that was told first stops that. */
interface Call {
	readonly call: () => void;
}

/**
 * Calls `call` when the signal says stop, which it has not yet, unless what this returns is called
 * before. All who wait share one listener: those of a signal are a chain in Node, and one that was
 * removed goes on holding whatever came after it, until it is collected itself.
 */
export function whenAborted(signal: AbortSignal, call: () => void): () => void {
	const { calls, listener } = waiting.get(signal) ?? listening(signal);
	const one = { call };
	calls.add(one);
	return () => {
		if (!calls.delete(one) || calls.size > 0) return;
		signal.removeEventListener("abort", listener);
		waiting.delete(signal);
	};
}

function listening(signal: AbortSignal): Waiting {
	const calls = new Set<Call>();
	const listener = () => {
		for (const one of [...calls]) if (calls.has(one)) one.call();
	};
	const made = { calls, listener };
	signal.addEventListener("abort", listener, { once: true });
	waiting.set(signal, made);
	return made;
}

/** Resolves when the signal says stop. */
export function untilAborted(signal: AbortSignal): Promise<void> {
	if (signal.aborted) return Promise.resolve();
	return new Promise((resolve) =>
		signal.addEventListener("abort", () => resolve(), { once: true }),
	);
}
