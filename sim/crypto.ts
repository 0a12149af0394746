/*
 * The provider of a simulated device. Hashes, HMAC and HKDF are the real ones; key exchange,
 * signatures and AEADs are stand-ins that cost a hash or two each: whoever knows this file can
 * compute every shared secret and every signature. Nobody in a simulated world does, so that what
 * the machines check fails and passes as it would. All randomness comes from the device's stream.
 */
import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import {
	type Aead,
	type CryptoProvider,
	ML_KEM_768,
	nodeCrypto,
	TAG_BYTES,
	X25519_BYTES,
} from "../src/crypto/index.ts";
import { kemFromSeed, x25519FromPrivate } from "../src/crypto/node.ts";
import type { Signer } from "../src/identity/index.ts";
import { utf8 } from "../src/wire/index.ts";
import type { Stream } from "./random.ts";

const SIGNATURE: Uint8Array = utf8("simulated signature");
const SHARED: Uint8Array = utf8("simulated agreement");
const PUBLIC: Uint8Array = utf8("simulated public key");
const ENCAPSULATED: Uint8Array = utf8("simulated encapsulation");

/** A key that signs at once. Its signatures are no secret of anybody's. */
export interface SimulatedSigner extends Signer {
	signNow(message: Uint8Array): Uint8Array;
}

function simulatedSigner(seed: string): SimulatedSigner {
	const publicKey = nodeCrypto.sha256(PUBLIC, utf8(seed));
	const signNow = (message: Uint8Array) => signature(publicKey, message);
	return {
		algorithm: "Ed25519",
		publicKey,
		signNow,
		sign: async (message) => signNow(message),
	};
}

/** Where the cryptography of a world comes from. */
export interface Cryptography {
	readonly name: "stand-in" | "real";
	/** Of one device: what is random comes from the stream. */
	readonly provider: (stream: Stream, sealed?: SealWatcher) => CryptoProvider;
	/** A key that follows from a text. */
	readonly signer: (seed: string) => SimulatedSigner;
}

/** Costs a hash or two for each thing that it does. */
export const STAND_IN: Cryptography = {
	name: "stand-in",
	provider: simulatedCrypto,
	signer: simulatedSigner,
};

/** That of `node:crypto`. What an encapsulation draws cannot be given to it, so that the bytes of two runs differ. */
export const REAL: Cryptography = {
	name: "real",
	provider: (stream, sealed) => ({
		...nodeCrypto,
		random: (length) => stream.bytes(length),
		generateX25519: () => x25519FromPrivate(stream.bytes(X25519_BYTES)),
		generateKem: () => kemFromSeed(stream.bytes(64)),
		aead: (name, key) => watched(nodeCrypto.aead(name, key), key, sealed),
	}),
	signer: realSigner,
};

/** Before the private key of an Ed25519 key in PKCS #8 (RFC 8410). */
const PKCS8: Uint8Array = Buffer.from(
	"302e020100300506032b657004220420",
	"hex",
);

function realSigner(seed: string): SimulatedSigner {
	const secret = nodeCrypto.sha256(PUBLIC, utf8(seed));
	const key = createPrivateKey({
		key: Buffer.concat([PKCS8, secret]),
		format: "der",
		type: "pkcs8",
	});
	const spki = createPublicKey(key).export({ format: "der", type: "spki" });
	const signNow = (message: Uint8Array) =>
		new Uint8Array(sign(null, message, key));
	return {
		algorithm: "Ed25519",
		publicKey: new Uint8Array(spki.subarray(-32)),
		signNow,
		sign: async (message) => signNow(message),
	};
}

function watched(
	aead: Aead,
	lent: Uint8Array,
	sealed: SealWatcher = () => {},
): Aead {
	const key = new Uint8Array(lent);
	return {
		open: (...given) => aead.open(...given),
		seal(nonce, associatedData, plaintext) {
			sealed(key, nonce, [plaintext]);
			return aead.seal(nonce, associatedData, plaintext);
		},
		sealRecord(nonce, header, ...parts) {
			sealed(key, nonce, parts);
			return aead.sealRecord(nonce, header, ...parts);
		},
	};
}

function signature(publicKey: Uint8Array, message: Uint8Array): Uint8Array {
	const half = nodeCrypto.sha256(SIGNATURE, publicKey, message);
	const whole = new Uint8Array(64);
	whole.set(half);
	whole.set(half, 32);
	return whole;
}

