/* Goods for one target are opened one after another. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { AgentStore } from "../../src/device/purse/index.ts";
import { goodsTurn } from "../../src/device/trade/goods-turn.ts";
import { temporaryFolder } from "../support/folders.ts";

test("who opens goods for a target keeps others of the same store waiting, each in turn, and nobody else", async () => {
	await using folder = await temporaryFolder();
	await using store = await AgentStore.open(folder.path);
	await using opened = await AgentStore.open(folder.path);
	const order: string[] = [];
	const held = await goodsTurn(store, "song");
	const waiting = ["second", "third"].map(async (name) => {
		using _ = await goodsTurn(store, "song");
		order.push(name);
		await setImmediate();
		order.push(`${name} is over`);
	});
	using _ = await goodsTurn(store, "photo");
	// As after a crash: who has opened it anew waits for nothing that was before.
	using __ = await goodsTurn(opened, "song");
	await setImmediate();
	assert.deepEqual(order, []);
	held[Symbol.dispose]();
	await Promise.all(waiting);
	assert.deepEqual(order, [
		...["second", "second is over"],
		...["third", "third is over"],
	]);
	using ___ = await goodsTurn(store, "song");
});
