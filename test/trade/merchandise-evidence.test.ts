import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { nodeCrypto } from "../../src/crypto/index.ts";
import type { CertifiedDevice } from "../../src/identity/index.ts";
import {
	CHUNK_BYTES,
	type ContractBody,
	exporterHash,
	keyHash,
} from "../../src/trade/documents/index.ts";
import {
	encodeMerchandiseEvidence,
	MAX_MERCHANDISE_EVIDENCE_BYTES,
	type MerchandiseEvidence,
	openMerchandiseEvidence,
	type SealedChunk,
	type WrongChunk,
} from "../../src/trade/merchandise/index.ts";
import { hex } from "../../src/wire/index.ts";
import { filled } from "../money/documents.ts";
import { TEST_NOW } from "../support/authority.ts";
import { MALFORMED, onlyTetradErrors } from "../wire/only-tetrad-errors.ts";
import { enc, u32 } from "./merchandise-reference.ts";
import {
	content,
	evidenceOf,
	lying,
	SALE,
	type Sold,
	sell,
} from "./merchandise-support.ts";
import { TradeWorld } from "./world.ts";

const world = await TradeWorld.make();
const { sellerAgent, strangerAgent } = world.parties;
const INNOCENT = { name: "TetradError", code: "invalid-argument" } as const;

const certified = (chain: Uint8Array, at: number): CertifiedDevice => {
	assert.equal(hex(chain), hex(sellerAgent.chain));
	assert.equal(at, TEST_NOW);
	return sellerAgent.device;
};

function judge(evidence: MerchandiseEvidence): WrongChunk {
	const encoded = encodeMerchandiseEvidence(evidence);
	return openMerchandiseEvidence(nodeCrypto, encoded, certified);
}

/** The evidence that a buyer of `sold` can make against one of its chunks. */
async function evidence(
	{ terms, chunks }: Sold,
	index: number,
	changes: Partial<ContractBody> = {},
): Promise<MerchandiseEvidence> {
	const { document } = await world.contract({
		...terms,
		keyHash: keyHash(nodeCrypto, SALE.key),
		exporterHash: exporterHash(nodeCrypto, SALE.exporter),
		...changes,
	});
	return {
		...evidenceOf(chunks, index),
		contract: document,
		chain: sellerAgent.chain,
	};
}

async function isAccused(
	sold: Sold,
	index: number,
	changes: Partial<ContractBody> = {},
): Promise<boolean> {
	const against = await evidence(sold, index, changes);
	try {
		return judge(against).index === index;
	} catch (thrown) {
		assert.equal((thrown as { code?: string }).code, "invalid-argument");
		return false;
	}
}

/** What a merchant sells who changes one chunk of its merchandise before the contract is signed. */
function lie(
	{ chunks }: Sold,
	index: number,
	change: (chunk: SealedChunk) => SealedChunk,
): Sold {
	return lying(chunks.with(index, change(chunks[index] as SealedChunk)));
}

const garbage = (chunk: SealedChunk): SealedChunk => ({
	...chunk,
	sealed: filled(chunk.sealed.length, 0xaa),
});

