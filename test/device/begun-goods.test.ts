/* What a crash has left of goods, and what becomes of it when the agent runs again. */
import assert from "node:assert/strict";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { AgentStore } from "../../src/device/purse/index.ts";
import { BegunGoods } from "../../src/device/trade/index.ts";
import { beginPurchase } from "../../src/trade/records/index.ts";
import { temporaryFolder } from "../support/folders.ts";
import { content, sell } from "../trade/merchandise-support.ts";
import { TradeWorld } from "../trade/world.ts";

const world = await TradeWorld.make();
const nothing = new Uint8Array();

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let home: string;
let out: string;
let store: AgentStore;

beforeEach(async () => {
	folder = await temporaryFolder();
	home = join(folder.path, "home");
	out = join(folder.path, "out");
	await mkdir(home);
	await mkdir(out);
	store = await AgentStore.open(home);
});
afterEach(async () => {
	await store[Symbol.asyncDispose]();
	await folder[Symbol.asyncDispose]();
});

/** Begins goods, of which a process that dies then leaves this much. */
async function begun(path: string): Promise<BegunGoods> {
	const goods = await BegunGoods.open(home, store);
	await using kept = await goods.begin({ path });
	for (const chunk of sell(content(10)).chunks) await kept.put(chunk);
	return goods;
}

async function bought(target: string): Promise<void> {
	const { hash, document } = await world.contract();
	await store.transact(
		beginPurchase({
			contract: hash,
			offer: nothing,
			time: 100n,
			document,
			chain: world.parties.sellerAgent.chain,
			issuer_chain: world.parties.issuer.chain,
			salt: nothing,
			description: nothing,
			exporter: world.exporter,
			exponent: 2n,
			play: 1n,
			merchant: "shop",
			merchant_module: "till",
			address: "127.0.0.1:7000",
			target,
			overwrite: 0n,
		}),
	);
}

const marks = () => readdir(join(home, "begun"));

describe("goods that were begun", () => {
	test("leave nothing once the agent runs again", async () => {
		await begun(join(out, "photo.jpg"));
		await writeFile(join(out, ".photo.jpg.tetrad-new"), "opened");
		await writeFile(join(out, ".other.jpg.tetrad-part"), "another's");
		await BegunGoods.open(home, store);
		assert.deepEqual(await readdir(out), [".other.jpg.tetrad-part"]);
		assert.deepEqual(await marks(), []);
	});

	test("stay when they belong to a purchase that is not over", async () => {
		const target = join(out, "photo.jpg");
		await begun(target);
		await bought(target);
		await begun(join(out, "given-up.jpg"));
		const goods = await BegunGoods.open(home, store);
		assert.deepEqual(await readdir(out), [".photo.jpg.tetrad-part"]);
		await using kept = await goods.resume({ path: target });
		assert.notEqual(await kept.chunk(0), undefined);
	});

	test("are forgotten when they are discarded", async () => {
		const target = join(out, "photo.jpg");
		const goods = await begun(target);
		assert.equal((await marks()).length, 1);
		await goods.discard(target);
		assert.deepEqual([await readdir(out), await marks()], [[], []]);
	});

	test("are not begun where a file is, and what came there before is still found", async () => {
		const target = join(out, "photo.jpg");
		await writeFile(target, "a file");
		await assert.rejects(begun(target), { code: "file-unusable" });
		assert.deepEqual(await marks(), []);
		const goods = await begun(join(out, "second.jpg"));
		await writeFile(join(out, "second.jpg"), "a file");
		await assert.rejects(goods.begin({ path: join(out, "second.jpg") }));
		assert.equal((await marks()).length, 1);
	});

	test("are no reason to make a store", async () => {
		await BegunGoods.open(home, store);
		assert.deepEqual(await readdir(home), []);
	});
});
