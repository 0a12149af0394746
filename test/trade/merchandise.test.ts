import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	CHUNK_BYTES,
	MAX_CHUNKS,
	MAX_MERCHANDISE_BYTES,
	MAX_PATH_HASHES,
	SEALING_BYTES,
} from "../../src/trade/documents/index.ts";
import {
	ContentCipher,
	chunkCount,
	chunkLength,
	HashTree,
	isMerchandiseOf,
	leafSalt,
	Measuring,
	plaintextLeaf,
	rootOf,
	type SealedChunk,
	Sealing,
	sealedLeaf,
} from "../../src/trade/merchandise/index.ts";
import { hex } from "../../src/wire/index.ts";
import { filled } from "../money/documents.ts";
import { MALFORMED } from "../wire/only-tetrad-errors.ts";
import * as reference from "./merchandise-reference.ts";
import { content, received, SALE, sell } from "./merchandise-support.ts";

const LENGTHS = [
	0,
	1,
	CHUNK_BYTES - 1,
	CHUNK_BYTES,
	CHUNK_BYTES + 1,
	3 * CHUNK_BYTES,
];

const refused = (code: string) => ({ name: "TetradError", code });

const leaves = fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), {
	minLength: 1,
	maxLength: 70,
});

function treeOver(all: readonly Uint8Array[], wanted?: number): HashTree {
	const tree = new HashTree(nodeCrypto, wanted);
	for (const leaf of all) tree.add(leaf);
	return tree;
}

describe("golden bytes, as node:crypto makes them", () => {
	const chunk = content(100);
	const salt = reference.salt(SALE, 3);
	const leaf = reference.leaf(3, salt, chunk);

	test("the salt of a leaf", () => {
		const { saltKey, contractId } = SALE;
		assert.equal(hex(leafSalt(nodeCrypto, saltKey, contractId, 3)), hex(salt));
		assert.equal(
			hex(salt),
			"2221ad67a8cf941d69c080dd41407c5be608501c988079cbf72a6bcadac5a613",
		);
	});

	test("the leaf of a chunk", () => {
		assert.equal(hex(plaintextLeaf(nodeCrypto, 3, salt, chunk)), hex(leaf));
		assert.equal(
			hex(leaf),
			"1f6508c0c883137dd6f51f17a8e84f23e902ad2969f9cad6867833a85ab86628",
		);
	});

	test("a sealed chunk, and its leaf", () => {
		const sealed = new ContentCipher(nodeCrypto, SALE).seal(
			3,
			leaf,
			salt,
			chunk,
		);
		assert.equal(hex(sealed), hex(reference.seal(SALE, 3, chunk)));
		const { contractId } = SALE;
		const actual = sealedLeaf(nodeCrypto, contractId, 3, sealed);
		assert.equal(hex(actual), hex(reference.sealedLeaf(contractId, 3, sealed)));
		assert.equal(
			hex(actual),
			"3f579962ab7bf8a2e32a99135968e1a526be233072a3665fddd429e8d0e15421",
		);
	});

	for (const length of LENGTHS)
		test(`a merchandise of ${length} bytes`, () => {
			const bytes = content(length);
			const { terms, chunks } = sell(bytes);
			const sealed = reference
				.chunksOf(bytes)
				.map((each, index) => reference.seal(SALE, index, each));
			const plain = reference
				.chunksOf(bytes)
				.map((each, index) =>
					reference.leaf(index, reference.salt(SALE, index), each),
				);
			assert.deepEqual(
				chunks.map((each) => hex(each.sealed)),
				sealed.map(hex),
			);
			assert.equal(terms.length, BigInt(length));
			assert.equal(hex(terms.plaintextRoot), hex(reference.root(plain)));
			const { contractId } = SALE;
			const ofSealed = sealed.map((each, index) =>
				reference.sealedLeaf(contractId, index, each),
			);
			assert.equal(hex(terms.ciphertextRoot), hex(reference.root(ofSealed)));
		});
});

