import type { AeadName } from "../crypto/index.ts";

/** The greatest counter that a record may have; Noise keeps 2⁶⁴−1 for rekeying, and a number is exact to 2⁵³. */
export const MAX_COUNTER: number = Number.MAX_SAFE_INTEGER - 1;

/** The 12-byte nonce of a counter (Noise, 12.3 and 12.4): four zero bytes, then 64 bits, big-endian for AES-GCM and little-endian for ChaCha20-Poly1305. */
export function nonceFor(aead: AeadName, counter: number): Uint8Array {
	const nonce = new Uint8Array(12);
	const view = new DataView(nonce.buffer);
	const high = Math.floor(counter / 2 ** 32);
	const low = counter >>> 0;
	if (aead === "AESGCM") {
		view.setUint32(4, high);
		view.setUint32(8, low);
	} else {
		view.setUint32(4, low, true);
		view.setUint32(8, high, true);
	}
	return nonce;
}

/** The nonce of 2⁶⁴−1, which REKEY uses (Noise, 4.2). It is the same for both byte orders. */
export function rekeyNonce(): Uint8Array {
	const nonce = new Uint8Array(12).fill(0xff);
	nonce.fill(0, 0, 4);
	return nonce;
}
