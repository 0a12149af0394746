import type { Aead, CryptoProvider } from "../../crypto/index.ts";
import { formOf, sameBytes, u32 } from "../../wire/index.ts";
import { contentKey, SALT_BYTES } from "../documents/index.ts";
import { plaintextLeaf } from "./leaf.ts";

/** A nonce of AES-GCM, in bytes. */
const NONCE_BYTES = 12;

/** What a content key is made of. */
export interface ContentSecrets {
	/** 32 bytes: the goods key. */
	readonly key: Uint8Array;
	/** 32 bytes, of the tetrad in which the merchandise was sold. */
	readonly exporter: Uint8Array;
	/** The contract's id, 16 bytes. */
	readonly contractId: Uint8Array;
}

/**
 * Seals and opens chunks under the content key of one contract. A nonce is the beginning of the
 * chunk's own leaf, so that a source that has changed meets no nonce again with other bytes.
 */
export class ContentCipher {
	readonly #crypto: CryptoProvider;
	readonly #key: Uint8Array;
	readonly #aead: Aead;

	constructor(
		crypto: CryptoProvider,
		{ key, exporter, contractId }: ContentSecrets,
	) {
		this.#crypto = crypto;
		this.#key = contentKey(crypto, key, exporter, contractId);
		this.#aead = crypto.aead("AESGCM", this.#key);
	}

	/** The sealed chunk: `SEALING_BYTES` longer than `chunk`. `leaf` is that of `chunk` with `salt`. */
	seal(
		index: number,
		leaf: Uint8Array,
		salt: Uint8Array,
		chunk: Uint8Array,
	): Uint8Array {
		const header = formOf(u32, index);
		const record = this.#aead.sealRecord(nonceOf(leaf), header, salt, chunk);
		return record.subarray(header.length);
	}

	/** The chunk that was sealed, or `undefined` when `sealed` does not open or has another leaf. */
	open(
		index: number,
		leaf: Uint8Array,
		sealed: Uint8Array,
	): Uint8Array | undefined {
		const opened = this.#aead.open(nonceOf(leaf), formOf(u32, index), sealed);
		if (opened === undefined || opened.length < SALT_BYTES) return undefined;
		const salt = opened.subarray(0, SALT_BYTES);
		const chunk = opened.subarray(SALT_BYTES);
		const actual = plaintextLeaf(this.#crypto, index, salt, chunk);
		return sameBytes(actual, leaf) ? chunk : undefined;
	}

	/** Nothing is sealed or opened after it. */
	wipe(): void {
		this.#key.fill(0);
	}
}

function nonceOf(leaf: Uint8Array): Uint8Array {
	return leaf.subarray(0, NONCE_BYTES);
}
