import assert from "node:assert/strict";
import {
	readdir,
	readFile,
	stat,
	symlink,
	truncate,
	writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	discardGoods,
	GoodsFile,
	type GoodsKeeper,
	goodsFiles,
	partOf,
} from "../../src/device/trade/goods-file.ts";
import {
	openGoods,
	type PaidGoods,
} from "../../src/device/trade/open-goods.ts";
import { TestDisk } from "../../src/testing/disk.ts";
import { MemoryGoods } from "../../src/testing/goods.ts";
import { Life } from "../../src/testing/life.ts";
import {
	CHUNK_BYTES,
	exporterHash,
	keyHash,
} from "../../src/trade/documents/index.ts";
import {
	openMerchandiseEvidence,
	type SealedChunk,
} from "../../src/trade/merchandise/index.ts";
import { utf8 } from "../../src/wire/index.ts";
import { temporaryFolder } from "../support/folders.ts";
import { StoppingDisk } from "../support/stopping-disk.ts";
import {
	content,
	lying,
	SALE,
	type Sold,
	sell,
} from "../trade/merchandise-support.ts";
import { TradeWorld } from "../trade/world.ts";

const world = await TradeWorld.make();
const { sellerAgent } = world.parties;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let target: string;

beforeEach(async () => {
	folder = await temporaryFolder();
	target = join(folder.path, "photo.jpg");
});
afterEach(() => folder[Symbol.asyncDispose]());

async function goodsOf({ terms }: Sold): Promise<PaidGoods> {
	const { key, exporter } = SALE;
	const contract = await world.contract({
		...terms,
		keyHash: keyHash(nodeCrypto, key),
		exporterHash: exporterHash(nodeCrypto, exporter),
	});
	return { contract, chain: sellerAgent.chain, key, exporter };
}

/** Takes all of a sale, as it stands when it is paid for. */
async function taken(
	chunks: readonly SealedChunk[],
	options: { readonly overwrite?: boolean } = {},
): Promise<GoodsFile> {
	const file = await GoodsFile.begin({ path: target, ...options });
	for (const chunk of chunks) await file.put(chunk);
	await file.seal(chunks.length);
	return file;
}

const SIZES = [0, 1, CHUNK_BYTES, 2 * CHUNK_BYTES + 5];

