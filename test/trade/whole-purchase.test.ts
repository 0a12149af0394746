/* The machines of all five: two agents, two modules with their purses, and an issuer with its books. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { messages } from "../../src/money/index.ts";
import { PAYMENTS } from "../../src/money/purse/purse-tables.ts";
import {
	ABOUT_PURCHASES,
	CHUNK_BYTES,
} from "../../src/trade/documents/index.ts";
import { SaleDesk } from "../../src/trade/issuer/index.ts";
import { loadTrade, moduleTrade } from "../../src/trade/module/index.ts";
import { filled } from "../money/documents.ts";
import { COIN, type Module, Town } from "../money/town.ts";
import { makeWorld } from "../support/authority.ts";
import { Agents, type AgentsWorld, PRICE, type Stock } from "./agents.ts";
import { content } from "./merchandise-support.ts";
import type { TradeParty } from "./world.ts";

const { message } = messages;
const CONTENT = content(3 * CHUNK_BYTES + 17);
const SHOP: Stock = new Map([["tea", { content: CONTENT, kind: "file" }]]);

/** A buyer with 1000, and a merchant whose module has a selling secret. */
async function market() {
	const heard = new Map<Module, Uint8Array[]>();
	const town = await Town.make({
		sale: (self) => moduleTrade(self.store.run(loadTrade())),
		world: await makeWorld({ algorithm: "Ed25519" }),
		certifiesAgents: true,
		judge: (context) =>
			new SaleDesk(context, { read: (use) => use(filled(32, 0x3a)) }),
		heard: (module, _, bytes) => {
			heard.set(module, [...(heard.get(module) ?? []), bytes]);
		},
	});
	const mint = await town.issuer();
	const ann = await town.purse("ann");
	const bob = await town.purse("bob");
	await town.withdraw(ann, mint, 1000n);
	town.fund(mint, bob, 1n);
	const first = await town.meet(bob, mint);
	const issuer = mint.device.deviceId;
	const asked = message(ABOUT_PURCHASES.selling, { issuer, generation: 0 });
	bob.events.push({ kind: "from-agent", tetrad: first, bytes: asked });
	town.settle(bob, first, mint);
	await town.quiet();
	town.part(bob, first);
	await town.quiet();
	heard.clear();
	const agent = ({ agent, agentSigner }: Module): TradeParty => {
		assert.ok(agentSigner);
		return { signer: agentSigner, chain: agent.encodedChain, device: agent };
	};
	const module = ({ device, signer }: Module): TradeParty => ({
		signer,
		chain: device.encodedChain,
		device,
	});
	const parties = {
		buyerAgent: agent(ann),
		buyerModule: module(ann),
		sellerAgent: agent(bob),
		sellerModule: module(bob),
		issuer: module(mint),
		strangerAgent: agent(mint),
		strangerModule: module(mint),
	};
	/** A tetrad of the four. */
	const meet = async (
		options: Partial<ConstructorParameters<typeof Agents>[1]> = {},
	): Promise<Agents> => {
		const tetrad = await town.meet(ann, bob);
		const binding = town.bindingOf(tetrad);
		const exporter = nodeCrypto.sha256(binding);
		const unused = (): never => assert.fail("the modules are real");
		const world: AgentsWorld = {
			parties,
			binding,
			exporter,
			idOf: (place) => parties[place].device.deviceId,
			certificate: unused,
			secret: unused,
			keyOf: unused,
		};
		const asks = (self: Module) => async (bytes: Uint8Array) => {
			self.events.push({ kind: "from-agent", tetrad, bytes });
			await town.quiet();
			const said = heard.get(self) ?? [];
			heard.delete(self);
			return said;
		};
		return new Agents(world, {
			stock: SHOP,
			currency: COIN.code,
			now: town.now,
			buyersModule: asks(ann),
			merchantsModule: asks(bob),
			...options,
		});
	};
	return { town, mint, ann, bob, meet };
}

const isWhole = (agents: Agents): boolean => {
	const [goods] = agents.disk.goods.values();
	return goods !== undefined && Buffer.compare(goods, CONTENT) === 0;
};

/** The price left the one purse and is in the other, once, and nothing is in doubt. */
function requirePaid(
	town: Town,
	mint: Module,
	buyer: Module,
	merchant: Module,
): void {
	assert.equal(town.balance(buyer, mint).spendable, 1000n - PRICE);
	assert.equal(town.total(buyer, mint), 1000n - PRICE);
	assert.equal(town.balance(merchant, mint).toDeposit, PRICE);
	assert.equal(town.total(merchant, mint), PRICE);
	town.requireConserved(mint);
}

describe("a purchase of all five", () => {
	test("ends with the goods at the buyer's, the money at the merchant's, and nothing open", async () => {
		const { town, mint, ann, bob, meet } = await market();
		const agents = await meet();
		const ask = await agents.buy("tea");
		assert.equal(
			agents.answers.get(ask)?.kind,
			"bought",
			String(agents.refusals.get(ask)),
		);
		assert.ok(isWhole(agents));
		requirePaid(town, mint, ann, bob);
		assert.equal(ann.store.rows(PAYMENTS)[0]?.what, "tea");
		assert.equal(agents.buying.purchases.size, 0);
		assert.equal(agents.selling.pending.size, 0);
		assert.equal(agents.disk.parts.size, 0);
	});

	test("goes on in another tetrad when the buyer's agent died with the goods sealed: nothing is paid twice", async () => {
		const { town, mint, ann, bob, meet } = await market();
		const before = await meet({ hold: ({ kind }) => kind === "open-goods" });
		await before.buy("tea");
		const { disk } = before;
		assert.equal(disk.concluded.size, 0);
		disk.parts.clear();
		const after = await meet({ disk });
		const [purchase] = disk.kept.values();
		assert.ok(purchase);
		const ask = after.ask({ kind: "resume", purchase, isFinal: false });
		await after.run();
		assert.equal(
			after.answers.get(ask)?.kind,
			"bought",
			String(after.refusals.get(ask)),
		);
		assert.ok(isWhole(after));
		requirePaid(town, mint, ann, bob);
	});

	test("that was not paid before its agent died is cancelled, and nothing is paid", async () => {
		const { town, mint, ann, bob, meet } = await market();
		const before = await meet({
			hold: ({ kind, ...effect }) =>
				kind === "to-module" &&
				"bytes" in effect &&
				(effect.bytes as Uint8Array)[0] === ABOUT_PURCHASES.buy.type,
		});
		await before.buy("tea");
		const { disk } = before;
		const after = await meet({ disk });
		const [purchase] = disk.kept.values();
		assert.ok(purchase);
		const ask = after.ask({ kind: "resume", purchase, isFinal: false });
		await after.run();
		assert.ok(after.refusals.has(ask));
		assert.equal([...disk.concluded.values()][0]?.kind, "aborted");
		assert.equal(town.balance(ann, mint).spendable, 1000n);
		assert.equal(town.total(ann, mint), 1000n);
		assert.equal(town.total(bob, mint), 0n);
		town.requireConserved(mint);
		assert.equal(disk.goods.size, 0);
	});
});
