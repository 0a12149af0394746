/*
 * The provider of a simulated device. All of it is a stand-in that costs a few operations for each
 * word (mixing.ts): whoever knows this file can compute every shared secret and every signature.
 * Nobody in a simulated world does, so that what the machines check fails and passes as it would.
 * All randomness comes from the device's stream.
 */
import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import {
	type Aead,
	type CryptoProvider,
	HASH_BYTES,
	ML_KEM_768,
	nodeCrypto,
	SIGNATURE_BYTES,
	TAG_BYTES,
	X25519_BYTES,
} from "../src/crypto/index.ts";
import { kemFromSeed, x25519FromPrivate } from "../src/crypto/node.ts";
import type { Signer } from "../src/identity/index.ts";
import { concat, copy, sameBytes, utf8 } from "../src/wire/index.ts";
import {
	type EcashCryptography,
	realEcash,
	standInEcash,
} from "./ecash-crypto.ts";
import { hide, type Mixture, mixIn, mixture, takeOut } from "./mixing.ts";
import type { Stream } from "./random.ts";

/** What each stand-in is for. */
const PURPOSE = {
	hash: 1,
	mac: 2,
	expansion: 3,
	agreement: 4,
	encapsulation: 5,
	signature: 6,
	aead: 7,
	publicKey: 8,
} as const;

const PUBLIC: Uint8Array = utf8("simulated public key");
/** A key that signs at once. Its signatures are no secret of anybody's. */
export interface SimulatedSigner extends Signer {
	signNow(message: Uint8Array): Uint8Array;
}

function simulatedSigner(seed: string): SimulatedSigner {
	const publicKey = made(PURPOSE.publicKey, 32, utf8(seed));
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
	/** What purses and mints need of secp256k1. */
	readonly ecash: () => EcashCryptography;
}

/** Costs a few operations for each word. */
export const STAND_IN: Cryptography = {
	name: "stand-in",
	provider: simulatedCrypto,
	signer: simulatedSigner,
	ecash: () => standInEcash(STAND_INS),
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
	ecash: realEcash,
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

/** An AEAD of which somebody hears what it seals. */
function watched(
	aead: Aead,
	key: Uint8Array,
	sealed: SealWatcher = () => {},
): Aead {
	const name = nameOf(key);
	return {
		open: (...given) => aead.open(...given),
		seal(nonce, associatedData, plaintext) {
			const out = aead.seal(nonce, associatedData, plaintext);
			sealed(name, nonce, out);
			return out;
		},
		sealRecord(nonce, header, ...parts) {
			const out = aead.sealRecord(nonce, header, ...parts);
			sealed(name, nonce, out);
			return out;
		},
	};
}

function nameOf(key: Uint8Array): string {
	return Buffer.from(key.buffer, key.byteOffset, key.length).toString("latin1");
}

/** Hears of each key and nonce that something is sealed with, and what came of it: a tag of which the last bytes tell apart what was sealed. */
export type SealWatcher = (
	key: string,
	nonce: Uint8Array,
	sealed: Uint8Array,
) => void;

/** So many bytes that follow from the parts, each by itself. */
function made(
	purpose: number,
	length: number,
	...parts: readonly Uint8Array[]
): Uint8Array {
	const mixing = mixture(purpose);
	for (const part of parts) mixIn(mixing, part);
	const out = new Uint8Array(length);
	takeOut(mixing, out);
	return out;
}

function hash(...parts: readonly Uint8Array[]): Uint8Array {
	return made(PURPOSE.hash, HASH_BYTES, joined(parts));
}

function mac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
	return made(PURPOSE.mac, HASH_BYTES, key, joined(parts));
}

function expansion(
	key: Uint8Array,
	info: Uint8Array,
	length: number,
): Uint8Array {
	return made(PURPOSE.expansion, length, key, info);
}

/** Lent until the next call. */
const scratch = new Uint8Array(4096);

function joined(parts: readonly Uint8Array[]): Uint8Array {
	const [only] = parts;
	if (parts.length === 1 && only !== undefined) return only;
	let size = 0;
	for (const part of parts) size += part.length;
	if (size > scratch.length) return concat(...parts);
	let at = 0;
	for (const part of parts) {
		scratch.set(part, at);
		at += part.length;
	}
	return scratch.subarray(0, size);
}