/** Hears of each key and nonce that something is sealed with, and what it is. */
export type SealWatcher = (
	key: Uint8Array,
	nonce: Uint8Array,
	plaintext: readonly Uint8Array[],
) => void;

function simulatedCrypto(
	stream: Stream,
	sealed: SealWatcher = () => {},
): CryptoProvider {
	return {
		...nodeCrypto,
		random: (length) => stream.bytes(length),
		generateX25519() {
			const publicKey = stream.bytes(X25519_BYTES);
			return {
				publicKey,
				agree: (peer) =>
					peer.length === X25519_BYTES ? agreed(publicKey, peer) : undefined,
			};
		},
		generateKem() {
			const publicKey = stream.bytes(ML_KEM_768.publicKeyBytes);
			return {
				publicKey,
				decapsulate: (ciphertext) =>
					ciphertext.length === ML_KEM_768.ciphertextBytes
						? nodeCrypto.sha256(ENCAPSULATED, publicKey, ciphertext)
						: undefined,
			};
		},
		encapsulate(publicKey) {
			if (publicKey.length !== ML_KEM_768.publicKeyBytes) return undefined;
			const ciphertext = stream.bytes(ML_KEM_768.ciphertextBytes);
			const secret = nodeCrypto.sha256(ENCAPSULATED, publicKey, ciphertext);
			return { ciphertext, secret };
		},
		aead: (_, key) => simulatedAead(key, sealed),
		verify: (_, publicKey, message, given) =>
			nodeCrypto.equal(signature(publicKey, message), given),
	};
}

/** Symmetric, as an agreement is. */
function agreed(one: Uint8Array, other: Uint8Array): Uint8Array {
	const isFirst = Buffer.compare(one, other) < 0;
	return nodeCrypto.sha256(
		SHARED,
		isFirst ? one : other,
		isFirst ? other : one,
	);
}

const PAD: Uint8Array = utf8("simulated pad");
const TAG: Uint8Array = utf8("simulated tag");
const NOTHING: Uint8Array = new Uint8Array();

/** Hides what it seals from whoever looks for it, and notices whatever is changed. */
function simulatedAead(lent: Uint8Array, sealed: SealWatcher): Aead {
	const key = new Uint8Array(lent);
	const tagOf = (
		nonce: Uint8Array,
		associatedData: Uint8Array,
		ciphertext: Uint8Array,
	): Uint8Array =>
		nodeCrypto
			.sha256(TAG, key, nonce, associatedData, ciphertext)
			.subarray(0, TAG_BYTES);
	const hide = (nonce: Uint8Array, bytes: Uint8Array): void => {
		const pad = nodeCrypto.sha256(PAD, key, nonce);
		for (let at = 0; at < bytes.length; at++)
			bytes[at] = (bytes[at] ?? 0) ^ (pad[at & 31] ?? 0) ^ (at >>> 5);
	};
	const seal = (
		nonce: Uint8Array,
		header: Uint8Array,
		isHeaderKept: boolean,
		parts: readonly Uint8Array[],
	): Uint8Array => {
		sealed(key, nonce, parts);
		const length = parts.reduce((sum, part) => sum + part.length, 0);
		const kept = isHeaderKept ? header : NOTHING;
		const out = new Uint8Array(kept.length + length + TAG_BYTES);
		out.set(kept);
		let at = kept.length;
		for (const part of parts) {
			out.set(part, at);
			at += part.length;
		}
		const ciphertext = out.subarray(kept.length, at);
		hide(nonce, ciphertext);
		out.set(tagOf(nonce, header, ciphertext), at);
		return out;
	};
	return {
		seal: (nonce, associatedData, plaintext) =>
			seal(nonce, associatedData, false, [plaintext]),
		sealRecord: (nonce, header, ...parts) => seal(nonce, header, true, parts),
		open(nonce, associatedData, bytes) {
			if (bytes.length < TAG_BYTES) return undefined;
			const ciphertext = bytes.subarray(0, bytes.length - TAG_BYTES);
			const tag = tagOf(nonce, associatedData, ciphertext);
			if (!nodeCrypto.equal(tag, bytes.subarray(-TAG_BYTES))) return undefined;
			const plaintext = new Uint8Array(ciphertext);
			hide(nonce, plaintext);
			return plaintext;
		},
	};
}
