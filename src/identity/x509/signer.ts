import type { SignatureAlgorithm } from "../../crypto/index.ts";

/**
 * A long-term key that signs and does nothing else, wherever it lives. `publicKey` is raw
 * (65 bytes uncompressed for P-256, 32 for Ed25519).
 */
export interface Signer {
	readonly algorithm: SignatureAlgorithm;
	readonly publicKey: Uint8Array;
	/**
	 * A 64-byte signature over `message` (P-256: ECDSA with SHA-256 as r‖s). It may take hundreds
	 * of milliseconds. Rejects with `key-store-failed` when the key is out of reach.
	 */
	sign(message: Uint8Array): Promise<Uint8Array>;
}
