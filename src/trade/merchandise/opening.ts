import type { CryptoProvider } from "../../crypto/index.ts";
import { sameBytes } from "../../wire/index.ts";
import { ChunkOrder, chunkLength } from "./chunk.ts";
import { ContentCipher, type ContentSecrets } from "./content.ts";
import type { MerchandiseTerms, SealedChunk } from "./terms.ts";
import { HashTree } from "./tree.ts";

/** What opens a merchandise, and what it is to be. */
export interface OpeningOptions
	extends Pick<ContentSecrets, "key" | "exporter"> {
	readonly terms: Pick<MerchandiseTerms, "id" | "length" | "plaintextRoot">;
}

/**
 * Opens a merchandise that has come, chunk after chunk. What opens to the leaf beside it needs no
 * tree of the ciphertext: that one is for evidence of a chunk that does not.
 */
export class Opening {
	readonly #terms: OpeningOptions["terms"];
	readonly #cipher: ContentCipher;
	readonly #order: ChunkOrder = new ChunkOrder();
	readonly #plaintext: HashTree;

	constructor(
		crypto: CryptoProvider,
		{ terms, key, exporter }: OpeningOptions,
	) {
		this.#terms = terms;
		this.#cipher = new ContentCipher(crypto, {
			key,
			exporter,
			contractId: terms.id,
		});
		this.#plaintext = new HashTree(crypto);
	}

	/** So many bytes are opened. */
	get length(): bigint {
		return this.#order.length;
	}

	/** The next chunk, or `undefined` for one that is not opened to its leaf, or not as long as it is to be. */
	open({ index, leaf, sealed }: SealedChunk): Uint8Array | undefined {
		const chunk = this.#cipher.open(index, leaf, sealed);
		const { count } = this.#order;
		if (chunk === undefined || index !== count) return undefined;
		if (chunk.length !== chunkLength(this.#terms.length, index))
			return undefined;
		this.#order.add(chunk.length);
		this.#plaintext.add(leaf);
		return chunk;
	}

	/** Whether what was opened is all that the contract says. Asked for once. */
	isWhole(): boolean {
		const { length, plaintextRoot } = this.#terms;
		return (
			this.#order.count > 0 &&
			this.#order.length === length &&
			sameBytes(this.#plaintext.root(), plaintextRoot)
		);
	}

	/** Nothing is opened after it. */
	wipe(): void {
		this.#cipher.wipe();
	}
}
