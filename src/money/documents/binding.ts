import type { CryptoProvider } from "../../crypto/index.ts";
import { enc, utf8 } from "../../wire/index.ts";

/** What a tetrad exports (`Tetrad.export`) for the payments in it: label and length in bytes; the context is empty. */
export const BINDING_LABEL = "tetrad payment binding";
export const BINDING_BYTES = 32;

/** The device ids of the four places of a tetrad. */
export type FourIds = Readonly<Record<"A" | "B" | "X" | "Y", Uint8Array>>;

const PARTIES = utf8("tetrad/1 parties");
const EXCHANGE = utf8("tetrad/1 exchange");

/**
 * SHA-256 over the four device ids, 32 bytes. The two sides stand in a fixed order, so that it is
 * the same whichever of them begins the next tetrad.
 */
export function partiesHash(crypto: CryptoProvider, ids: FourIds): Uint8Array {
	const sides = [enc(ids.A, ids.X), enc(ids.B, ids.Y)].toSorted(compareBytes);
	return crypto.sha256(enc(PARTIES, ...sides));
}

/** What a transfer of own notes to their issuer pays for: the request that it belongs to, and 0 for notes or 1 for the account. */
export function exchangeContract(
	crypto: CryptoProvider,
	request: Uint8Array,
	into: 0 | 1,
): Uint8Array {
	return crypto.sha256(enc(EXCHANGE, request, Uint8Array.of(into)));
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
	const length = Math.min(a.length, b.length);
	for (let i = 0; i < length; i++) {
		const difference = (a[i] as number) - (b[i] as number);
		if (difference !== 0) return difference;
	}
	return a.length - b.length;
}
