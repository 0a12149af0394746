import { type CryptoProvider, HASH_BYTES } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import { type CertifiedDevice, MAX_CHAIN_BYTES } from "../../identity/index.ts";
import {
	bytes,
	copy,
	type Field,
	malformed,
	packed,
	type Structure,
	sameBytes,
	structure,
	text,
	u32,
	utf8,
} from "../../wire/index.ts";
import {
	type Contract,
	EXPORTER_BYTES,
	exporterHash,
	keyHash,
	MAX_CONTRACT_BYTES,
	MAX_PATH_HASHES,
	MAX_SEALED_CHUNK_BYTES,
	parseContract,
	SECRET_BYTES,
	verifyContract,
} from "../documents/index.ts";
import { chunkLength } from "./chunk.ts";
import { ContentCipher } from "./content.ts";
import { sealedLeaf } from "./leaf.ts";
import type { SealedChunk } from "./terms.ts";
import { rootOf } from "./tree.ts";

/*
 * Evidence of a wrong chunk: a contract that a merchant's agent signed, the key that it was sold
 * under, and one chunk that both roots of the contract cover and that does not open to what they
 * say. It needs no trust in whoever brings it: who does not have the key cannot make it, and a
 * right chunk accuses nobody. It shows the chunk that it is about, and the key and the exporter
 * that open all others.
 */

/** Before each field stands its length. */
const LENGTH_BYTES = 4;

const LABEL = "tetrad/1 merchandise evidence";

/** What evidence of a wrong chunk is made of. */
export interface MerchandiseEvidence extends SealedChunk {
	/** The contract's document, and the encoded chain under which the merchant's agent signed it. */
	readonly contract: Uint8Array;
	readonly chain: Uint8Array;
	/** The goods key, and the exporter of the tetrad. */
	readonly key: Uint8Array;
	readonly exporter: Uint8Array;
	/** How many chunks there are. */
	readonly count: number;
	/** What leads from the chunk to either root, from below. */
	readonly plaintextPath: readonly Uint8Array[];
	readonly ciphertextPath: readonly Uint8Array[];
}

interface Labelled extends MerchandiseEvidence {
	readonly label: string;
}

const path: Field<readonly Uint8Array[]> = packed(
	bytes(HASH_BYTES),
	0,
	MAX_PATH_HASHES,
);

const EVIDENCE: Structure<Labelled> = structure<Labelled>(
	"evidence of a wrong chunk",
	{
		label: text(LABEL.length, LABEL.length),
		contract: bytes(1, MAX_CONTRACT_BYTES),
		chain: bytes(1, MAX_CHAIN_BYTES),
		key: bytes(SECRET_BYTES),
		exporter: bytes(EXPORTER_BYTES),
		index: u32,
		count: u32,
		sealed: bytes(0, MAX_SEALED_CHUNK_BYTES),
		ciphertextPath: path,
		leaf: bytes(HASH_BYTES),
		plaintextPath: path,
	},
);

/** The largest evidence of a wrong chunk, in bytes. */
export const MAX_MERCHANDISE_EVIDENCE_BYTES: number = EVIDENCE.maxBytes;

const minted: unique symbol = Symbol();

/** A chunk that a merchant's agent sold and that is not what it said, proved. Only `openMerchandiseEvidence` makes one. */
export class WrongChunk {
	/** An object of the same form is none: only the check makes one. */
	declare protected readonly minted: true;
	/** Signed by the agent that did it. */
	readonly contract: Contract;
	readonly index: number;

	constructor(proof: typeof minted, contract: Contract, index: number) {
		if (proof !== minted)
			throw new TetradError("internal", "only a check can make this value");
		this.contract = contract;
		this.index = index;
	}
}

/** Evidence for whoever wants to look. Throws `invalid-argument`. */
export function encodeMerchandiseEvidence(
	evidence: MerchandiseEvidence,
): Uint8Array {
	return copy(EVIDENCE.encode({ ...evidence, label: LABEL }));
}

/** Whether a file begins as evidence of a wrong chunk does. */
export function isMerchandiseEvidence(file: Uint8Array): boolean {
	const start = utf8(LABEL);
	return sameBytes(
		file.subarray(LENGTH_BYTES, LENGTH_BYTES + start.length),
		start,
	);
}

/**
 * Judges evidence (copied) by itself. `certified` judges the chain of the merchant's agent as of the
 * time at which the contract was made.
 *
 * Throws `malformed`, what `certified` and `verifyContract` throw, and `invalid-argument` when the
 * evidence accuses nobody: its key, exporter, chunk or paths are not the contract's, or the chunk
 * is right.
 */
export function openMerchandiseEvidence(
	crypto: CryptoProvider,
	encoded: Uint8Array,
	certified: (encodedChain: Uint8Array, at: number) => CertifiedDevice,
): WrongChunk {
	if (encoded.length > MAX_MERCHANDISE_EVIDENCE_BYTES)
		throw malformed("evidence is too long");
	const evidence = EVIDENCE.decode(copy(encoded));
	if (evidence.label !== LABEL)
		throw malformed("this is no evidence of a wrong chunk");
	const contract = parseContract(crypto, evidence.contract);
	verifyContract(crypto, contract, certified(evidence.chain, contract.made));
	requireContracts(crypto, contract, evidence);
	if (isRight(crypto, contract, evidence))
		throw accusesNobody("it opens to what the contract says");
	return new WrongChunk(minted, contract, evidence.index);
}

/** Throws `invalid-argument` unless the contract covers all that the evidence is made of. */
function requireContracts(
	crypto: CryptoProvider,
	contract: Contract,
	evidence: MerchandiseEvidence,
): void {
	const { key, exporter, index, count, leaf, sealed } = evidence;
	if (!sameBytes(keyHash(crypto, key), contract.keyHash))
		throw accusesNobody("the key is not the contract's");
	if (!sameBytes(exporterHash(crypto, exporter), contract.exporterHash))
		throw accusesNobody("the exporter is not the contract's");
	const leadsTo = (
		from: Uint8Array,
		hashes: readonly Uint8Array[],
		root: Uint8Array,
	) => sameBytes(rootOf(crypto, from, { index, count, hashes }), root);
	if (!leadsTo(leaf, evidence.plaintextPath, contract.plaintextRoot))
		throw accusesNobody("the contract does not cover its plaintext");
	const sealedAs = sealedLeaf(crypto, contract.id, index, sealed);
	if (!leadsTo(sealedAs, evidence.ciphertextPath, contract.ciphertextRoot))
		throw accusesNobody("the contract does not cover its ciphertext");
}

function isRight(
	crypto: CryptoProvider,
	{ id, length }: Contract,
	{ key, exporter, index, leaf, sealed }: MerchandiseEvidence,
): boolean {
	const cipher = new ContentCipher(crypto, { key, exporter, contractId: id });
	const chunk = cipher.open(index, leaf, sealed);
	cipher.wipe();
	return chunk !== undefined && chunk.length === chunkLength(length, index);
}

function accusesNobody(why: string): TetradError {
	return new TetradError(
		"invalid-argument",
		`this chunk accuses nobody: ${why}`,
	);
}
