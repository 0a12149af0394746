import type { CryptoProvider } from "../../crypto/index.ts";
import { ChunkOrder } from "./chunk.ts";
import { leafSalt, plaintextLeaf } from "./leaf.ts";
import { HashTree } from "./tree.ts";

/** What the leaves of a merchandise are salted with under one contract. */
export interface Salting {
	/** Of the merchant's module, 32 bytes. */
	readonly saltKey: Uint8Array;
	/** 16 bytes. */
	readonly contractId: Uint8Array;
}

/** What a source was when it was measured. */
export interface Measured {
	readonly plaintextRoot: Uint8Array;
	/** In bytes. */
	readonly length: bigint;
}

/** The merchant's first pass over a source, chunk after chunk: what the terms of a contract say of it, before there is a key. */
export class Measuring {
	readonly #crypto: CryptoProvider;
	readonly #salting: Salting;
	readonly #order: ChunkOrder = new ChunkOrder();
	readonly #tree: HashTree;

	constructor(crypto: CryptoProvider, salting: Salting) {
		this.#crypto = crypto;
		this.#salting = salting;
		this.#tree = new HashTree(crypto);
	}

	/** Throws `malformed` for a chunk after one that was not full, and `limit-exceeded`. */
	add(chunk: Uint8Array): void {
		const index = this.#order.count;
		this.#order.add(chunk.length);
		const { saltKey, contractId } = this.#salting;
		const salt = leafSalt(this.#crypto, saltKey, contractId, index);
		this.#tree.add(plaintextLeaf(this.#crypto, index, salt, chunk));
	}

	/** Asked for once, after the last chunk; an empty source has one, which is empty. */
	finish(): Measured {
		return { plaintextRoot: this.#tree.root(), length: this.#order.length };
	}
}
