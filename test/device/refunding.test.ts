/* What a buyer's agent takes for the refund of a purchase. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAddress } from "../../src/carrier/index.ts";
import { nodeCrypto } from "../../src/crypto/index.ts";
import type { AgentAtWork } from "../../src/device/process/agent-at-work.ts";
import {
	giveBack,
	keepRefund,
	runRefunding,
} from "../../src/device/process/refunding.ts";
import { AgentStore } from "../../src/device/purse/index.ts";
import { refundContract, refundText } from "../../src/trade/documents/index.ts";
import {
	beginPurchase,
	REFUNDS,
	type SaleRow,
} from "../../src/trade/records/index.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { TradeWorld } from "../trade/world.ts";

const world = await TradeWorld.make();
const { parties } = world;
const nothing = new Uint8Array();

test("a refund is of the purchase's money, and from whom it was paid to", async () => {
	const memory = new MemoryStore();
	await using store = await AgentStore.over(memory);
	const contract = await world.contract();
	await store.transact(
		beginPurchase({
			contract: contract.hash,
			offer: nothing,
			time: 100n,
			document: contract.document,
			chain: parties.sellerAgent.chain,
			issuer_chain: parties.issuer.chain,
			salt: nothing,
			description: nothing,
			exporter: world.exporter,
			exponent: 2n,
			play: 1n,
			merchant: "shop",
			merchant_module: "till",
			address: "127.0.0.1:7000",
			target: "/tmp/photo.jpg",
			overwrite: 0n,
		}),
	);
	const of = { contract: contract.hash, number: 1 };
	const payment = {
		contract: refundContract(nodeCrypto, of),
		issuer: contract.issuer,
		currency: contract.currency,
		amount: 100n,
	};
	const own = { agent: parties.buyerAgent, module: parties.buyerModule };
	const kept = async (
		changes: Partial<typeof payment>,
		agent = parties.sellerAgent,
	) => {
		const tetrad = {
			place: "B",
			parties: {
				A: agent.device,
				B: own.agent.device,
				X: parties.sellerModule.device,
				Y: own.module.device,
			},
		} as const;
		await keepRefund(store, tetrad, { ...payment, ...changes }, refundText(of));
		let count = 0;
		await memory.snapshot(async (scan) => {
			for await (const _ of scan({ table: REFUNDS })) count++;
		});
		return count;
	};
	const { strangerModule, strangerAgent } = parties;
	assert.equal(await kept({ currency: "XXX" }), 0);
	assert.equal(await kept({ issuer: strangerModule.device.deviceId }), 0);
	assert.equal(await kept({}, strangerAgent), 0);
	assert.equal(await kept({}), 1);
	assert.equal(await kept({}), 1);
});

test("what was paid with ecash is no refund, now or later: it is said how it is given back, and nothing is owed", async () => {
	const memory = new MemoryStore();
	await using store = await AgentStore.over(memory);
	const sale: SaleRow = {
		...{ contract: new Uint8Array(32).fill(7), time: 100n, item: "photo.jpg" },
		...{ buyer: "alice", buyer_agent: parties.buyerAgent.device.deviceId },
		...{ issuer: new Uint8Array(44), currency: "USD", exponent: 2n, play: 0n },
		...{ amount: 420n, receipt: nothing, receipt_chain: nothing },
		...{ rail: "cashu", mint: "https://mint.example", unit: "usd" },
	};
	const wanted = {
		...{ sale, amount: 150n, signal: new AbortController().signal },
		...({ routing: "direct", root: "transcript" } as const),
		connect: parseAddress("127.0.0.1:7200"),
	} as const;
	const said = {
		code: "invalid-argument",
		message:
			/ecash of https:\/\/mint\.example.*tetrad purse send 1\.50 --mint https:\/\/mint\.example, and hand it to alice/,
	};
	const here = { home: "/nowhere", module: parseAddress("unix:/nowhere") };
	await assert.rejects(
		runRefunding({ ...here, link: "paired", ...wanted }, () => {}),
		said,
	);
	const work = {} as AgentAtWork;
	await assert.rejects(
		giveBack(work, store, { ...wanted, pairings: [] }),
		said,
	);
	const unknown = { ...wanted, sale: { ...sale, mint: "", unit: "" } };
	await assert.rejects(giveBack(work, store, { ...unknown, pairings: [] }), {
		message: /paid with ecash, which .* tetrad purse send 1\.50, and hand/,
	});
	await memory.snapshot(async (scan) => {
		for await (const _ of scan({ table: REFUNDS })) assert.fail("it is owed");
	});
});
