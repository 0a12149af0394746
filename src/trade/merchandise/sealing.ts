import type { CryptoProvider } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import { sameBytes } from "../../wire/index.ts";
import { chunkLength } from "./chunk.ts";
import { ContentCipher, type ContentSecrets } from "./content.ts";
import { leafSalt, plaintextLeaf, sealedLeaf } from "./leaf.ts";
import type { Measured, Salting } from "./measuring.ts";
import type { SealedChunk } from "./terms.ts";
import { HashTree } from "./tree.ts";

/** What a merchandise is sealed with. */
export interface SealingOptions extends Salting, ContentSecrets {
	/** What the first pass found, which the contract will say. */
	readonly measured: Measured;
}

/** The merchant's second pass over a source, chunk after chunk. */
export class Sealing {
	readonly #crypto: CryptoProvider;
	readonly #options: SealingOptions;
	readonly #cipher: ContentCipher;
	readonly #plaintext: HashTree;
	readonly #ciphertext: HashTree;

	constructor(crypto: CryptoProvider, options: SealingOptions) {
		this.#crypto = crypto;
		this.#options = options;
		this.#cipher = new ContentCipher(crypto, options);
		this.#plaintext = new HashTree(crypto);
		this.#ciphertext = new HashTree(crypto);
	}

	/** Throws `merchandise-changed` for a chunk that is longer or shorter than it was, or was not there. */
	seal(chunk: Uint8Array): SealedChunk {
		const crypto = this.#crypto;
		const { saltKey, contractId, measured } = this.#options;
		const index = this.#plaintext.count;
		if (chunk.length !== chunkLength(measured.length, index)) throw changed();
		const salt = leafSalt(crypto, saltKey, contractId, index);
		const leaf = plaintextLeaf(crypto, index, salt, chunk);
		const sealed = this.#cipher.seal(index, leaf, salt, chunk);
		this.#plaintext.add(leaf);
		this.#ciphertext.add(sealedLeaf(crypto, contractId, index, sealed));
		return { index, leaf, sealed };
	}

	/** The root of the ciphertext, once, after the last chunk. Throws `merchandise-changed` unless the source is what was measured. */
	finish(): Uint8Array {
		const { plaintextRoot } = this.#options.measured;
		if (
			this.#plaintext.count === 0 ||
			!sameBytes(this.#plaintext.root(), plaintextRoot)
		)
			throw changed();
		return this.#ciphertext.root();
	}

	wipe(): void {
		this.#cipher.wipe();
	}
}

function changed(): TetradError {
	return new TetradError(
		"merchandise-changed",
		"what is sold changed while it was read for this sale; nothing was sold",
	);
}