describe("a hash tree", () => {
	test("has the root and the paths of one that is built level by level", () => {
		fc.assert(
			fc.property(leaves, fc.nat(), (all, at) => {
				const index = at % all.length;
				const tree = treeOver(all, index);
				assert.equal(hex(tree.root()), hex(reference.root(all)));
				const { hashes, count } = tree.path();
				assert.equal(count, all.length);
				assert.deepEqual(hashes.map(hex), reference.path(all, index).map(hex));
			}),
		);
	});

	test("a path leads from its own leaf to the root, and from no other", () => {
		fc.assert(
			fc.property(leaves, fc.nat(), fc.nat({ max: 255 }), (all, at, bit) => {
				const index = at % all.length;
				const tree = treeOver(all, index);
				const root = hex(tree.root());
				const path = tree.path();
				const leaf = all[index] as Uint8Array;
				assert.equal(hex(rootOf(nodeCrypto, leaf, path)), root);
				assert.notEqual(
					hex(rootOf(nodeCrypto, flipped(leaf, bit), path)),
					root,
				);
			}),
		);
	});

	test("no changed path leads to the root: another hash, index, count or length", () => {
		fc.assert(
			fc.property(leaves, fc.nat(), fc.nat(), (all, at, change) => {
				const index = at % all.length;
				const tree = treeOver(all, index);
				const root = hex(tree.root());
				const path = tree.path();
				const leaf = all[index] as Uint8Array;
				const leads = (changed: Partial<typeof path>) => {
					try {
						return (
							hex(rootOf(nodeCrypto, leaf, { ...path, ...changed })) === root
						);
					} catch (thrown) {
						assert.ok((thrown as Error).name === "TetradError");
						return false;
					}
				};
				const { hashes, count } = path;
				if (hashes.length > 0) {
					const place = change % hashes.length;
					const one = hashes[place] as Uint8Array;
					assert.ok(
						!leads({ hashes: hashes.with(place, flipped(one, change)) }),
					);
					assert.ok(!leads({ hashes: hashes.toSpliced(place, 1) }));
				}
				assert.ok(!leads({ hashes: [...hashes, filled(32, 1)] }));
				assert.ok(!leads({ count: count + 1 }));
				assert.ok(!leads({ count: count - 1 }));
				assert.ok(!leads({ index: count }));
			}),
		);
	});

	test("the same leaf in another place leads nowhere", () => {
		const all = Array.from({ length: 13 }, (_, at) => filled(32, at));
		for (const [index, leaf] of all.entries()) {
			const tree = treeOver(all, index);
			const root = hex(tree.root());
			const path = tree.path();
			for (let other = 0; other < all.length; other++) {
				if (other === index) continue;
				try {
					const found = rootOf(nodeCrypto, leaf, { ...path, index: other });
					assert.notEqual(hex(found), root);
				} catch (thrown) {
					assert.equal((thrown as { code?: string }).code, "malformed");
				}
			}
		}
	});

	test("keeps a hash for each level, and no more than a path may have", () => {
		assert.equal(Math.ceil(Math.log2(MAX_CHUNKS)), MAX_PATH_HASHES);
		const hashes = Array.from({ length: MAX_PATH_HASHES }, () => filled(32, 9));
		assert.doesNotThrow(() =>
			rootOf(nodeCrypto, filled(32, 1), {
				index: 0,
				count: MAX_CHUNKS,
				hashes,
			}),
		);
	});

	test("trees over different numbers of leaves have different roots", () => {
		const roots = [1, 2, 3, 4, 5].map((count) =>
			hex(treeOver(Array.from({ length: count }, () => filled(32, 7))).root()),
		);
		assert.equal(new Set(roots).size, roots.length);
	});

	test("has at least one leaf, and paths of its leaves alone", () => {
		assert.throws(() => treeOver([]).root(), refused("internal"));
		const tree = treeOver([filled(32, 1)], 1);
		tree.root();
		assert.throws(() => tree.path(), refused("internal"));
	});
});

