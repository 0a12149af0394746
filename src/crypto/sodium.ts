/*
 * The provider on libsodium, for what it does in less time than OpenSSL does through Node: a small
 * seal and a key each cost OpenSSL several objects, and here a call that writes into memory given
 * to it. All else is that of `nodeCrypto`: AES-GCM, ML-KEM, P-256, hashes of which no copy matters,
 * and large seals, for which OpenSSL has the faster code of the same algorithm.
 */
import { TetradError } from "../errors.ts";
import { Blocks } from "./block.ts";
import { hmacOver } from "./hmac.ts";
import { nodeCrypto, OPEN_HASHING, requireNonce } from "./node.ts";
import { join, NOTHING, sizeOf } from "./parts.ts";
import {
	type Aead,
	type CryptoProvider,
	HASH_BYTES,
	SIGNATURE_BYTES,
	TAG_BYTES,
	X25519_BYTES,
	type X25519Key,
} from "./provider.ts";

/** What is asked of the package `sodium-native`, under its names. What it is given has to have the right length. */
export interface Sodium {
	/** Throws for any failure. */
	crypto_aead_chacha20poly1305_ietf_encrypt(
		sealed: Uint8Array,
		plaintext: Uint8Array,
		associatedData: Uint8Array,
		secretNonce: null,
		nonce: Uint8Array,
		key: Uint8Array,
	): number;
	/** Throws when the tag does not fit, and leaves zeros then. */
	crypto_aead_chacha20poly1305_ietf_decrypt(
		plaintext: Uint8Array,
		secretNonce: null,
		sealed: Uint8Array,
		associatedData: Uint8Array,
		nonce: Uint8Array,
		key: Uint8Array,
	): number;
	crypto_hash_sha256(out: Uint8Array, input: Uint8Array): void;
	crypto_box_keypair(publicKey: Uint8Array, secretKey: Uint8Array): void;
	crypto_scalarmult_base(publicKey: Uint8Array, secretKey: Uint8Array): void;
	/** Throws when the secret is all zero. */
	crypto_scalarmult(
		secret: Uint8Array,
		secretKey: Uint8Array,
		publicKey: Uint8Array,
	): void;
	crypto_sign_verify_detached(
		signature: Uint8Array,
		message: Uint8Array,
		publicKey: Uint8Array,
	): boolean;
	crypto_sign_seed_keypair(
		publicKey: Uint8Array,
		secretKey: Uint8Array,
		seed: Uint8Array,
	): void;
	crypto_sign_detached(
		signature: Uint8Array,
		message: Uint8Array,
		secretKey: Uint8Array,
	): void;
	/** Between guarded pages, left out of core dumps, and locked where the system allows it. */
	sodium_malloc(bytes: number): Uint8Array;
	/** Takes the memory from its array, and gives it back once that is collected. */
	sodium_free(memory: Uint8Array): void;
	/** After it a read or a write ends the process. */
	sodium_mprotect_noaccess(memory: Uint8Array): void;
	/** After it a write ends the process. */
	sodium_mprotect_readonly(memory: Uint8Array): void;
	sodium_mprotect_readwrite(memory: Uint8Array): void;
}

/** Plaintexts up to here, in bytes, are sealed and opened by libsodium. */
const SODIUM_SEALS_TO: number = 8192;

const ED25519_PUBLIC_KEY_BYTES = 32;

/** The provider on what `sodium-native` exports. */
export function sodiumCrypto(sodium: Sodium): CryptoProvider {
	return {
		...nodeCrypto,
		...hmacOver({
			...OPEN_HASHING,
			secretInto(out, at, input) {
				sodium.crypto_hash_sha256(out.subarray(at, at + HASH_BYTES), input);
			},
			secret(input) {
				const digest = new Uint8Array(HASH_BYTES);
				sodium.crypto_hash_sha256(digest, input);
				return digest;
			},
		}),
		generateX25519() {
			const publicKey = new Uint8Array(X25519_BYTES);
			const secretKey = new Uint8Array(X25519_BYTES);
			sodium.crypto_box_keypair(publicKey, secretKey);
			return x25519Key(sodium, publicKey, secretKey);
		},
		aead: (name, key) =>
			name === "ChaChaPoly"
				? chaChaPoly(sodium, key)
				: nodeCrypto.aead(name, key),
		verify(algorithm, publicKey, message, signature) {
			if (algorithm !== "Ed25519")
				return nodeCrypto.verify(algorithm, publicKey, message, signature);
			return (
				signature.length === SIGNATURE_BYTES &&
				publicKey.length === ED25519_PUBLIC_KEY_BYTES &&
				sodium.crypto_sign_verify_detached(signature, message, publicKey)
			);
		},
	};
}

