import type { AeadName } from "../crypto/index.ts";
import { putUint32 } from "../wire/index.ts";

/** The greatest counter that a record may have; Noise keeps 2⁶⁴−1 for rekeying, and a number is exact to 2⁵³. */
export const MAX_COUNTER: number = Number.MAX_SAFE_INTEGER - 1;

export const NONCE_BYTES = 12;

/** The 12-byte nonce of a counter (Noise, 12.3 and 12.4): four zero bytes, then 64 bits, big-endian for AES-GCM and little-endian for ChaCha20-Poly1305. */
export function nonceFor(aead: AeadName, counter: number): Uint8Array {
	const nonce = new Uint8Array(NONCE_BYTES);
	writeNonce(nonce, aead, counter);
	return nonce;
}

/** As `nonceFor`, into a buffer that its owner lends to one call at a time. */
export function writeNonce(
	nonce: Uint8Array,
	aead: AeadName,
	counter: number,
): void {
	const high = Math.floor(counter / 2 ** 32);
	const low = counter >>> 0;
	if (aead === "AESGCM") {
		putUint32(nonce, 4, high);
		putUint32(nonce, 8, low);
	} else {
		putUint32LittleEndian(nonce, 4, low);
		putUint32LittleEndian(nonce, 8, high);
	}
}

function putUint32LittleEndian(
	out: Uint8Array,
	at: number,
	value: number,
): void {
	out[at] = value;
	out[at + 1] = value >>> 8;
	out[at + 2] = value >>> 16;
	out[at + 3] = value >>> 24;
}

/** The nonce of 2⁶⁴−1, which REKEY uses (Noise, 4.2). It is the same for both byte orders. */
export function rekeyNonce(): Uint8Array {
	const nonce = new Uint8Array(NONCE_BYTES).fill(0xff);
	nonce.fill(0, 0, 4);
	return nonce;
}