describe("the chunks of a merchandise", () => {
	test("are counted: an empty one has one, and 65536 bytes are one", () => {
		assert.deepEqual(
			LENGTHS.map((length) => chunkCount(BigInt(length))),
			[1, 1, 1, 1, 2, 3],
		);
		assert.equal(chunkCount(BigInt(MAX_MERCHANDISE_BYTES)), MAX_CHUNKS);
		assert.throws(
			() => chunkCount(BigInt(MAX_MERCHANDISE_BYTES) + 1n),
			refused("limit-exceeded"),
		);
	});

	test("have their lengths, and there is none beyond the last", () => {
		assert.equal(chunkLength(0n, 0), 0);
		assert.equal(chunkLength(0n, 1), undefined);
		assert.equal(chunkLength(BigInt(CHUNK_BYTES), 0), CHUNK_BYTES);
		assert.equal(chunkLength(BigInt(CHUNK_BYTES), 1), undefined);
		assert.equal(chunkLength(BigInt(CHUNK_BYTES + 5), 1), 5);
	});

	test("go through a sale and come out again", () => {
		const cipher = new ContentCipher(nodeCrypto, SALE);
		for (const length of LENGTHS) {
			const bytes = content(length);
			const { terms, chunks } = sell(bytes);
			assert.ok(isMerchandiseOf(terms, received(chunks).finish()));
			const opened = chunks.map(({ index, leaf, sealed }) =>
				cipher.open(index, leaf, sealed),
			);
			assert.deepEqual(
				opened.map((each) => each?.length),
				chunks.map(({ index }) => chunkLength(BigInt(length), index)),
			);
			assert.equal(
				Buffer.compare(Buffer.concat(opened as Uint8Array[]), bytes),
				0,
			);
		}
	});

	test("of one source are sealed to other bytes in each sale", () => {
		const bytes = content(10);
		const others: Partial<typeof SALE>[] = [
			{ contractId: filled(16, 1) },
			{ saltKey: filled(32, 1) },
			{ key: filled(32, 1) },
			{ exporter: filled(32, 1) },
		];
		const sealed = [{}, ...others].map((other) =>
			hex((sell(bytes, { ...SALE, ...other }).chunks[0] as SealedChunk).sealed),
		);
		assert.equal(new Set(sealed).size, sealed.length);
	});

	test("are opened by the key, exporter and contract of their sale alone", () => {
		const { chunks } = sell(content(10));
		const { index, leaf, sealed } = chunks[0] as SealedChunk;
		for (const other of [
			{ contractId: filled(16, 1) },
			{ key: filled(32, 1) },
			{ exporter: filled(32, 1) },
		]) {
			const cipher = new ContentCipher(nodeCrypto, { ...SALE, ...other });
			assert.equal(cipher.open(index, leaf, sealed), undefined);
		}
		const wiped = new ContentCipher(nodeCrypto, SALE);
		wiped.wipe();
		assert.equal(wiped.open(index, leaf, sealed), undefined);
	});

	test("do not open when a bit, the index or the leaf is another", () => {
		const { chunks } = sell(content(300));
		const { index, leaf, sealed } = chunks[0] as SealedChunk;
		const cipher = new ContentCipher(nodeCrypto, SALE);
		assert.equal(cipher.open(index + 1, leaf, sealed), undefined);
		fc.assert(
			fc.property(fc.nat(), (bit) => {
				const changed = flipped(leaf, bit);
				assert.equal(cipher.open(index, changed, sealed), undefined);
				assert.equal(cipher.open(index, leaf, flipped(sealed, bit)), undefined);
			}),
		);
		for (const length of [0, 15, 16, 47])
			assert.equal(
				cipher.open(index, leaf, sealed.subarray(0, length)),
				undefined,
			);
	});
});

describe("a merchant's two passes", () => {
	const selling = (length: number) => {
		const measuring = new Measuring(nodeCrypto, SALE);
		for (const chunk of reference.chunksOf(content(length)))
			measuring.add(chunk);
		return new Sealing(nodeCrypto, { ...SALE, measured: measuring.finish() });
	};
	const CHANGED = refused("merchandise-changed");

	test("a source that grew, shrank or has other bytes is sold to nobody", () => {
		for (const other of [content(5), content(7), content(0)])
			assert.throws(() => selling(6).seal(other), CHANGED);
		const sealing = selling(6);
		sealing.seal(content(6, 1));
		assert.throws(() => sealing.finish(), CHANGED);
	});

	test("a source that ends early, or goes on, is sold to nobody", () => {
		const early = selling(2 * CHUNK_BYTES);
		assert.throws(() => selling(0).finish(), CHANGED);
		early.seal(content(CHUNK_BYTES));
		assert.throws(() => early.finish(), CHANGED);
		const late = selling(CHUNK_BYTES);
		late.seal(content(CHUNK_BYTES));
		assert.throws(() => late.seal(content(1)), CHANGED);
		assert.throws(() => late.seal(content(0)), CHANGED);
	});

	test("a chunk whose content changed meets no nonce again", () => {
		const one = selling(6).seal(content(6, 1));
		const other = selling(6).seal(content(6, 2));
		assert.notEqual(
			hex(one.leaf.subarray(0, 12)),
			hex(other.leaf.subarray(0, 12)),
		);
	});

	test("what is no chunk after those before it is not measured", () => {
		const measuring = new Measuring(nodeCrypto, SALE);
		assert.throws(() => measuring.add(content(CHUNK_BYTES + 1)), MALFORMED);
		measuring.add(content(1));
		assert.throws(() => measuring.add(content(1)), MALFORMED);
		assert.throws(() => measuring.add(content(0)), MALFORMED);
		assert.throws(
			() => new Measuring(nodeCrypto, SALE).finish(),
			refused("internal"),
		);
	});
});

