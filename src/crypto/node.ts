import * as node from "node:crypto";
import { TetradError } from "../errors.ts";
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

const NOTHING = new Uint8Array();
const FIRST = Uint8Array.of(1);
const FEW_BYTES = 4096;

function sizeOf(parts: readonly Uint8Array[]): number {
	let size = 0;
	for (const part of parts) size += part.length;
	return size;
}

/**
 * For one call at a time; wiped after each. What is joined is secret as often as not, and memory
 * from Node's pool would stay in sight of everybody with a small Buffer.
 */
const scratch = new Uint8Array(FEW_BYTES);

/** Calls `use` with the parts one after another; the bytes are lent for the call. */
function withJoined<Result>(
	parts: readonly Uint8Array[],
	use: (joined: Uint8Array) => Result,
): Result {
	const [only] = parts;
	if (parts.length === 1 && only !== undefined) return use(only);
	const size = sizeOf(parts);
	const all =
		size > scratch.length ? new Uint8Array(size) : scratch.subarray(0, size);
	try {
		join(all, 0, parts);
		return use(all);
	} finally {
		all.fill(0);
	}
}

function join(
	out: Uint8Array,
	start: number,
	parts: readonly Uint8Array[],
): void {
	let at = start;
	for (const part of parts) {
		out.set(part, at);
		at += part.length;
	}
}

const BLOCK_BYTES = 64;
const INNER = 0x36;
const OUTER = 0x5c;

/**
 * HMAC (RFC 2104, 2) as the two hashes that it is. A tetrad takes some fifty, each over a few
 * short parts, and an `Hmac` object costs more to make and to collect than it computes.
 */
function mac(
	key: Uint8Array,
	parts: readonly Uint8Array[],
	innerInto: typeof sha256Into,
): Uint8Array {
	const end = BLOCK_BYTES + sizeOf(parts);
	if (key.length > BLOCK_BYTES || end > scratch.length)
		return macOfAnySize(key, parts);
	const outer = scratch.subarray(0, BLOCK_BYTES + HASH_BYTES);
	try {
		pad(key, INNER);
		join(scratch, BLOCK_BYTES, parts);
		innerInto(scratch, BLOCK_BYTES, scratch.subarray(0, end));
		pad(key, OUTER);
		return bytes(node.hash("sha256", outer, "buffer"));
	} finally {
		scratch.fill(0, 0, Math.max(end, outer.length));
	}
}

/** Under a secret key. Without it the inner digest is worth nothing, so that may be a string. */
function hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
	return mac(key, parts, sha256Into);
}

/** Under a salt that others may know. With it the inner digest is worth the output. */
function hkdfExtract(salt: Uint8Array, secret: Uint8Array): Uint8Array {
	return mac(salt, [secret], secretSha256Into);
}

/** The key, filled up with zeros to a block, xored with the byte of the inner or the outer hash. */
function pad(key: Uint8Array, byte: number): void {
	for (let i = 0; i < key.length; i++) scratch[i] = (key[i] as number) ^ byte;
	scratch.fill(byte, key.length, BLOCK_BYTES);
}

function macOfAnySize(
	key: Uint8Array,
	parts: readonly Uint8Array[],
): Uint8Array {
	const hmac = node.createHmac("sha256", key);
	for (const part of parts) hmac.update(part);
	return bytes(hmac.digest());
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
		const next = hmac(key, block, info, Uint8Array.of(i + 1));
		block.fill(0);
		block = next;
		output.set(block, i * 32);
	}
	block.fill(0);
	return output.subarray(0, length);
}

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
	privateKey: node.KeyObject,
	publicKey: Uint8Array,
): X25519Key {
	return {
		publicKey,
		agree(peerPublicKey) {
			if (peerPublicKey.length !== X25519_BYTES) return undefined;
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
	hmac,
	hkdf(salt, secret, info, length) {
		const key = hkdfExtract(salt, secret);
		try {
			return hkdfExpand(key, info, length);
		} finally {
			key.fill(0);
		}
	},
	hkdfExtract,
	hkdfExpand,
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