describe("evidence of a wrong chunk", () => {
	const sold = sell(content(2 * CHUNK_BYTES + 100));

	test("has its fields one after another", async () => {
		const { chunks, terms } = lie(sell(content(3)), 0, garbage);
		const against = await evidence({ chunks, terms }, 0);
		const { sealed, leaf } = chunks[0] as SealedChunk;
		assert.equal(
			hex(encodeMerchandiseEvidence(against)),
			hex(
				enc(
					"tetrad/1 merchandise evidence",
					against.contract,
					sellerAgent.chain,
					SALE.key,
					SALE.exporter,
					u32(0),
					u32(1),
					sealed,
					"",
					leaf,
					"",
				),
			),
		);
	});

	test("a right chunk accuses nobody", async () => {
		const lengths = fc.nat({ max: 3 * CHUNK_BYTES });
		await fc.assert(
			fc.asyncProperty(lengths, fc.nat(), async (length, at) => {
				const right = sell(content(length));
				assert.ok(!(await isAccused(right, at % right.chunks.length)));
			}),
			{ numRuns: 30 },
		);
	});

	test("a chunk of garbage accuses its merchant, in every place, and no other chunk does", async () => {
		for (const index of [0, 1, 2]) {
			const wrong = lie(sold, index, garbage);
			for (const other of [0, 1, 2])
				assert.equal(await isAccused(wrong, other), other === index);
		}
	});

	test("one changed bit in a chunk or a leaf accuses its merchant", async () => {
		await fc.assert(
			fc.asyncProperty(fc.nat({ max: 2 }), fc.nat(), async (index, bit) => {
				const flip = (bytes: Uint8Array) => {
					const at = (bit >> 3) % bytes.length;
					return bytes.with(at, (bytes[at] as number) ^ (1 << (bit & 7)));
				};
				for (const change of [
					(chunk: SealedChunk) => ({ ...chunk, sealed: flip(chunk.sealed) }),
					(chunk: SealedChunk) => ({ ...chunk, leaf: flip(chunk.leaf) }),
				])
					assert.ok(await isAccused(lie(sold, index, change), index));
			}),
			{ numRuns: 20 },
		);
	});

	test("a chunk that was sealed for another place, contract, key or tetrad accuses its merchant", async () => {
		const other = (index: number, from: Sold) => ({
			...(from.chunks[index] as SealedChunk),
			index: 0,
		});
		assert.ok(
			await isAccused(
				lie(sold, 0, () => other(1, sold)),
				0,
			),
		);
		for (const change of [
			{ contractId: filled(16, 1) },
			{ key: filled(32, 1) },
			{ exporter: filled(32, 1) },
		]) {
			const elsewhere = sell(content(2 * CHUNK_BYTES + 100), {
				...SALE,
				...change,
			});
			assert.ok(
				await isAccused(
					lie(sold, 0, () => other(0, elsewhere)),
					0,
				),
			);
		}
	});

	test("a contract that lies about the length is shown by the chunk that is too long, too short or not there", async () => {
		const accused = (length: bigint) =>
			Promise.all([0, 1, 2].map((index) => isAccused(sold, index, { length })));
		const { length } = sold.terms;
		assert.deepEqual(await accused(length), [false, false, false]);
		assert.deepEqual(await accused(length + 1n), [false, false, true]);
		assert.deepEqual(await accused(length - 1n), [false, false, true]);
		const one = BigInt(CHUNK_BYTES);
		assert.deepEqual(await accused(one), [false, true, true]);
		assert.deepEqual(await accused(0n), [true, true, true]);
		assert.deepEqual(await accused(2n ** 64n - 1n), [false, false, true]);
	});

	test("what the contract does not cover accuses nobody: key, exporter, chunk, leaf, path, index, count", async () => {
		const against = await evidence(lie(sold, 1, garbage), 1);
		assert.equal(hex(judge(against).contract.document), hex(against.contract));
		const changes: readonly Partial<MerchandiseEvidence>[] = [
			{ key: filled(32, 1) },
			{ exporter: filled(32, 1) },
			{ sealed: filled(100, 0) },
			{ leaf: filled(32, 0) },
			{ plaintextPath: against.ciphertextPath },
			{ ciphertextPath: against.plaintextPath },
			{ index: 0 },
			{ count: 4 },
		];
		for (const change of changes)
			assert.throws(() => judge({ ...against, ...change }), INNOCENT);
		const misfits: readonly Partial<MerchandiseEvidence>[] = [
			{ index: 3 },
			{ index: 2 },
			{ plaintextPath: [] },
			{ ciphertextPath: [...against.ciphertextPath, filled(32, 0)] },
			{ count: 1 },
			{ count: 0 },
		];
		for (const change of misfits)
			assert.throws(() => judge({ ...against, ...change }), MALFORMED);
	});

	test("what another contract covers accuses nobody", async () => {
		for (const change of [
			{ id: filled(16, 0) },
			{ plaintextRoot: filled(32, 0) },
			{ ciphertextRoot: filled(32, 0) },
			{ keyHash: filled(32, 0) },
			{ exporterHash: filled(32, 0) },
		])
			assert.ok(!(await isAccused(lie(sold, 1, garbage), 1, change)));
	});

	test("a contract that the merchant did not sign accuses nobody", async () => {
		const wrong = lie(sold, 1, garbage);
		const against = await evidence(wrong, 1);
		const forged = await world.contract(wrong.terms, "strangerAgent");
		assert.throws(() => judge({ ...against, contract: forged.document }), {
			code: "authentication-failed",
		});
		assert.throws(
			() =>
				openMerchandiseEvidence(
					nodeCrypto,
					encodeMerchandiseEvidence(against),
					() => strangerAgent.device,
				),
			{ code: "authentication-failed" },
		);
	});

	test("bytes that are no evidence are refused", async () => {
		const encoded = encodeMerchandiseEvidence(
			await evidence(lie(sell(content(10)), 0, garbage), 0),
		);
		const open = (bytes: Uint8Array) =>
			openMerchandiseEvidence(nodeCrypto, bytes, certified);
		assert.equal(open(encoded).index, 0);
		assert.throws(() => open(encoded.subarray(1)), MALFORMED);
		assert.throws(
			() => open(new Uint8Array(MAX_MERCHANDISE_EVIDENCE_BYTES + 1)),
			MALFORMED,
		);
		assert.throws(() => open(encoded.with(4, 0x54)), MALFORMED);
		for (const length of [0, 3, encoded.length - 1])
			assert.throws(() => open(encoded.subarray(0, length)), MALFORMED);
		assert.throws(() => open(enc(encoded, "")), MALFORMED);
		fc.assert(
			fc.property(fc.uint8Array(), (bytes) => {
				assert.equal(
					onlyTetradErrors(() => open(bytes)),
					undefined,
				);
			}),
		);
	});

	test("is not made of what nobody would read", async () => {
		const against = await evidence(sell(content(10)), 0);
		assert.throws(
			() => encodeMerchandiseEvidence({ ...against, key: filled(31, 0) }),
			INNOCENT,
		);
	});
});
