import * as node from "node:crypto";
import { TetradError } from "../errors.ts";
import {
	type Aead,
	type AeadName,
	type CryptoProvider,
	KEY_BYTES,
	type KemKey,
	ML_KEM_768,
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
	type: "x25519" | "ml-kem-768" | "ed25519" | "ec",
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

function exportRawPublicKey(key: node.KeyObject): Uint8Array {
	return bytes(key.export({ format: "raw-public" }));
}

/** A plain view, so that no caller depends on Buffer. */
function bytes(buffer: Buffer): Uint8Array {
	return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

/** One call into OpenSSL: joining a few short parts costs less than an object that takes them one by one. */
function sha256(...parts: readonly Uint8Array[]): Uint8Array {
	return bytes(node.hash("sha256", join(parts), "buffer"));
}

const NOTHING = new Uint8Array();
const FIRST = Uint8Array.of(1);
const FEW_BYTES = 4096;

function sizeOf(parts: readonly Uint8Array[]): number {
	let size = 0;
	for (const part of parts) size += part.length;
	return size;
}

/** From Node's pool when it is small: memory of its own for each short input costs more than the call that reads it. */
function unfilled(size: number): Buffer {
	return Buffer.allocUnsafe(size);
}

function join(parts: readonly Uint8Array[]): Uint8Array {
	const [only] = parts;
	if (parts.length === 1 && only !== undefined) return only;
	const all = unfilled(sizeOf(parts));
	let at = 0;
	for (const part of parts) {
		all.set(part, at);
		at += part.length;
	}
	return all;
}

function hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
	const mac = node.createHmac("sha256", key);
	for (const part of parts) mac.update(part);
	return bytes(mac.digest());
}

function hkdfExpand(
	key: Uint8Array,
	info: Uint8Array,
	length: number,
): Uint8Array {
	if (!Number.isInteger(length) || length < 0 || length > 255 * 32)
		throw new TetradError(
			"invalid-argument",
			`HKDF can expand to 8160 bytes at most, not ${length}`,
		);
	// One block is what nearly every key needs.
	if (length <= 32) return hmac(key, info, FIRST).subarray(0, length);
	const output = new Uint8Array(Math.ceil(length / 32) * 32);
	let block: Uint8Array = NOTHING;
	for (let i = 0; i * 32 < length; i++) {
		block = hmac(key, block, info, Uint8Array.of(i + 1));
		output.set(block, i * 32);
	}
	return output.subarray(0, length);
}

function x25519Key(
	privateKey: node.KeyObject,
	publicKey: node.KeyObject = node.createPublicKey(privateKey),
): X25519Key {
	return {
		publicKey: exportRawPublicKey(publicKey),
		agree(peerPublicKey) {
			if (peerPublicKey.length !== X25519_BYTES) return undefined;
			const peer = importRawPublicKey(peerPublicKey, "x25519");
			if (peer === undefined) return undefined;
			try {
				return bytes(node.diffieHellman({ privateKey, publicKey: peer }));
			} catch {
				// OpenSSL refuses to derive an all-zero secret.
				return undefined;
			}
		},
	};
}

/** From a private key of 32 bytes, for test vectors; `nodeCrypto` makes its own. */
export function x25519FromPrivate(secret: Uint8Array): X25519Key {
	return x25519Key(
		importRawPrivateKey(secret, X25519_BYTES, "raw-private", "x25519"),
	);
}

function kemKey(
	privateKey: node.KeyObject,
	publicKey: node.KeyObject = node.createPublicKey(privateKey),
): KemKey {
	return {
		publicKey: exportRawPublicKey(publicKey),
		decapsulate(ciphertext) {
			if (ciphertext.length !== ML_KEM_768.ciphertextBytes) return undefined;
			return bytes(node.decapsulate(privateKey, ciphertext) as Buffer);
		},
	};
}

/** From the seed d‖z of 64 bytes (FIPS 203, 7.1), for test vectors; `nodeCrypto` makes its own. */
export function kemFromSeed(seed: Uint8Array): KemKey {
	return kemKey(
		importRawPrivateKey(seed, KEM_SEED_BYTES, "raw-seed", "ml-kem-768"),
	);
}

function encapsulate(publicKey: Uint8Array) {
	if (publicKey.length !== ML_KEM_768.publicKeyBytes) return undefined;
	const key = importRawPublicKey(publicKey, "ml-kem-768");
	if (key === undefined) return undefined;
	const { ciphertext, sharedKey } = node.encapsulate(key) as {
		ciphertext: Buffer;
		sharedKey: Buffer;
	};
	return { ciphertext: bytes(ciphertext), secret: bytes(sharedKey) };
}

/** OpenSSL's AES-GCM takes a nonce of any length and derives its counter in another way then. */
function requireNonce(nonce: Uint8Array): void {
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
		const sealed = bytes(unfilled(prefix.length + plaintextLength + TAG_BYTES));
		sealed.set(prefix);
		let at = prefix.length;
		// A call into OpenSSL costs more than copying a little, and less than copying much.
		for (const part of plaintextLength <= FEW_BYTES ? [join(parts)] : parts) {
			sealed.set(sealer.update(part), at);
			at += part.length;
		}
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
	hmac,
	hkdf: (salt, secret, info, length) =>
		new Uint8Array(node.hkdfSync("sha256", secret, salt, info, length)),
	hkdfExtract: (salt, secret) => hmac(salt, secret),
	hkdfExpand,
	generateX25519() {
		const { privateKey, publicKey } = node.generateKeyPairSync("x25519");
		return x25519Key(privateKey, publicKey);
	},
	generateKem() {
		const { privateKey, publicKey } = node.generateKeyPairSync("ml-kem-768");
		return kemKey(privateKey, publicKey);
	},
	encapsulate,
	aead,
	verify,
	equal: (a, b) => a.length === b.length && node.timingSafeEqual(a, b),
};
