/** AEADs by their Noise names. Both take 32-byte keys and add a 16-byte tag. */
export type AeadName = "AESGCM" | "ChaChaPoly";

/** ECDSA on P-256 with SHA-256 (64-byte r‖s), or Ed25519 (64 bytes, RFC 8032). */
export type SignatureAlgorithm = "P-256" | "Ed25519";

/** A key of an AEAD, in bytes. */
export const KEY_BYTES = 32;
/** A SHA-256 hash, in bytes. */
export const HASH_BYTES = 32;
/** The tag that an AEAD adds to what it seals, in bytes. */
export const TAG_BYTES = 16;
/** A public key or a shared secret of X25519 (RFC 7748), in bytes. */
export const X25519_BYTES = 32;
/** A signature of either algorithm, in bytes: for P-256 r and s, 32 bytes each, and not DER. */
export const SIGNATURE_BYTES = 64;
/** The sizes of ML-KEM-768 (FIPS 203, table 3), in bytes. */
export const ML_KEM_768 = {
	publicKeyBytes: 1184,
	ciphertextBytes: 1088,
	secretBytes: 32,
} as const;

/** An ephemeral X25519 key (RFC 7748). The private half never leaves the object. */
export interface X25519Key {
	/** 32 bytes. */
	readonly publicKey: Uint8Array;
	/** The 32-byte shared secret, or `undefined` when it is all zero (RFC 7748, 6.1), the key is not 32 bytes, or the private half was wiped. */
	agree(peerPublicKey: Uint8Array): Uint8Array | undefined;
	/** Forgets the private half, and overwrites it where it is in memory of ours. */
	wipe(): void;
}

/** An ephemeral ML-KEM-768 key (FIPS 203). */
export interface KemKey {
	/** 1184 bytes. */
	readonly publicKey: Uint8Array;
	/** The 32-byte secret, or `undefined` when the ciphertext is not 1088 bytes. A wrong ciphertext yields an unrelated secret (implicit rejection). */
	decapsulate(ciphertext: Uint8Array): Uint8Array | undefined;
}

/** One AEAD under one key. The caller owns the nonces and lends each for one call: it writes the next over it. */
export interface Aead {
	/** Ciphertext followed by the 16-byte tag. `nonce` is 12 bytes. */
	seal(
		nonce: Uint8Array,
		associatedData: Uint8Array,
		plaintext: Uint8Array,
	): Uint8Array;
	/** `header` ‖ ciphertext of the parts ‖ tag, with the header as associated data: a whole record without another copy. A short one may share its memory with other ciphertexts. */
	sealRecord(
		nonce: Uint8Array,
		header: Uint8Array,
		...parts: readonly Uint8Array[]
	): Uint8Array;
	/**
	 * The plaintext, or `undefined` when the tag does not fit. A short one may share its memory with
	 * other plaintexts: whoever hands it out of this device's own code copies it first.
	 */
	open(
		nonce: Uint8Array,
		associatedData: Uint8Array,
		sealed: Uint8Array,
	): Uint8Array | undefined;
}

/** SHA-256 over what comes a part at a time, for what is too large to be held at once. */
export interface Sha256 {
	update(part: Uint8Array): void;
	/** 32 bytes; asked for once, and nothing may be added after it. */
	digest(): Uint8Array;
}

/**
 * Everything cryptographic that Tetrad does, in one place, so that it can be counted, replaced
 * and made repeatable. Functions that check bytes from a peer answer `false` or `undefined`
 * and do not throw; only a caller's mistake (a key of the wrong length of our own) throws.
 */
export interface CryptoProvider {
	/** Bytes from a cryptographically secure source. */
	random(length: number): Uint8Array;
	/** SHA-256 over the parts one after another. */
	sha256(...parts: readonly Uint8Array[]): Uint8Array;
	/** SHA-256 over parts that are not all at hand. */
	beginSha256(): Sha256;
	/** HMAC-SHA-256, 32 bytes. */
	hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array;
	/** HKDF with SHA-256, both steps at once (RFC 5869); `length` at most 8160. */
	hkdf(
		salt: Uint8Array,
		secret: Uint8Array,
		info: Uint8Array,
		length: number,
	): Uint8Array;
	/** HKDF-Extract with SHA-256 (RFC 5869, 2.2). */
	hkdfExtract(salt: Uint8Array, secret: Uint8Array): Uint8Array;
	/** HKDF-Expand with SHA-256 (RFC 5869, 2.3); `length` at most 8160. */
	hkdfExpand(key: Uint8Array, info: Uint8Array, length: number): Uint8Array;
	generateX25519(): X25519Key;
	generateKem(): KemKey;
	/** `undefined` when the public key is not 1184 bytes or fails the modulus check (FIPS 203, 7.2). */
	encapsulate(
		publicKey: Uint8Array,
	): { ciphertext: Uint8Array; secret: Uint8Array } | undefined;
	aead(name: AeadName, key: Uint8Array): Aead;
	/** `publicKey` is raw: 65 bytes uncompressed for P-256, 32 for Ed25519. */
	verify(
		algorithm: SignatureAlgorithm,
		publicKey: Uint8Array,
		message: Uint8Array,
		signature: Uint8Array,
	): boolean;
	/** Constant time for equal lengths; `false` for different ones. */
	equal(a: Uint8Array, b: Uint8Array): boolean;
}
