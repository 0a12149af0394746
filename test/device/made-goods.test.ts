/* A merchant's agent and what it has made on order. */
import assert from "node:assert/strict";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { AgentStore } from "../../src/device/purse/index.ts";
import { FolderCatalogue, FolderShop } from "../../src/device/trade/index.ts";
import {
	MADE_FORGOTTEN_MS,
	MAX_MAKING,
} from "../../src/device/trade/limits.ts";
import { MadeGoods } from "../../src/device/trade/made-goods.ts";
import type { Goods } from "../../src/trade/agent/index.ts";
import { MAX_UNPAID } from "../../src/trade/records/index.ts";
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
		offer: undefined,
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

describe("what is made on order", () => {
	const make = () => Buffer.from("made");

	test("counts against no buyer while it is not begun for all that is being made", async () => {
		await using store = await AgentStore.open(folder.path);
		const made = await MadeGoods.open(folder.path, store);
		const others = world.parties.strangerAgent.device;
		const going = Promise.withResolvers<Buffer>();
		const making: Promise<AsyncDisposable>[] = [];
		for (let i = 0; i < MAX_MAKING; i++) {
			const deviceId = filled(others.deviceId.length, i);
			const goods = { ...ordered(i), buyer: { ...others, deviceId } };
			making.push(made.make(goods as Goods, () => going.promise, never));
		}
		for (let i = 0; i <= MAX_UNPAID; i++)
			await assert.rejects(made.make(ordered(0x40 + i), make, never), {
				code: "busy",
			});
		going.resolve(make());
		for (const one of making) await (await one)[Symbol.asyncDispose]();
		await using first = await made.make(ordered(0x50), make, never);
		assert.equal(first.length, 4);
	});

	test("keeps no place from others while it is refused to who leaves too much unpaid", async () => {
		await using store = await AgentStore.open(folder.path);
		const made = await MadeGoods.open(folder.path, store);
		for (let i = 0; i < MAX_UNPAID; i++)
			await (await made.make(ordered(i), make, never))[Symbol.asyncDispose]();
		const refused: Promise<unknown>[] = [];
		for (let i = 0; i <= MAX_MAKING; i++)
			refused.push(
				assert.rejects(made.make(ordered(0x40 + i), make, never), {
					code: "limit-exceeded",
				}),
			);
		const buyer = world.parties.strangerAgent.device;
		await using other = await made.make(
			{ ...ordered(0x80), buyer },
			make,
			never,
		);
		assert.equal(other.length, 4);
		await Promise.all(refused);
	});

	test("is made once for a contract that is taken twice at once", async () => {
		await using store = await AgentStore.open(folder.path);
		const made = await MadeGoods.open(folder.path, store);
		const going = Promise.withResolvers<Buffer>();
		const first = made.make(ordered(1), () => going.promise, never);
		await assert.rejects(made.make(ordered(1), make, never), {
			code: "busy",
			message: /already/,
		});
		going.resolve(make());
		await using goods = await first;
		assert.equal(goods.length, 4);
	});

	test("is made once for a contract that is taken of two processes of the agent at once", async () => {
		await using store = await AgentStore.open(folder.path);
		const [one, other] = [
			await MadeGoods.open(folder.path, store, { number: 1, of: 2 }),
			await MadeGoods.open(folder.path, store, { number: 2, of: 2 }),
		];
		for (const [at, [first, second]] of [
			[one, other] as const,
			[other, one] as const,
		].entries()) {
			const going = Promise.withResolvers<Buffer>();
			const asked = Promise.withResolvers<void>();
			const waiting = () => {
				asked.resolve();
				return going.promise;
			};
			const making = first.make(ordered(at), waiting, never);
			await asked.promise;
			await assert.rejects(second.make(ordered(at), make, never), {
				code: "busy",
				message: /already/,
			});
			going.resolve(Buffer.from("made by one"));
			await using goods = await making;
			assert.equal(goods.length, 11);
			// Whoever has not seen it yet does not make another.
			let isMade = false;
			const remade = () => {
				isMade = true;
				return Buffer.from("made by the other");
			};
			await using again = await second.make(ordered(at), remade, never);
			assert.equal(again.length, 11);
			assert.equal(isMade, false);
		}
		// In the same moment one makes it, or none does and its buyer asks again.
		let count = 0;
		const counted = () => {
			count++;
			return make();
		};
		const outcomes = await Promise.allSettled(
			[one, other].map((made) => made.make(ordered(9), counted, never)),
		);
		assert.ok(count <= 1);
		for (const outcome of outcomes)
			if (outcome.status === "fulfilled")
				await outcome.value[Symbol.asyncDispose]();
			else assert.equal(outcome.reason.code, "busy");
		// By somebody else: how much of the first buyer's was made is chance.
		const theirs = {
			...ordered(10),
			buyer: world.parties.sellerAgent.device,
		};
		const failed = one.make(
			theirs,
			() => Promise.reject(new RangeError("no")),
			never,
		);
		await assert.rejects(failed, RangeError);
		await using later = await other.make(theirs, make, never);
		assert.equal(later.length, 4);
		const left = await readdir(join(folder.path, "made"));
		assert.deepEqual(
			left.filter((name) => name.includes(".new")),
			[],
		);
	});

	test("of several processes of the agent each takes away what itself has left half made, and the first what nobody makes any more", async () => {
		await using store = await AgentStore.open(folder.path);
		const open = (number: number) =>
			MadeGoods.open(folder.path, store, { number, of: 2 });
		await open(1);
		const name = "00".repeat(16);
		const all = ["", "-2", "-3"].map((end) => `${name}.new${end}`);
		for (const draft of all)
			await writeFile(join(folder.path, "made", draft), "half");
		const left = async () =>
			(await readdir(join(folder.path, "made"))).toSorted();
		await open(2);
		assert.deepEqual(await left(), [all[0], all[2]]);
		await open(1);
		assert.deepEqual(await left(), []);
	});

	test("is refused to a buyer who leaves it unpaid, until it is forgotten, in a shop that stays open, too", async (context) => {
		await using store = await AgentStore.open(folder.path);
		const made = await MadeGoods.open(folder.path, store);
		const start = Date.now();
		for (let i = 0; i < MAX_UNPAID; i++)
			await (await made.make(ordered(i), make, never))[Symbol.asyncDispose]();
		await assert.rejects(made.make(ordered(9), make, never), {
			code: "limit-exceeded",
		});
		context.mock.timers.enable({
			apis: ["Date"],
			now: start + MADE_FORGOTTEN_MS + 60_000,
		});
		await using again = await made.make(ordered(9), make, never);
		assert.equal(again.length, 4);
		assert.equal(await made.again(ordered(0).contractId), undefined);
	});
});
