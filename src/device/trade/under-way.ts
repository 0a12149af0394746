import type { AgentStore } from "../purse/index.ts";

const ALL = new WeakMap<AgentStore, Set<string>>();

/**
 * Purchases that are being made by an agent of this process, whose store it is: their contracts in
 * hexadecimal. They are not over, and whoever goes on with what an earlier process left passes them
 * over, since asking what became of one ends it while nothing is paid.
 */
export function purchasesUnderWay(store: AgentStore): Set<string> {
	const known = ALL.get(store);
	if (known !== undefined) return known;
	const none = new Set<string>();
	ALL.set(store, none);
	return none;
}
