/** Runs `body` with a signal that aborts at SIGINT, SIGTERM and SIGHUP, and when whoever started this process has died. */
export async function untilStopped<Value>(
	body: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
	const stop = new AbortController();
	const onSignal = () => stop.abort();
	const signals = ["SIGTERM", "SIGINT", "SIGHUP", "disconnect"] as const;
	for (const signal of signals) process.on(signal, onSignal);
	process.channel?.unref();
	if (process.connected === false) onSignal();
	try {
		return await body(stop.signal);
	} finally {
		for (const signal of signals) process.off(signal, onSignal);
	}
}
