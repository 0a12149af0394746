/** What goes on beside other work, until it is told to stop. */
export type Alongside = readonly (
	| ((until: AbortSignal) => Promise<void>)
	| undefined
)[];

/** Does work, and what goes on alongside it until the work is over, or the signal says stop: who can serve nobody does not go on settling. */
export async function alongside(
	signal: AbortSignal,
	others: Alongside,
	work: () => Promise<void>,
): Promise<void> {
	const over = new AbortController();
	const until = AbortSignal.any([signal, over.signal]);
	const running = others.map((other) => other?.(until));
	try {
		await work();
	} finally {
		over.abort();
		await Promise.all(running);
	}
}
