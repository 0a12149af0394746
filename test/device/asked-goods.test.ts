/* Goods whose file cannot be closed in order: what was asked about them goes on, and nobody is left waiting. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AgentStore } from "../../src/device/purse/index.ts";
import { AskedGoods } from "../../src/device/trade/asked-goods.ts";
import type { GoodsKeeper } from "../../src/device/trade/index.ts";
import { TetradError } from "../../src/errors.ts";
import { TestDisk } from "../../src/testing/disk.ts";
import { MemoryGoods } from "../../src/testing/goods.ts";
import { Life } from "../../src/testing/life.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { content, sell } from "../trade/merchandise-support.ts";

const PATH = "/tmp/photo.jpg";

/** In memory, in files none of which closes in order; `closed` counts them. */
function unclosing(): { readonly keeper: GoodsKeeper; closed: number } {
	const inMemory = new MemoryGoods(new TestDisk("a buyer")).keeper(new Life());
	const made = {
		closed: 0,
		keeper: {
			...inMemory,
			begin: async (target: Parameters<GoodsKeeper["begin"]>[0]) => ({
				...(await inMemory.begin(target)),
				[Symbol.asyncDispose]: async () => {
					made.closed++;
					throw new Error("EIO: i/o error, close");
				},
			}),
		},
	};
	return made;
}

async function begun(keeper: GoodsKeeper): Promise<AskedGoods> {
	const store = await AgentStore.over(new MemoryStore());
	const target = { path: PATH };
	const goods = new AskedGoods({ keeper, store }, target, undefined, false);
	const event = await goods.begin({ ask: 1, length: 10n, from: 0 });
	assert.equal(event.kind, "begun");
	for (const chunk of sell(content(10)).chunks) await goods.put(chunk);
	return goods;
}

test("goods that are dropped are off the disk, and what is asked after them is done, though their file does not close", async () => {
	const made = unclosing();
	const goods = await begun(made.keeper);
	const done: string[] = [];
	goods.inTurn(() => goods.drop());
	goods.inTurn(async () => void done.push("after"));
	await goods.work;
	assert.deepEqual([done, made.closed], [["after"], 1]);
	await assert.rejects(made.keeper.resume({ path: PATH }));
});

test("goods that are left stay where they are, though their file does not close", async () => {
	const made = unclosing();
	const goods = await begun(made.keeper);
	await goods.leave();
	assert.equal(made.closed, 1);
	const kept = await made.keeper.resume({ path: PATH });
	assert.equal(await kept.count(10n), 1);
});

test("goods that there is no room for say so, and not that their file does not close", async () => {
	const made = unclosing();
	const full = () => {
		throw new TetradError("file-unusable", "there is no room");
	};
	const keeper: GoodsKeeper = {
		...made.keeper,
		begin: async (target) => ({
			...(await made.keeper.begin(target)),
			requireRoom: async () => full(),
		}),
	};
	await assert.rejects(begun(keeper), /there is no room/);
	assert.equal(made.closed, 1);
	await assert.rejects(made.keeper.resume({ path: PATH }));
});