describe("goods on their buyer's disk", () => {
	for (const size of SIZES)
		test(`are ${size} bytes under their name once all is verified, and not before`, async () => {
			const bytes = content(size);
			const sold = sell(bytes);
			await using file = await taken(sold.chunks);
			assert.deepEqual(await readdir(folder.path), [".photo.jpg.tetrad-part"]);
			const steps: bigint[] = [];
			const became = await openGoods(file, await goodsOf(sold), (step) =>
				steps.push(step),
			);
			assert.deepEqual(became, { kind: "opened", path: target });
			assert.deepEqual(new Uint8Array(await readFile(target)), bytes);
			assert.equal(steps.at(-1), BigInt(size));
			await discardGoods(target);
			assert.deepEqual(await readdir(folder.path), ["photo.jpg"]);
		});

	test("are for their owner only", async () => {
		const sold = sell(content(10));
		await using file = await taken(sold.chunks);
		assert.equal((await stat(partOf(target))).mode & 0o777, 0o600);
		await openGoods(file, await goodsOf(sold));
		assert.equal((await stat(target)).mode & 0o777, 0o600);
	});

	test("are opened again from a part that another process has taken", async () => {
		const sold = sell(content(CHUNK_BYTES + 1));
		await (await taken(sold.chunks))[Symbol.asyncDispose]();
		await using file = await GoodsFile.resume({ path: target });
		const became = await openGoods(file, await goodsOf(sold));
		assert.deepEqual(became, { kind: "opened", path: target });
	});

	test("go on where they were cut, with the last chunk that is whole", async () => {
		const sold = sell(content(3 * CHUNK_BYTES));
		await (await taken(sold.chunks))[Symbol.asyncDispose]();
		await truncate(partOf(target), 1.5 * CHUNK_BYTES);
		await using file = await GoodsFile.resume({ path: target });
		const there: SealedChunk[] = [];
		for await (const chunk of file.chunks()) there.push(structuredClone(chunk));
		assert.deepEqual(there[0], sold.chunks[0]);
		assert.notDeepEqual(there[1], sold.chunks[1]);
		for (const chunk of sold.chunks.slice(1)) await file.put(chunk);
		await file.seal(sold.chunks.length);
		const became = await openGoods(file, await goodsOf(sold));
		assert.equal(became.kind, "opened");
	});

	const keepers: Readonly<Record<string, () => GoodsKeeper>> = {
		"on a disk": () => goodsFiles,
		"in memory": () =>
			new MemoryGoods(new TestDisk("a buyer")).keeper(new Life()),
	};
	for (const [where, keeper] of Object.entries(keepers))
		for (const size of SIZES)
			test(`${where} of ${size} bytes are counted by their whole chunks, the last one too`, async () => {
				const length = BigInt(size);
				const { chunks } = sell(content(size));
				await using kept = await keeper().begin({ path: target });
				assert.equal(await kept.count(length), 0);
				for (const chunk of chunks) {
					await kept.put({ ...chunk, sealed: chunk.sealed.slice(0, -1) });
					assert.equal(await kept.count(length), chunk.index);
					await kept.put(chunk);
					assert.equal(await kept.count(length), chunk.index + 1);
				}
			});

	test("have nothing behind their last chunk once they are sealed", async () => {
		const sold = sell(content(10));
		await using file = await taken(sell(content(3 * CHUNK_BYTES)).chunks);
		await file.put(sold.chunks[0] as SealedChunk);
		await file.seal(1);
		const there: number[] = [];
		for await (const { index } of file.chunks()) there.push(index);
		assert.deepEqual(there, [0]);
	});
});

test("goods of names that are as long as can be, and differ only at their ends, are kept apart", async () => {
	const names = ["a", "b"].map((end) => "n".repeat(240) + end);
	const [first, second] = names.map((name) => join(folder.path, name));
	assert.ok(first !== undefined && second !== undefined);
	await using kept = await GoodsFile.begin({ path: first });
	await using other = await GoodsFile.begin({ path: second });
	const [one, two] = [sell(content(10)), sell(content(11))];
	for (const chunk of one.chunks) await kept.put(chunk);
	for (const chunk of two.chunks) await other.put(chunk);
	await discardGoods(second);
	await using again = await GoodsFile.resume({ path: first });
	assert.equal(await again.count(10n), 1);
	const parts = (await readdir(folder.path)).map((name) => utf8(name).length);
	assert.ok(parts.every((length) => length <= 255));
});

describe("goods that are not what they should be", () => {
	test("are not shown, and a chunk that the merchant signed for is evidence", async () => {
		const right = sell(content(3 * CHUNK_BYTES));
		const chunks = right.chunks.map((chunk) =>
			chunk.index === 1
				? {
						...chunk,
						sealed: chunk.sealed.with(50, (chunk.sealed[50] ?? 0) ^ 1),
					}
				: chunk,
		);
		await using file = await taken(chunks);
		const became = await openGoods(file, await goodsOf(lying(chunks)));
		assert.equal(became.kind, "wrong");
		assert.deepEqual(await readdir(folder.path), [".photo.jpg.tetrad-part"]);
		const { index } = openMerchandiseEvidence(
			nodeCrypto,
			became.evidence,
			() => sellerAgent.device,
		);
		assert.equal(index, 1);
	});

	const damage: readonly (readonly [
		string,
		(path: string) => Promise<unknown>,
	])[] = [
		["changed a byte", (path) => flip(path, 100_000)],
		["changed a leaf", (path) => flip(path, 3)],
		["lost its end", (path) => truncate(path, 2 * CHUNK_BYTES)],
		["lost everything", (path) => truncate(path, 0)],
	];
	for (const [what, harm] of damage)
		test(`accuse nobody when the own disk has ${what}`, async () => {
			const sold = sell(content(3 * CHUNK_BYTES));
			await using file = await taken(sold.chunks);
			await harm(partOf(target));
			const became = await openGoods(file, await goodsOf(sold));
			assert.deepEqual(became, { kind: "damaged" });
			assert.deepEqual(await readdir(folder.path), [".photo.jpg.tetrad-part"]);
		});

	test("are not looked for without a part", async () => {
		await assert.rejects(GoodsFile.resume({ path: target }), {
			code: "file-unusable",
		});
	});
});

