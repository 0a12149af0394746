/** A proof that one private key made a public key and a blind signature (NUT-12): 32 bytes each. */
export interface Dleq {
	readonly e: Uint8Array;
	readonly s: Uint8Array;
}

/** The same for whoever gets the proof from somebody else, who tells the blinding factor. */
export interface CarriedDleq extends Dleq {
	/** The blinding factor, 32 bytes. A mint must not see it. */
	readonly r: Uint8Array;
}

/**
 * Everything on secp256k1 that Cashu needs: blind signatures (NUT-00), what outputs are derived
 * from (NUT-13), and Schnorr signatures (BIP 340). Points are compressed, 33 bytes; scalars have
 * 32, big-endian. Functions that check what a mint or a peer has sent answer `false` or `undefined`
 * and do not throw; only a caller's mistake throws.
 */
export interface EcashCrypto {
	/** Whether 33 bytes are a point, and not that at infinity. */
	isPoint(bytes: Uint8Array): boolean;
	/** Y of a proof's secret, as its bytes (NUT-00, hash_to_curve). */
	hashToCurve(secret: Uint8Array): Uint8Array;
	/** B_ = Y + r·G. */
	blind(secret: Uint8Array, factor: Uint8Array): Uint8Array;
	/** C = C_ − r·K, or `undefined` when C_ or K is no point. */
	unblind(
		signature: Uint8Array,
		factor: Uint8Array,
		mintKey: Uint8Array,
	): Uint8Array | undefined;
	/** Whether the key that is behind `mintKey` made C_ of B_ (NUT-12). */
	verifyDleq(
		dleq: Dleq,
		blinded: Uint8Array,
		signature: Uint8Array,
		mintKey: Uint8Array,
	): boolean;
	/** Whether the key that is behind `mintKey` made C of a secret, as its bytes (NUT-12). */
	verifyCarriedDleq(
		dleq: CarriedDleq,
		secret: Uint8Array,
		signature: Uint8Array,
		mintKey: Uint8Array,
	): boolean;
	/** What NUT-13 derives from a seed: 32 bytes, of which the secret is the hexadecimal, and a blinding factor. By BIP 32 for ids of version 00, by HMAC for those of 01. */
	derive(
		seed: Uint8Array,
		keyset: Uint8Array,
		counter: number,
	): { readonly secret: Uint8Array; readonly factor: Uint8Array };
	/** The public key of a private one. */
	publicKey(privateKey: Uint8Array): Uint8Array;
	/** P + t·G, or `undefined` when P is no point, or that is at infinity. */
	addToPublicKey(
		publicKey: Uint8Array,
		tweak: Uint8Array,
	): Uint8Array | undefined;
	/** (p + t) mod n, of which the public key is the sum of above. */
	addToPrivateKey(privateKey: Uint8Array, tweak: Uint8Array): Uint8Array;
	/** 64 bytes over SHA-256 of the message. */
	sign(message: Uint8Array, privateKey: Uint8Array): Uint8Array;
	/** By whichever of the two keys that have the same x. */
	verify(
		message: Uint8Array,
		signature: Uint8Array,
		publicKey: Uint8Array,
	): boolean;
}