function x25519Key(
	sodium: Sodium,
	publicKey: Uint8Array,
	secretKey: Uint8Array,
): X25519Key {
	let isWiped = false;
	return {
		publicKey,
		agree(peerPublicKey) {
			if (isWiped || peerPublicKey.length !== X25519_BYTES) return undefined;
			const secret = new Uint8Array(X25519_BYTES);
			try {
				sodium.crypto_scalarmult(secret, secretKey, peerPublicKey);
			} catch {
				return undefined;
			}
			return secret;
		},
		wipe() {
			isWiped = true;
			secretKey.fill(0);
		},
	};
}

/** From a private key of 32 bytes, for test vectors; `sodiumCrypto` makes its own. */
export function sodiumX25519FromPrivate(
	sodium: Sodium,
	secret: Uint8Array,
): X25519Key {
	if (secret.length !== X25519_BYTES)
		throw new TetradError(
			"invalid-argument",
			`a private key for x25519 has ${X25519_BYTES} bytes`,
		);
	const secretKey = new Uint8Array(secret);
	const publicKey = new Uint8Array(X25519_BYTES);
	sodium.crypto_scalarmult_base(publicKey, secretKey);
	return x25519Key(sodium, publicKey, secretKey);
}

/** Records, and what was opened, apart: the ones go to carriers, and show their block to them. */
const ofRecords = new Blocks(4096, 1024);
const ofPlaintexts = new Blocks(4096, 1024);

function chaChaPoly(sodium: Sodium, key: Uint8Array): Aead {
	const large = nodeCrypto.aead("ChaChaPoly", key);
	/** `prefix` ‖ ciphertext ‖ tag into `sealed`: the parts are put where their ciphertext will be, and sealed there. */
	function seal(
		sealed: Uint8Array,
		nonce: Uint8Array,
		associatedData: Uint8Array,
		prefix: Uint8Array,
		parts: readonly Uint8Array[],
		plaintextBytes: number,
	): Uint8Array {
		const start = prefix.length;
		const end = start + plaintextBytes;
		const body = start === 0 ? sealed : sealed.subarray(start);
		sealed.set(prefix);
		const [only] = parts;
		let plaintext = only;
		if (parts.length !== 1 || plaintext === undefined) {
			join(sealed, start, parts);
			plaintext = sealed.subarray(start, end);
		}
		sodium.crypto_aead_chacha20poly1305_ietf_encrypt(
			body,
			plaintext,
			associatedData,
			null,
			nonce,
			key,
		);
		return sealed;
	}
	return {
		seal(nonce, associatedData, plaintext) {
			requireNonce(nonce);
			const size = plaintext.length;
			if (size > SODIUM_SEALS_TO)
				return large.seal(nonce, associatedData, plaintext);
			// What comes of this may be a key, and is in no memory that carriers see.
			const sealed = new Uint8Array(size + TAG_BYTES);
			return seal(sealed, nonce, associatedData, NOTHING, [plaintext], size);
		},
		sealRecord(nonce, header, ...parts) {
			requireNonce(nonce);
			const size = sizeOf(parts);
			if (size > SODIUM_SEALS_TO)
				return large.sealRecord(nonce, header, ...parts);
			const sealed = ofRecords.cut(header.length + size + TAG_BYTES);
			return seal(sealed, nonce, header, header, parts, size);
		},
		open(nonce, associatedData, sealed) {
			requireNonce(nonce);
			const size = sealed.length - TAG_BYTES;
			if (size < 0) return undefined;
			if (size > SODIUM_SEALS_TO)
				return large.open(nonce, associatedData, sealed);
			const plaintext = ofPlaintexts.cut(size);
			try {
				sodium.crypto_aead_chacha20poly1305_ietf_decrypt(
					plaintext,
					null,
					sealed,
					associatedData,
					nonce,
					key,
				);
			} catch {
				return undefined;
			}
			return plaintext;
		},
	};
}
