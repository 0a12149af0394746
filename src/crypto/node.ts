import * as node from "node:crypto";
import { TetradError } from "../errors.ts";
import { type Hashing, hmacOver } from "./hmac.ts";
import { FEW_BYTES, NOTHING, sizeOf, withJoined } from "./parts.ts";
import {
	type Aead,
	type AeadName,
	type CryptoProvider,
	HASH_BYTES,
	KEY_BYTES,
	type KemKey,
	ML_KEM_768,
	type Sha256,
	SIGNATURE_BYTES,
	type SignatureAlgorithm,
	TAG_BYTES,
	X25519_BYTES,
	type X25519Key,
} from "./provider.ts";

const AEAD_CIPHER = {
	AESGCM: "aes-256-gcm",
	ChaChaPoly: "chacha20-poly1305",
} as const satisfies Record<
	AeadName,
	node.CipherGCMTypes | "chacha20-poly1305"
>;

const NONCE_BYTES = 12;
const KEM_SEED_BYTES = 64;

/** The first byte of an uncompressed point (SEC 1, 2.3.3). OpenSSL also reads the hybrid forms 6 and 7, and a key has one form only. */
const UNCOMPRESSED = 4;

const PUBLIC_KEY_BYTES = {
	"P-256": 65,
	Ed25519: 32,
} as const satisfies Record<SignatureAlgorithm, number>;

function importRawPublicKey(
	key: Uint8Array,
	type: "ed25519" | "ec",
): node.KeyObject | undefined {
	try {
		return node.createPublicKey({
			key,
			format: "raw-public",
			asymmetricKeyType: type,
			...(type === "ec" ? { namedCurve: "P-256" } : {}),
		});
	} catch {
		return undefined;
	}
}

function importRawPrivateKey(
	key: Uint8Array,
	length: number,
	format: "raw-private" | "raw-seed",
	type: "x25519" | "ml-kem-768",
): node.KeyObject {
	if (key.length !== length)
		throw new TetradError(
			"invalid-argument",
			`a private key for ${type} has ${length} bytes`,
		);
	return node.createPrivateKey({ key, format, asymmetricKeyType: type });
}

function publicHalf(privateKey: node.KeyObject): Uint8Array {
	return bytes(
		node.createPublicKey(privateKey).export({ format: "raw-public" }),
	);
}