const STAND_INS = {
	sha256: hash,
	beginSha256() {
		const parts: Uint8Array[] = [];
		return {
			update: (part) => void parts.push(copy(part)),
			digest: () => hash(...parts),
		};
	},
	hmac: mac,
	hkdf: (salt, secret, info, length) =>
		expansion(mac(salt, secret), info, length),
	hkdfExtract: (salt, secret) => mac(salt, secret),
	hkdfExpand: expansion,
	verify: (_, publicKey, message, given) =>
		sameBytes(signature(publicKey, message), given),
	equal: sameBytes,
} satisfies Partial<CryptoProvider>;

function simulatedCrypto(
	stream: Stream,
	sealed: SealWatcher = () => {},
): CryptoProvider {
	const encapsulated = (publicKey: Uint8Array, ciphertext: Uint8Array) =>
		made(
			PURPOSE.encapsulation,
			ML_KEM_768.secretBytes,
			publicKey.subarray(0, 32),
			ciphertext.subarray(0, 32),
		);
	return {
		...STAND_INS,
		random: (length) => stream.bytes(length),
		generateX25519() {
			const publicKey = stream.bytes(X25519_BYTES);
			return {
				publicKey,
				agree: (peer) =>
					peer.length === X25519_BYTES ? agreed(publicKey, peer) : undefined,
				wipe() {},
			};
		},
		generateKem() {
			const publicKey = stream.bytes(ML_KEM_768.publicKeyBytes);
			return {
				publicKey,
				decapsulate: (ciphertext) =>
					ciphertext.length === ML_KEM_768.ciphertextBytes
						? encapsulated(publicKey, ciphertext)
						: undefined,
			};
		},
		encapsulate(publicKey) {
			if (publicKey.length !== ML_KEM_768.publicKeyBytes) return undefined;
			const ciphertext = stream.bytes(ML_KEM_768.ciphertextBytes);
			return { ciphertext, secret: encapsulated(publicKey, ciphertext) };
		},
		aead: (_, key) => simulatedAead(key, sealed),
	};
}

/** Symmetric, as an agreement is. */
function agreed(one: Uint8Array, other: Uint8Array): Uint8Array {
	const isFirst = Buffer.compare(one, other) < 0;
	return made(
		PURPOSE.agreement,
		X25519_BYTES,
		isFirst ? one : other,
		isFirst ? other : one,
	);
}

function signature(publicKey: Uint8Array, message: Uint8Array): Uint8Array {
	return made(PURPOSE.signature, SIGNATURE_BYTES, publicKey, message);
}

const NOTHING: Uint8Array = new Uint8Array();

/** Hides what it seals from whoever looks for it, and notices whatever is changed. */
function simulatedAead(key: Uint8Array, sealed: SealWatcher): Aead {
	const keyed = mixture(PURPOSE.aead);
	mixIn(keyed, key);
	const name = nameOf(key);
	const begin = (nonce: Uint8Array, associatedData: Uint8Array): Mixture => {
		const mixing = keyed.slice();
		mixIn(mixing, nonce);
		mixIn(mixing, associatedData);
		return mixing;
	};
	const seal = (
		nonce: Uint8Array,
		header: Uint8Array,
		kept: Uint8Array,
		parts: readonly Uint8Array[],
	): Uint8Array => {
		let length = kept.length;
		for (const part of parts) length += part.length;
		const out = new Uint8Array(length + TAG_BYTES);
		out.set(kept);
		let at = kept.length;
		for (const part of parts) {
			out.set(part, at);
			at += part.length;
		}
		const mixing = begin(nonce, header);
		hide(mixing, out, kept.length, at, false);
		takeOut(mixing, out, at);
		sealed(name, nonce, out);
		return out;
	};
	const tag = new Uint8Array(TAG_BYTES);
	return {
		seal: (nonce, associatedData, plaintext) =>
			seal(nonce, associatedData, NOTHING, [plaintext]),
		sealRecord: (nonce, header, ...parts) => seal(nonce, header, header, parts),
		open(nonce, associatedData, bytes) {
			const length = bytes.length - TAG_BYTES;
			if (length < 0) return undefined;
			const plaintext = copy(bytes.subarray(0, length));
			const mixing = begin(nonce, associatedData);
			hide(mixing, plaintext, 0, length, true);
			takeOut(mixing, tag);
			for (let at = 0; at < TAG_BYTES; at++)
				if (tag[at] !== bytes[length + at]) return undefined;
			return plaintext;
		},
	};
}
