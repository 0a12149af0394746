/* Merchandise to sell, sold and received by the code under test. */
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	Measuring,
	type MerchandiseEvidence,
	MerchandiseReceiver,
	type MerchandiseTerms,
	type SealedChunk,
	Sealing,
	type SealingOptions,
} from "../../src/trade/merchandise/index.ts";
import { filled } from "../money/documents.ts";
import { chunksOf } from "./merchandise-reference.ts";

/** What two sales differ in. */
export const SALE: Omit<SealingOptions, "measured"> = {
	contractId: filled(16, 0x1d),
	saltKey: filled(32, 0x5a),
	key: filled(32, 0x6b),
	exporter: filled(32, 0xe0),
};

/** Bytes that are not all alike. */
export function content(length: number, seed = 7): Uint8Array {
	const bytes = new Uint8Array(length);
	for (let at = 0; at < length; at++)
		bytes[at] = (at * 31 + (at >> 8) + seed) & 0xff;
	return bytes;
}

/** A sale as it stands when its contract is signed. */
export interface Sold {
	readonly terms: MerchandiseTerms;
	readonly chunks: readonly SealedChunk[];
}

/** Sells a content: both passes over it. */
export function sell(
	bytes: Uint8Array,
	sale: Omit<SealingOptions, "measured"> = SALE,
): Sold {
	const measuring = new Measuring(nodeCrypto, sale);
	for (const chunk of chunksOf(bytes)) measuring.add(chunk);
	const measured = measuring.finish();
	const sealing = new Sealing(nodeCrypto, { ...sale, measured });
	const chunks = chunksOf(bytes).map((chunk) => sealing.seal(chunk));
	const ciphertextRoot = sealing.finish();
	sealing.wipe();
	return {
		terms: { id: sale.contractId, ...measured, ciphertextRoot },
		chunks,
	};
}

/** Lets a receiver take all chunks. */
export function received(
	chunks: readonly SealedChunk[],
	wanted?: number,
	contractId: Uint8Array = SALE.contractId,
): MerchandiseReceiver {
	const receiver = new MerchandiseReceiver(nodeCrypto, contractId, wanted);
	for (const chunk of chunks) receiver.take(chunk);
	return receiver;
}

/** What a liar signs over whatever chunks it likes. */
export function lying(chunks: readonly SealedChunk[]): Sold {
	const found = received(chunks).finish();
	return { terms: { id: SALE.contractId, ...found }, chunks };
}

/** Evidence against one chunk, right or wrong, but for the contract and its chain. */
export function evidenceOf(
	chunks: readonly SealedChunk[],
	index: number,
): Omit<MerchandiseEvidence, "contract" | "chain"> {
	const receiver = received(chunks, index);
	receiver.finish();
	const { plaintext, ciphertext } = receiver.paths();
	return {
		...(chunks[index] as SealedChunk),
		key: SALE.key,
		exporter: SALE.exporter,
		count: plaintext.count,
		plaintextPath: plaintext.hashes,
		ciphertextPath: ciphertext.hashes,
	};
}