/** A plain view, so that no caller depends on Buffer. */
function bytes(buffer: Buffer): Uint8Array {
	return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

/**
 * One call into OpenSSL: joining a few short parts costs less than an object that takes them one
 * by one, and copying much costs more. The digest comes as a string of 32 characters, which costs
 * half of a Buffer with memory of its own and cannot be wiped: what is secret takes another way
 * out, in `mac`.
 */
function sha256(...parts: readonly Uint8Array[]): Uint8Array {
	if (parts.length > 1 && sizeOf(parts) > FEW_BYTES) return sha256OfMuch(parts);
	const digest = new Uint8Array(HASH_BYTES);
	withJoined(parts, (input) => sha256Into(digest, 0, input));
	return digest;
}

function sha256OfMuch(parts: readonly Uint8Array[]): Uint8Array {
	const hash = beginSha256();
	for (const part of parts) hash.update(part);
	return hash.digest();
}

function beginSha256(): Sha256 {
	const hash = node.createHash("sha256");
	return {
		update(part) {
			hash.update(part);
		},
		digest: () => bytes(hash.digest()),
	};
}

function sha256Into(out: Uint8Array, at: number, input: Uint8Array): void {
	const digest = node.hash("sha256", input, "binary");
	for (let i = 0; i < HASH_BYTES; i++) out[at + i] = digest.charCodeAt(i);
}

function secretSha256Into(
	out: Uint8Array,
	at: number,
	input: Uint8Array,
): void {
	const digest = node.hash("sha256", input, "buffer");
	out.set(digest, at);
	digest.fill(0);
}

/** What of HMAC every provider takes from OpenSSL. */
export const OPEN_HASHING: Pick<Hashing, "openInto" | "macOfAnySize"> = {
	openInto: sha256Into,
	macOfAnySize(key, parts) {
		const hmac = node.createHmac("sha256", key);
		for (const part of parts) hmac.update(part);
		return bytes(hmac.digest());
	},
};

const macs = hmacOver({
	...OPEN_HASHING,
	secretInto: secretSha256Into,
	secret: (input) => bytes(node.hash("sha256", input, "buffer")),
});

/** A public key as its raw bytes, where Node takes a key: a key object of its own would live until it is collected. */
function rawPublicKey(
	key: Uint8Array,
	asymmetricKeyType: "x25519" | "ml-kem-768",
): node.KeyObject {
	// Node documents this form; its type declarations do not have it yet.
	const input: unknown = { key, format: "raw-public", asymmetricKeyType };
	return input as node.KeyObject;
}

/** A key pair whose public half is raw bytes from the start. */
function generatePair(type: "x25519" | "ml-kem-768"): {
	readonly privateKey: node.KeyObject;
	readonly publicKey: Buffer;
} {
	const generate = node.generateKeyPairSync as unknown as (
		type: string,
		options: { readonly publicKeyEncoding: { readonly format: "raw-public" } },
	) => { privateKey: node.KeyObject; publicKey: Buffer };
	return generate(type, RAW_PUBLIC);
}

const RAW_PUBLIC = { publicKeyEncoding: { format: "raw-public" } } as const;

function x25519Key(
	generated: node.KeyObject,
	publicKey: Uint8Array,
): X25519Key {
	let privateKey: node.KeyObject | undefined = generated;
	return {
		publicKey,
		agree(peerPublicKey) {
			if (privateKey === undefined || peerPublicKey.length !== X25519_BYTES)
				return undefined;
			try {
				return bytes(
					node.diffieHellman({
						privateKey,
						publicKey: rawPublicKey(peerPublicKey, "x25519"),
					}),
				);
			} catch {
				// OpenSSL refuses to derive an all-zero secret.
				return undefined;
			}
		},
		wipe() {
			// OpenSSL overwrites it when it is collected.
			privateKey = undefined;
		},
	};
}

/** From a private key of 32 bytes, for test vectors; `nodeCrypto` makes its own. */
export function x25519FromPrivate(secret: Uint8Array): X25519Key {
	const privateKey = importRawPrivateKey(
		secret,
		X25519_BYTES,
		"raw-private",
		"x25519",
	);
	return x25519Key(privateKey, publicHalf(privateKey));
}

function kemKey(privateKey: node.KeyObject, publicKey: Uint8Array): KemKey {
	return {
		publicKey,
		decapsulate(ciphertext) {
			if (ciphertext.length !== ML_KEM_768.ciphertextBytes) return undefined;
			return bytes(node.decapsulate(privateKey, ciphertext) as Buffer);
		},
	};
}

/** From the seed d‖z of 64 bytes (FIPS 203, 7.1), for test vectors; `nodeCrypto` makes its own. */
export function kemFromSeed(seed: Uint8Array): KemKey {
	const privateKey = importRawPrivateKey(
		seed,
		KEM_SEED_BYTES,
		"raw-seed",
		"ml-kem-768",
	);
	return kemKey(privateKey, publicHalf(privateKey));
}

function encapsulate(publicKey: Uint8Array) {
	if (publicKey.length !== ML_KEM_768.publicKeyBytes) return undefined;
	try {
		const { ciphertext, sharedKey } = node.encapsulate(
			rawPublicKey(publicKey, "ml-kem-768"),
		) as { ciphertext: Buffer; sharedKey: Buffer };
		return { ciphertext: bytes(ciphertext), secret: bytes(sharedKey) };
	} catch {
		// The key fails the modulus check.
		return undefined;
	}
}

/**
 * Gives the memory of a large buffer back now. The collector would only see that much memory is
 * in use, and collect again and again while a file passes.
 */
function release({ buffer, byteLength }: Buffer): void {
	if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength)
		buffer.transfer(0);
}

/** OpenSSL's AES-GCM takes a nonce of any length and derives its counter in another way then. */
export function requireNonce(nonce: Uint8Array): void {
	if (nonce.length !== NONCE_BYTES)
		throw new TetradError("invalid-argument", "an AEAD nonce has 12 bytes");
}