describe("a file that is there already", () => {
	test("is refused before anything is paid", async () => {
		await writeFile(target, "mine");
		await assert.rejects(GoodsFile.begin({ path: target }), {
			code: "file-unusable",
			message: /exists already/,
		});
		assert.deepEqual(await readdir(folder.path), ["photo.jpg"]);
	});

	test("and appeared meanwhile is left alone: the goods have the next name", async () => {
		const sold = sell(content(10));
		await using file = await taken(sold.chunks);
		await writeFile(target, "mine");
		const became = await openGoods(file, await goodsOf(sold));
		assert.deepEqual(became, { kind: "opened", path: `${target} (2)` });
		assert.equal(await readFile(target, "utf8"), "mine");
	});

	test("is written over when that was asked for, and then at once", async () => {
		await writeFile(target, "mine");
		const sold = sell(content(10));
		await using file = await taken(sold.chunks, { overwrite: true });
		assert.equal(await readFile(target, "utf8"), "mine");
		await openGoods(file, await goodsOf(sold));
		assert.deepEqual(new Uint8Array(await readFile(target)), content(10));
	});

	test("is not followed when it is a link, though it may be written over", async () => {
		await symlink("/etc/passwd", target);
		for (const overwrite of [false, true])
			await assert.rejects(GoodsFile.begin({ path: target, overwrite }), {
				code: "file-unusable",
			});
	});

	test("and a folder that is not there are told of before anything is paid", async () => {
		await assert.rejects(
			GoodsFile.begin({ path: join(folder.path, "no", "photo.jpg") }),
			{ code: "file-unusable", message: /there is no folder/ },
		);
	});
});

test("goods that the disk has no room for are refused before anything is paid", async () => {
	await using file = await taken([]);
	await file.requireRoom(1000n);
	await assert.rejects(file.requireRoom(2n ** 60n), {
		code: "file-unusable",
		message: /there is no room/,
	});
});

test("whatever step of opening a process dies after, the next one has one whole file", async () => {
	using disk = await StoppingDisk.install();
	const bytes = content(CHUNK_BYTES + 9);
	const sold = sell(bytes);
	const goods = await goodsOf(sold);
	let isFinal = false;
	const open = async () => {
		if (!isFinal) {
			await using file = await GoodsFile.resume({ path: target });
			await openGoods(file, goods);
			isFinal = true;
		}
		await discardGoods(target);
		return true;
	};
	let steps = 0;
	for (let isOver = false; !isOver; steps++) {
		await (await taken(sold.chunks))[Symbol.asyncDispose]();
		const ended = await disk.run(steps + 1, open);
		isOver = ended !== undefined;
		const names = await readdir(folder.path);
		if (names.includes("photo.jpg"))
			assert.deepEqual(new Uint8Array(await readFile(target)), bytes);
		await open();
		assert.deepEqual(await readdir(folder.path), ["photo.jpg"]);
		assert.deepEqual(new Uint8Array(await readFile(target)), bytes);
		isFinal = false;
		await folder[Symbol.asyncDispose]();
		folder = await temporaryFolder();
		target = join(folder.path, "photo.jpg");
	}
	assert.ok(steps > 6, String(steps));
});

async function flip(path: string, at: number): Promise<void> {
	const bytes = await readFile(path);
	bytes[at] = (bytes[at] ?? 0) ^ 1;
	await writeFile(path, bytes);
}
