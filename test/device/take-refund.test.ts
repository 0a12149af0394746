/* What a buyer keeps of a refund that has come, whatever its merchant says after that. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AgentStore } from "../../src/device/purse/index.ts";
import type { Calling } from "../../src/device/trade/calling.ts";
import type {
	Buyer,
	TradingAgentOptions,
} from "../../src/device/trade/index.ts";
import { takeRefund } from "../../src/device/trade/take-refund.ts";
import { TetradError } from "../../src/errors.ts";
import {
	type PurchaseRow,
	readComeBack,
} from "../../src/trade/records/index.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { TradeWorld } from "../trade/world.ts";

const world = await TradeWorld.make();

/** Asks for it at a merchant who closes the tetrad at the page of that number, from 1, which has paid by then or not. */
async function takenFrom({
	closesAt,
	hasPaid,
}: {
	readonly closesAt: number;
	readonly hasPaid: boolean;
}) {
	const store = await AgentStore.over(new MemoryStore());
	const { hash, document, amount } = await world.contract();
	let pages = 0;
	const buyer = {
		payments: {
			expect: async () => {},
			received: () => (hasPaid ? Promise.resolve({}) : new Promise(() => {})),
		},
		async list() {
			if (++pages >= closesAt)
				throw new TetradError("tetrad-closed", "the merchant has closed it");
			return { items: [], isLast: true };
		},
		tetrad: { close: async () => {} },
		over: Promise.resolve(),
	} as unknown as Buyer;
	const calling = { meetModule: async () => buyer } as unknown as Calling;
	const agent = { now: () => 100 } as TradingAgentOptions["agent"];
	const row = { contract: hash, document, address: "shop.example:7000" };
	const taking = takeRefund(
		calling,
		{ agent, store },
		{ ...row, merchant: "shop" } as PurchaseRow,
		{},
	);
	return {
		...{ taking, amount },
		comeBack: async () => (await store.transact(readComeBack(hash))).amount,
	};
}

test("a refund that has come is kept and told, though its merchant closes the tetrad at once", async () => {
	const { taking, amount, comeBack } = await takenFrom({
		closesAt: 2,
		hasPaid: true,
	});
	assert.equal(await taking, amount);
	assert.equal(await comeBack(), amount);
});

test("a merchant who closes the tetrad before anything has come has given nothing back", async () => {
	const { taking, comeBack } = await takenFrom({
		closesAt: 2,
		hasPaid: false,
	});
	await assert.rejects(taking, { code: "tetrad-closed" });
	assert.equal(await comeBack(), 0n);
});
