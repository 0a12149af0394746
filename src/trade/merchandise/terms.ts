/** What a contract says of its merchandise. */
export interface MerchandiseTerms {
	/** The contract's id, 16 bytes. */
	readonly id: Uint8Array;
	/** Of the merchandise, in bytes. */
	readonly length: bigint;
	/** Roots of the two hash trees, 32 bytes each. */
	readonly plaintextRoot: Uint8Array;
	readonly ciphertextRoot: Uint8Array;
}

/** A chunk as it goes to the buyer. */
export interface SealedChunk {
	readonly index: number;
	/** In the tree of the plaintext, 32 bytes. */
	readonly leaf: Uint8Array;
	/** `SEALING_BYTES` longer than the chunk in it. */
	readonly sealed: Uint8Array;
}
