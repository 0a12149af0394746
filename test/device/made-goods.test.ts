/* A merchant's agent and what it has made on order. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { AgentStore } from "../../src/device/purse/index.ts";
import { FolderCatalogue, FolderShop } from "../../src/device/trade/index.ts";
import type { Goods } from "../../src/trade/agent/index.ts";
import { filled } from "../money/documents.ts";
import { temporaryFolder } from "../support/folders.ts";
import { TradeWorld } from "../trade/world.ts";

const world = await TradeWorld.make();
const CURRENCY = { code: "EUR", exponent: 2 };

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
	folder = await temporaryFolder();
});
afterEach(() => folder[Symbol.asyncDispose]());

function ordered(number: number, name = "made"): Goods {
	return {
		contractId: filled(16, number),
		description: { name, mediaType: "", about: "", order: "good morning" },
		itemKind: "made-on-order",
		buyer: world.parties.buyerAgent.device,
	};
}

const never: AbortSignal = new AbortController().signal;

test("a command of the catalogue finds in its environment what its shop was given", async () => {
	const sold = join(folder.path, "sold");
	await mkdir(sold);
	const items = [{ name: "made", price: "1", onOrder: 'printf "$A$PATH"' }];
	await writeFile(
		join(sold, "catalogue.json"),
		JSON.stringify({ version: 1, items }),
	);
	await using store = await AgentStore.open(folder.path);
	const shop = await FolderShop.open({
		home: folder.path,
		store,
		catalogue: await FolderCatalogue.read(sold, { currency: CURRENCY }),
		terms: {
			issuer: world.idOf("issuer"),
			name: "issuer",
			currency: CURRENCY,
			isPlay: true,
		},
		environment: { A: "a", PATH: "b" },
	});
	await using made = await shop.open(ordered(1), never);
	const bytes = await made.read(0, Number(made.length));
	assert.equal(Buffer.from(bytes).toString("utf8"), "ab");
});
