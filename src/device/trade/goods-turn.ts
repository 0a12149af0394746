import type { AgentStore } from "../purse/index.ts";

/** When nobody opens goods for a target any more, by the agent whose goods they are. */
const ALL = new WeakMap<AgentStore, Map<string, Promise<void>>>();

/**
 * Resolves when nobody else opens goods for that target, until it is disposed of. The same purchase
 * may be told as paid in several tetrads of its agent, and all of them write the same files. A turn
 * goes with its store: who has opened the store anew waits for nothing that was before.
 */
export async function goodsTurn(
	store: AgentStore,
	target: string,
): Promise<Disposable> {
	const turns = ALL.get(store) ?? new Map<string, Promise<void>>();
	ALL.set(store, turns);
	const before = turns.get(target);
	const { promise, resolve } = Promise.withResolvers<void>();
	const over = Promise.all([before, promise]).then(() => {
		if (turns.get(target) === over) turns.delete(target);
	});
	turns.set(target, over);
	await before;
	return { [Symbol.dispose]: resolve };
}
