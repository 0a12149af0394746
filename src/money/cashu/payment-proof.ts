/* Whether what a mint gives as the proof that it has paid an invoice of Lightning is one (BOLT 11). */
import { bech32 } from "@scure/base";
import type { CryptoProvider } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import { sameBytes } from "../../wire/index.ts";
import { fromHex } from "./fields.ts";

/** Of five bits each: the time behind the beginning, and the signature at the end. */
const TIME_WORDS = 7;
const SIGNATURE_WORDS = 104;

/** The field of the payment's hash, and its length. */
const PAYMENT_HASH = 1;
const HASH_WORDS = 52;

/** What the preimage of an invoice is hashed to, 32 bytes; nothing for a text that is none, or that does not say. */
export function paymentHash(invoice: string): Uint8Array | undefined {
	const words = bech32.decodeUnsafe(invoice, invoice.length)?.words ?? [];
	const end = words.length - SIGNATURE_WORDS;
	for (let at = TIME_WORDS; at + 3 <= end; ) {
		const [type, high = 0, low = 0] = words.slice(at, at + 3);
		const length = high * 32 + low;
		const field = words.slice(at + 3, Math.min(end, at + 3 + length));
		if (type === PAYMENT_HASH && field.length === HASH_WORDS)
			return bech32.fromWordsUnsafe(field) ?? undefined;
		at += 3 + length;
	}
	return undefined;
}

/** What is wrong with what a mint gives as the preimage of an invoice that it says it has paid; nothing where it fits, or the mint gives none, or the invoice says none. */
export function whyNoProof(
	crypto: CryptoProvider,
	invoice: string,
	preimage: string,
): TetradError | undefined {
	const hash = paymentHash(invoice);
	if (preimage === "" || hash === undefined) return undefined;
	const bytes = fromHex(preimage.toLowerCase());
	return bytes?.length === 32 && sameBytes(crypto.sha256(bytes), hash)
		? undefined
		: new TetradError(
				"authentication-failed",
				"the mint says that it has paid the invoice, and what it gives as the proof is not that of this invoice: ask whoever was to be paid, before you take it for paid or pay again",
			);
}
