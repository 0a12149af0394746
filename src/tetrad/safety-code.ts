import { wordlist } from "@scure/bip39/wordlists/english.js";

/** 66 bits: the initiator contributes last and could grind a shorter code. */
export const SAFETY_CODE_WORDS = 6;

/** What six words are taken from. */
export const SAFETY_CODE_BYTES = 9;

/** 33 bits: a pairing commits before it reveals, so a code cannot be ground. */
export const PAIRING_CODE_WORDS = 3;

const WORD_BITS = 11;

/** The six words of a safety code. */
export function safetyWords(bytes: Uint8Array): string {
	return wordsFrom(bytes, SAFETY_CODE_WORDS);
}

/** The first `words` × 11 bits, big-endian, as words of the BIP 39 English list (2048 words, pinned by hash in a test). */
export function wordsFrom(bytes: Uint8Array, words: number): string {
	let bits = 0n;
	for (const byte of bytes) bits = (bits << 8n) | BigInt(byte);
	const total = bytes.length * 8;
	return Array.from({ length: words }, (_, i) => {
		const shift = BigInt(total - WORD_BITS * (i + 1));
		return wordlist[Number((bits >> shift) & 2047n)];
	}).join(" ");
}
