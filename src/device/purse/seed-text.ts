/*
 * The seed of a purse's ecash as its owner writes it down, on paper:
 *
 *   words         of BIP 39 in English, as every wallet of Cashu reads them (NUT-13); a purse draws
 *                 12, and reads those of another wallet, 12 to 24
 *   tetradseed1…  the 64 bytes in Bech32m (BIP 350), of a purse that drew its seed before there were
 *                 words: nothing else reads it
 *
 * Spaces, line ends, capitals and the numbers before words do not count. No sentence here says any
 * part of a seed.
 */
import { bech32m } from "@scure/base";
import {
	entropyToMnemonic,
	mnemonicToEntropy,
	mnemonicToSeedWebcrypto,
} from "@scure/bip39";
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { nodeCrypto } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import { ECASH_SEED_BYTES } from "../../money/cashu/index.ts";
import type { EcashSeed } from "../../money/index.ts";
import { sameBytes } from "../../wire/index.ts";
import { MAX_SEED_TEXT } from "./limits.ts";

/** Of a seed that is drawn, in bytes: twelve words, which is what wallets of Cashu ask for. */
const ENTROPY_BYTES = 16;

const PREFIX = "tetradseed";
/** Of Bech32m, before its bytes. */
const IS_BECH32 = `${PREFIX}1`;
const COUNTS: readonly number[] = [12, 15, 18, 21, 24];
const IN_A_GROUP = /.{1,8}/g;

/** How a seed is written down. */
export interface SeedText {
	/** `words` are of BIP 39. `own` is a form that nothing else reads. */
	readonly kind: "own" | "words";
	/** In groups or words, with a space between each two. Secret. */
	readonly text: string;
}

/** A seed that nobody has had, with words. */
export function drawSeed(): Promise<EcashSeed> {
	return seedOf(nodeCrypto.random(ENTROPY_BYTES));
}

/** Throws `store-failed` for a seed that its words do not make: whoever wrote them down would have nothing. */
export async function writeSeed({
	seed,
	entropy,
}: EcashSeed): Promise<SeedText> {
	if (entropy === undefined) {
		const text = bech32m.encode(PREFIX, bech32m.toWords(seed), false);
		return { kind: "own", text: (text.match(IN_A_GROUP) ?? []).join(" ") };
	}
	const made = await seedOf(entropy);
	if (!sameBytes(made.seed, seed))
		throw new TetradError(
			"store-failed",
			"the words that the purse has do not make its seed; check the disk, and put a backup back",
		);
	return { kind: "words", text: entropyToMnemonic(entropy, wordlist) };
}

/** Reads what `writeSeed` has written, or the words of another wallet. Throws `malformed`, with what is wrong and no part of it. */
export async function readSeed(text: string): Promise<EcashSeed> {
	if (text.length > MAX_SEED_TEXT) throw wrong("it is too long");
	const said = text.toLowerCase().split(/\s+/);
	const joined = said.join("");
	if (joined.startsWith(IS_BECH32))
		return { seed: own(joined), entropy: undefined };
	const parts = said.filter(
		(part) => part !== "" && !/^\d{1,2}[.:)]?$/.test(part),
	);
	if (parts.length === 0) throw wrong("there is nothing in it");
	if (!COUNTS.includes(parts.length))
		throw wrong(
			`there are ${parts.length} words, and a seed has ${COUNTS.slice(0, -1).join(", ")} or ${COUNTS.at(-1)}`,
		);
	const unknown = parts.findIndex((part) => !wordlist.includes(part));
	if (unknown >= 0)
		throw wrong(
			`word ${unknown + 1} is none of the 2048 English words of BIP 39`,
		);
	let entropy: Uint8Array;
	try {
		entropy = mnemonicToEntropy(parts.join(" "), wordlist);
	} catch {
		throw wrong(
			"its checksum does not fit, so that a word is another one, or stands elsewhere",
		);
	}
	return seedOf(entropy);
}

async function seedOf(entropy: Uint8Array): Promise<EcashSeed> {
	const words = entropyToMnemonic(entropy, wordlist);
	return { seed: await mnemonicToSeedWebcrypto(words), entropy };
}

function own(text: string): Uint8Array {
	const decoded = bech32m.decodeUnsafe(text, false);
	const bytes =
		decoded?.prefix === PREFIX
			? bech32m.fromWordsUnsafe(decoded.words)
			: undefined;
	if (!bytes)
		throw wrong(
			"its checksum does not fit, so that a letter is another one, or is missing",
		);
	if (bytes.length !== ECASH_SEED_BYTES) throw wrong("it has another length");
	return Uint8Array.from(bytes);
}

function wrong(why: string): TetradError {
	return new TetradError(
		"malformed",
		`that is no seed: ${why}; nothing was changed`,
	);
}