function aead(name: AeadName, key: Uint8Array): Aead {
	if (key.length !== KEY_BYTES)
		throw new TetradError("invalid-argument", "an AEAD key has 32 bytes");
	// Both ciphers share the GCM interface; the type of the first stands for both.
	const cipher = AEAD_CIPHER[name] as "aes-256-gcm";
	const options = { authTagLength: TAG_BYTES };
	/** `prefix` ‖ ciphertext ‖ tag, each byte written once. */
	const seal = (
		nonce: Uint8Array,
		associatedData: Uint8Array,
		prefix: Uint8Array,
		parts: readonly Uint8Array[],
	): Uint8Array => {
		requireNonce(nonce);
		const plaintextLength = sizeOf(parts);
		const sealer = node.createCipheriv(cipher, key, nonce, options);
		sealer.setAAD(associatedData, { plaintextLength });
		const sealed = new Uint8Array(prefix.length + plaintextLength + TAG_BYTES);
		sealed.set(prefix);
		let at = prefix.length;
		const put = (part: Uint8Array) => {
			const ciphertext = sealer.update(part);
			sealed.set(ciphertext, at);
			at += part.length;
			if (part.length > FEW_BYTES) release(ciphertext);
		};
		// A call into OpenSSL costs more than copying a little, and less than copying much.
		if (plaintextLength <= FEW_BYTES) withJoined(parts, put);
		else for (const part of parts) put(part);
		sealer.final();
		sealed.set(sealer.getAuthTag(), at);
		return sealed;
	};
	return {
		seal: (nonce, associatedData, plaintext) =>
			seal(nonce, associatedData, NOTHING, [plaintext]),
		sealRecord: (nonce, header, ...parts) => seal(nonce, header, header, parts),
		open(nonce, associatedData, sealed) {
			requireNonce(nonce);
			if (sealed.length < TAG_BYTES) return undefined;
			const body = sealed.subarray(0, sealed.length - TAG_BYTES);
			const opener = node.createDecipheriv(cipher, key, nonce, options);
			opener.setAAD(associatedData, { plaintextLength: body.length });
			opener.setAuthTag(sealed.subarray(body.length));
			const plaintext = opener.update(body);
			try {
				opener.final();
			} catch {
				plaintext.fill(0);
				return undefined;
			}
			return bytes(plaintext);
		},
	};
}

/**
 * Keys that verified before, by the very array that held them: a certified device is remembered
 * with its key, and importing costs a tenth of verifying. The bytes are compared, since an array
 * can be written to.
 */
const imported = new WeakMap<
	Uint8Array,
	{ readonly bytes: Uint8Array; readonly key: node.KeyObject }
>();

function verificationKey(
	algorithm: SignatureAlgorithm,
	publicKey: Uint8Array,
): node.KeyObject | undefined {
	const known = imported.get(publicKey);
	if (known !== undefined && Buffer.compare(known.bytes, publicKey) === 0)
		return known.key;
	const key = importRawPublicKey(
		publicKey,
		algorithm === "P-256" ? "ec" : "ed25519",
	);
	if (key !== undefined)
		imported.set(publicKey, { bytes: new Uint8Array(publicKey), key });
	return key;
}

function verify(
	algorithm: SignatureAlgorithm,
	publicKey: Uint8Array,
	message: Uint8Array,
	signature: Uint8Array,
): boolean {
	if (signature.length !== SIGNATURE_BYTES) return false;
	if (publicKey.length !== PUBLIC_KEY_BYTES[algorithm]) return false;
	if (algorithm === "P-256" && publicKey[0] !== UNCOMPRESSED) return false;
	const key = verificationKey(algorithm, publicKey);
	if (key === undefined) return false;
	return algorithm === "P-256"
		? node.verify(
				"sha256",
				message,
				{ key, dsaEncoding: "ieee-p1363" },
				signature,
			)
		: node.verify(null, message, key, signature);
}

/** The provider for Node 24.21 and newer: OpenSSL's primitives through `node:crypto`. */
export const nodeCrypto: CryptoProvider = {
	random: (length) => bytes(node.randomBytes(length)),
	sha256,
	beginSha256,
	...macs,
	generateX25519() {
		const { privateKey, publicKey } = generatePair("x25519");
		return x25519Key(privateKey, bytes(publicKey));
	},
	generateKem() {
		const { privateKey, publicKey } = generatePair("ml-kem-768");
		return kemKey(privateKey, bytes(publicKey));
	},
	encapsulate,
	aead,
	verify,
	equal: (a, b) => a.length === b.length && node.timingSafeEqual(a, b),
};