describe("a receiver", () => {
	const { terms, chunks } = sell(content(2 * CHUNK_BYTES + 9));

	test("says how much is here", () => {
		const receiver = received(chunks.slice(0, 2));
		assert.equal(receiver.count, 2);
		assert.equal(receiver.length, BigInt(2 * CHUNK_BYTES));
		receiver.take(chunks[2] as SealedChunk);
		assert.deepEqual(receiver.finish(), {
			length: terms.length,
			plaintextRoot: terms.plaintextRoot,
			ciphertextRoot: terms.ciphertextRoot,
		});
	});

	test("takes the next chunk alone", () => {
		const [first, second, third] = chunks as [
			SealedChunk,
			SealedChunk,
			SealedChunk,
		];
		for (const wrong of [[second], [first, third], [first, first]])
			assert.throws(() => received(wrong), MALFORMED);
	});

	test("takes no chunk after a shorter one, no empty one but the only one, and none of a wrong length", () => {
		const last = chunks[2] as SealedChunk;
		assert.throws(
			() => received([...chunks, { ...last, index: 3 }]),
			MALFORMED,
		);
		const empty = filled(SEALING_BYTES, 0);
		const [first] = chunks as [SealedChunk];
		assert.doesNotThrow(() => received([{ ...first, sealed: empty }]));
		assert.throws(
			() => received([first, { ...last, index: 1, sealed: empty }]),
			MALFORMED,
		);
		for (const length of [
			0,
			SEALING_BYTES - 1,
			CHUNK_BYTES + SEALING_BYTES + 1,
		])
			assert.throws(
				() => received([{ ...first, sealed: filled(length, 0) }]),
				MALFORMED,
			);
		assert.throws(() => received([]).finish(), MALFORMED);
	});

	test("finds that a merchandise is not the contract's: length, root, contract, chunks", () => {
		const found = received(chunks).finish();
		assert.ok(isMerchandiseOf(terms, found));
		for (const lie of [
			{ length: terms.length + 1n },
			{ length: terms.length - 1n },
			{ length: terms.length + BigInt(CHUNK_BYTES) },
			{ length: 0n },
			{ plaintextRoot: terms.ciphertextRoot },
			{ ciphertextRoot: terms.plaintextRoot },
		])
			assert.ok(!isMerchandiseOf({ ...terms, ...lie }, found));
		const other = received(chunks, undefined, filled(16, 0)).finish();
		assert.ok(!isMerchandiseOf(terms, other));
		const fewer = received(chunks.slice(0, 2)).finish();
		assert.ok(!isMerchandiseOf(terms, fewer));
	});

	test("finds one changed bit in any chunk or leaf", () => {
		fc.assert(
			fc.property(fc.nat({ max: 2 }), fc.nat(), (at, bit) => {
				const one = chunks[at] as SealedChunk;
				for (const changed of [
					{ ...one, sealed: flipped(one.sealed, bit) },
					{ ...one, leaf: flipped(one.leaf, bit) },
				]) {
					const found = received(chunks.with(at, changed)).finish();
					assert.ok(!isMerchandiseOf(terms, found));
				}
			}),
			{ numRuns: 20 },
		);
	});
});

/** A copy with one bit changed. */
function flipped(bytes: Uint8Array, bit: number): Uint8Array {
	const changed = new Uint8Array(bytes);
	const at = (bit >> 3) % bytes.length;
	changed[at] = (changed[at] as number) ^ (1 << (bit & 7));
	return changed;
}
