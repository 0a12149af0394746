import type { Head } from "../../money/index.ts";

/** Where an agent keeps the newest head of its module's purse. A purse that is behind it was put back to an old backup, and its module pays nobody until it has caught up. */
export interface Witness {
	/** What is kept of the purse in the module with that device id, or `undefined`. */
	head(module: Uint8Array): Head | undefined;
	/** Before each tetrad, where other processes keep heads, too: resolves when `head` knows what all have kept until now. `undefined` where nobody else does. */
	catchUp?(module: Uint8Array): Promise<void> | undefined;
	/** Resolves when the head is kept for good, or when a newer one is. Never goes back. */
	keep(module: Uint8Array, head: Head): Promise<void>;
}
