import { sameBytes } from "../../wire/index.ts";

/** Chains that each end remembers for each direction of a link. */
const MAX_CHAINS = 64;

interface Entry {
	readonly hash: Uint8Array;
	readonly chain: Uint8Array;
}

/**
 * The chains that one direction of a link has carried. Sender and receiver add the same
 * chains in the same order and forget the oldest of them, so the sender always knows what
 * the receiver still has.
 */
export class ChainBook {
	readonly #entries: Entry[] = [];

	/** Adds the newest, and forgets none for it. */
	add(hash: Uint8Array, chain: Uint8Array): void {
		this.#entries.push({ hash, chain });
	}

	/** Forgets the oldest that are too many. */
	trim(): void {
		this.#entries.splice(0, this.#entries.length - MAX_CHAINS);
	}

	find(hash: Uint8Array): Uint8Array | undefined {
		return this.#entries.find((entry) => sameBytes(entry.hash, hash))?.chain;
	}
}
