import { bech32 } from "@scure/base";

/** An invoice of BOLT 11 for 200 sat, as far as anybody here reads it: nobody has signed it. */
export function bolt11(hash: Uint8Array, beginning = "lnbc2u"): string {
	const field = bech32.toWords(hash);
	const words = [
		...new Array(7).fill(0),
		// A field that nobody knows stands before that of the hash.
		...[31, 0, 2, 9, 9],
		...[1, field.length >> 5, field.length & 31, ...field],
		...new Array(104).fill(0),
	];
	return bech32.encode(beginning, words, false);
}
