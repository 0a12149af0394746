import type { CryptoProvider } from "../../crypto/index.ts";
import { malformed, sameBytes } from "../../wire/index.ts";
import { SEALING_BYTES } from "../documents/index.ts";
import { ChunkOrder } from "./chunk.ts";
import { sealedLeaf } from "./leaf.ts";
import type { MerchandiseTerms, SealedChunk } from "./terms.ts";
import { HashTree, type TreePath } from "./tree.ts";

/** What came, as far as it can be known without the key. */
export type ReceivedMerchandise = Pick<
	MerchandiseTerms,
	"length" | "plaintextRoot" | "ciphertextRoot"
>;

/** The two paths of one chunk. */
export interface ChunkPaths {
	readonly plaintext: TreePath;
	readonly ciphertext: TreePath;
}

/** Takes sealed chunks one after another and keeps two hashes for each level of their trees. */
export class MerchandiseReceiver {
	readonly #crypto: CryptoProvider;
	readonly #contractId: Uint8Array;
	readonly #order: ChunkOrder = new ChunkOrder();
	readonly #plaintext: HashTree;
	readonly #ciphertext: HashTree;

	/** `wanted` is the chunk whose paths are asked for in the end. */
	constructor(crypto: CryptoProvider, contractId: Uint8Array, wanted?: number) {
		this.#crypto = crypto;
		this.#contractId = contractId;
		this.#plaintext = new HashTree(crypto, wanted);
		this.#ciphertext = new HashTree(crypto, wanted);
	}

	/** So many chunks are here: the index of the next. */
	get count(): number {
		return this.#order.count;
	}

	/** So many bytes of merchandise are in them. */
	get length(): bigint {
		return this.#order.length;
	}

	/** Throws `malformed` for another chunk than the next, or one of a wrong length, and `limit-exceeded`. */
	take({ index, leaf, sealed }: SealedChunk): void {
		if (index !== this.#order.count)
			throw malformed("this is not the next chunk of the merchandise");
		if (sealed.length < SEALING_BYTES) throw malformed("a chunk is too short");
		this.#order.add(sealed.length - SEALING_BYTES);
		this.#plaintext.add(leaf);
		this.#ciphertext.add(
			sealedLeaf(this.#crypto, this.#contractId, index, sealed),
		);
	}

	/** Asked for once, after the last chunk. Throws `malformed` when none has come. */
	finish(): ReceivedMerchandise {
		if (this.#order.count === 0)
			throw malformed("a merchandise has at least one chunk");
		return {
			length: this.#order.length,
			plaintextRoot: this.#plaintext.root(),
			ciphertextRoot: this.#ciphertext.root(),
		};
	}

	/** After `finish`. Throws `internal` when no chunk had the wanted index. */
	paths(): ChunkPaths {
		return {
			plaintext: this.#plaintext.path(),
			ciphertext: this.#ciphertext.path(),
		};
	}
}

/** Whether what came is what a contract sells. */
export function isMerchandiseOf(
	terms: ReceivedMerchandise,
	received: ReceivedMerchandise,
): boolean {
	return (
		terms.length === received.length &&
		sameBytes(terms.plaintextRoot, received.plaintextRoot) &&
		sameBytes(terms.ciphertextRoot, received.ciphertextRoot)
	);
}
