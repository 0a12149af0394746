import { sameBytes } from "../../wire/index.ts";

/** Chains that each end remembers for each direction of a link. */
const MAX_CHAINS = 64;

interface Entry {
	readonly hash: Uint8Array;
	readonly chain: Uint8Array;
}

/**
 * The chains that one direction of a link has carried. Sender and receiver add the same
 * chains in the same order and forget the oldest at the same point, so the sender always
 * knows what the receiver still has.
 */
export class ChainBook {
	readonly #entries: Entry[] = [];

	add(hash: Uint8Array, chain: Uint8Array): void {
		if (this.#entries.length === MAX_CHAINS) this.#entries.shift();
		this.#entries.push({ hash, chain });
	}

	find(hash: Uint8Array): Uint8Array | undefined {
		return this.#entries.find((entry) => sameBytes(entry.hash, hash))?.chain;
	}
}
