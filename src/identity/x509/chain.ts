import type { CryptoProvider } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import { dec, enc, utf8 } from "../../wire/index.ts";
import {
	MAX_CERTIFICATE_BYTES,
	MAX_CERTIFICATES,
	MAX_CHAIN_BYTES,
} from "./profile.ts";
import { chainRefused } from "./refusal.ts";

/**
 * enc(leaf, intermediates…), the root left out. Each certificate is DER. Throws
 * `invalid-argument` for a chain that `parseChain` would refuse.
 */
export function encodeChain(certificates: readonly Uint8Array[]): Uint8Array {
	const problem = sizeProblem(certificates);
	if (problem !== undefined) throw new TetradError("invalid-argument", problem);
	return enc(...certificates);
}

/**
 * The certificates of an encoded chain, leaf first, as views into `bytes`. Throws `malformed`
 * for bytes that are no `enc`, and `chain-refused` unless it holds 1 to `MAX_CERTIFICATES`
 * certificates of 1 to `MAX_CERTIFICATE_BYTES` bytes. The certificates are not read yet.
 */
export function parseChain(bytes: Uint8Array): Uint8Array[] {
	if (bytes.length > MAX_CHAIN_BYTES)
		throw chainRefused(
			`the chain has ${bytes.length} bytes, and ${MAX_CHAIN_BYTES} is the limit`,
		);
	const certificates = dec(bytes, MAX_CHAIN_BYTES);
	const problem = sizeProblem(certificates);
	if (problem !== undefined) throw chainRefused(problem);
	return certificates;
}

function sizeProblem(certificates: readonly Uint8Array[]): string | undefined {
	if (certificates.length === 0) return "the chain is empty";
	if (certificates.length > MAX_CERTIFICATES)
		return `the chain has ${certificates.length} certificates, and ${MAX_CERTIFICATES} is the limit`;
	for (const { length } of certificates) {
		if (length === 0) return "a certificate in the chain is empty";
		if (length > MAX_CERTIFICATE_BYTES)
			return `a certificate in the chain has ${length} bytes, and ${MAX_CERTIFICATE_BYTES} is the limit`;
	}
	return undefined;
}

/** SHA-256(enc(leaf, intermediates)), 32 bytes. */
export function chainHash(
	crypto: CryptoProvider,
	encodedChain: Uint8Array,
): Uint8Array {
	return crypto.sha256(encodedChain);
}

/** SHA-256(leaf), 32 bytes. */
export function certificateId(
	crypto: CryptoProvider,
	leaf: Uint8Array,
): Uint8Array {
	return crypto.sha256(leaf);
}

/**
 * enc(SHA-256 of the trust anchor's SubjectPublicKeyInfo in DER, certified name). It stays the
 * same when the device or its intermediates, or the anchor under its old key, are certified anew.
 */
export function deviceId(
	crypto: CryptoProvider,
	anchorSpki: Uint8Array,
	name: string,
): Uint8Array {
	return enc(crypto.sha256(anchorSpki), utf8(name));
}
