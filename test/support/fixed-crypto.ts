import { ed25519 } from "@noble/curves/ed25519.js";
import { p256 } from "@noble/curves/nist.js";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import {
	type CryptoProvider,
	nodeCrypto,
	type SignatureAlgorithm,
	X25519_BYTES,
} from "../../src/crypto/index.ts";
import { kemFromSeed, x25519FromPrivate } from "../../src/crypto/node.ts";
import type { Signer } from "../../src/identity/x509/signer.ts";
import { enc, utf8 } from "../../src/wire/index.ts";

/**
 * Call `i` for `purpose` yields the first bytes of B₀ ‖ B₁ ‖ …, where
 * Bⱼ = SHA-256(enc("tetrad test stream", seed, purpose, u32 i, u32 j)). Each purpose counts its
 * own calls from 0, so that one more draw of one kind leaves the other kinds as they were.
 */
function stream(seed: string, purpose: string): (length: number) => Uint8Array {
	let calls = 0;
	return (length) => {
		const call = calls++;
		const out = new Uint8Array(length);
		for (let j = 0, at = 0; at < length; j++, at += 32) {
			const block = nodeCrypto.sha256(
				enc(
					utf8("tetrad test stream"),
					utf8(seed),
					utf8(purpose),
					u32(call),
					u32(j),
				),
			);
			out.set(block.subarray(0, length - at), at);
		}
		return out;
	};
}

function u32(value: number): Uint8Array {
	const bytes = new Uint8Array(4);
	new DataView(bytes.buffer).setUint32(0, value);
	return bytes;
}

/**
 * `nodeCrypto`, but everything random comes from `seed` and from the number of earlier calls of
 * the same kind: the same calls give the same bytes. For test vectors; it protects nothing.
 *
 * Purposes of the stream: `random`; `x25519` (a private key of 32 bytes); `ml-kem` (the seed d‖z
 * of 64 bytes); `encapsulate` (m of 32 bytes, drawn only for a public key that is accepted).
 */
export function fixedCrypto(seed: string): CryptoProvider {
	const x25519 = stream(seed, "x25519");
	const kem = stream(seed, "ml-kem");
	const message = stream(seed, "encapsulate");
	return {
		...nodeCrypto,
		random: stream(seed, "random"),
		generateX25519: () => x25519FromPrivate(x25519(X25519_BYTES)),
		generateKem: () => kemFromSeed(kem(64)),
		encapsulate(publicKey) {
			// nodeCrypto judges the key; node:crypto cannot be given the randomness.
			if (nodeCrypto.encapsulate(publicKey) === undefined) return undefined;
			const { cipherText, sharedSecret } = ml_kem768.encapsulate(
				publicKey,
				message(32),
			);
			return { ciphertext: cipherText, secret: sharedSecret };
		},
	};
}

/**
 * A signer whose key and signatures follow from `seed`. Its private key is the first draw of the
 * stream for `sign Ed25519` or `sign P-256` that is one. P-256 signs as in RFC 6979 with SHA-256
 * and leaves s as it comes out (not low-s), as OpenSSL and secure elements do.
 */
export function fixedSigner(
	algorithm: SignatureAlgorithm,
	seed: string,
): Signer {
	const draw = stream(seed, `sign ${algorithm}`);
	let secret = draw(32);
	if (algorithm === "Ed25519")
		return {
			algorithm,
			publicKey: ed25519.getPublicKey(secret),
			sign: async (message) => ed25519.sign(message, secret),
		};
	while (!p256.utils.isValidSecretKey(secret)) secret = draw(32);
	return {
		algorithm,
		publicKey: p256.getPublicKey(secret, false),
		sign: async (message) =>
			p256.sign(message, secret, { lowS: false, prehash: true }),
	};
}
