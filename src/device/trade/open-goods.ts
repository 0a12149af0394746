import { nodeCrypto } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import type { Contract } from "../../trade/documents/index.ts";
import {
	chunkLength,
	encodeMerchandiseEvidence,
	isMerchandiseOf,
	MerchandiseReceiver,
	Opening,
} from "../../trade/merchandise/index.ts";
import { copy, releaseAround } from "../../wire/index.ts";
import type { KeptGoods } from "./goods-file.ts";

/** What was paid for, and what opens it. */
export interface PaidGoods {
	readonly contract: Contract;
	/** Of the agent that signed the contract, encoded. */
	readonly chain: Uint8Array;
	/** The goods key. */
	readonly key: Uint8Array;
	readonly exporter: Uint8Array;
}

/** What became of goods. */
export type OpenedGoods =
	/** They are what the contract says, durable, and under this name. */
	| { readonly kind: "opened"; readonly path: string }
	/** The merchant's agent signed for a chunk that does not open, and this proves it. */
	| { readonly kind: "wrong"; readonly evidence: Uint8Array }
	/** What is on the disk is not what came: it has to be fetched again. */
	| { readonly kind: "damaged" };

/** A chunk that the key does not open to what the contract says. */
class WrongChunkFound extends Error {
	readonly index: number;

	constructor(index: number) {
		super("a chunk does not open");
		this.index = index;
	}
}

class Damaged extends Error {}

/**
 * Opens goods, chunk after chunk, and shows them when the last one was what the contract says.
 * `progress` hears how many bytes are opened. Throws `file-unusable`, and asked again it goes on.
 */
export async function openGoods(
	file: KeptGoods,
	goods: PaidGoods,
	progress: (bytes: bigint) => void = () => {},
): Promise<OpenedGoods> {
	try {
		const path = await file.reveal(opened(file, goods, progress));
		return { kind: "opened", path };
	} catch (thrown) {
		if (thrown instanceof Damaged) return { kind: "damaged" };
		if (thrown instanceof WrongChunkFound)
			return judgeChunk(file, goods, thrown.index);
		throw thrown;
	}
}

async function* opened(
	file: KeptGoods,
	{ contract, key, exporter }: PaidGoods,
	progress: (bytes: bigint) => void,
): AsyncIterable<Uint8Array> {
	const { length } = contract;
	const opening = new Opening(nodeCrypto, { terms: contract, key, exporter });
	try {
		for await (const sealed of file.chunks()) {
			if (chunkLength(length, sealed.index) === undefined) break;
			const chunk = opening.open(sealed);
			if (chunk === undefined) throw new WrongChunkFound(sealed.index);
			yield chunk;
			releaseAround(chunk);
			progress(opening.length);
		}
		if (!opening.isWhole()) throw new Damaged();
	} finally {
		opening.wipe();
	}
}

/** A second time over all chunks: whether it is the merchant's word that is wrong, or the disk. */
async function judgeChunk(
	file: KeptGoods,
	{ contract, chain, key, exporter }: PaidGoods,
	index: number,
): Promise<OpenedGoods> {
	const receiver = new MerchandiseReceiver(nodeCrypto, contract.id, index);
	try {
		for await (const sealed of file.chunks()) {
			if (chunkLength(contract.length, sealed.index) === undefined) break;
			take(receiver, sealed);
		}
		requireWhole(receiver, contract);
	} catch (thrown) {
		if (thrown instanceof Damaged) return { kind: "damaged" };
		throw thrown;
	}
	const wrong = await file.chunk(index);
	if (wrong === undefined) return { kind: "damaged" };
	const { plaintext, ciphertext } = receiver.paths();
	return {
		kind: "wrong",
		evidence: encodeMerchandiseEvidence({
			contract: contract.document,
			chain,
			key,
			exporter,
			index,
			count: plaintext.count,
			leaf: copy(wrong.leaf),
			sealed: copy(wrong.sealed),
			plaintextPath: plaintext.hashes,
			ciphertextPath: ciphertext.hashes,
		}),
	};
}

function take(
	receiver: MerchandiseReceiver,
	sealed: Parameters<MerchandiseReceiver["take"]>[0],
): void {
	try {
		receiver.take(sealed);
	} catch (thrown) {
		throw thrown instanceof TetradError ? new Damaged() : thrown;
	}
}

function requireWhole(receiver: MerchandiseReceiver, contract: Contract): void {
	if (receiver.count === 0 || !isMerchandiseOf(contract, receiver.finish()))
		throw new Damaged();
}
