import type { CryptoProvider } from "../crypto/index.ts";
import { enc, hex, utf8 } from "./encoding.ts";

/** Signatures that one device remembers to have verified. */
export const MAX_REMEMBERED = 1024;

/**
 * A provider for one device, which verifies no signature twice that it has found good not long ago:
 * a merchant's module sees a contract when it is offered and again when it is paid, and a buyer's
 * one certificate with each contract. Only what was found good is remembered, by the SHA-256 of all
 * that was given, with lengths; whether its signer is still to be believed is for others to ask.
 */
export function remembering(crypto: CryptoProvider): CryptoProvider {
	const good = new Set<string>();
	return {
		...crypto,
		verify(algorithm, publicKey, message, signature) {
			const given = enc(utf8(algorithm), publicKey, message, signature);
			const name = hex(crypto.sha256(given));
			if (good.has(name)) return true;
			if (!crypto.verify(algorithm, publicKey, message, signature))
				return false;
			// A set keeps the order of insertion.
			const [oldest] = good;
			if (good.size >= MAX_REMEMBERED && oldest !== undefined)
				good.delete(oldest);
			good.add(name);
			return true;
		},
	};
}
