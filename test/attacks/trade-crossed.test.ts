/* What comes between COMMIT and what becomes of a purchase: another order of things, modules that were put back or certified anew, damage. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	findToArchive,
	messages,
	pruneArchived,
} from "../../src/money/index.ts";
import { RECEIPTS } from "../../src/money/purse/purse-tables.ts";
import { DAY, makeWorld } from "../support/authority.ts";
import { Market, type MarketOptions, MINUTE, PRICE } from "../trade/market.ts";

const { BETWEEN_MODULES } = messages;

const world = await makeWorld({ algorithm: "Ed25519" });
const open = (options: MarketOptions = {}) =>
	Market.make({ world, ...options });

/** Committed, and the merchant's module dies before it has heard of it. */
async function lost(): Promise<{
	market: Market;
	contract: Awaited<ReturnType<Market["contract"]>>;
}> {
	const market = await open();
	const { town, bob } = market;
	const visit = await market.meet();
	const contract = await market.contract(visit);
	town.sent = (bytes) => {
		if (bytes[0] === BETWEEN_MODULES.deliver.type) town.die(bob);
	};
	market.buy(visit, contract);
	await market.quiet();
	town.sent = undefined;
	assert.equal(market.paymentOf(contract), "committed");
	return { market, contract };
}

describe("money and key change hands once, both or neither", () => {
	test("when the payer resolves before the merchant deposits what it has to book first", async () => {
		const { market, contract } = await lost();
		const { town, ann, bob, mint } = market;
		town.restart(bob);
		await town.pass(2 * 60 * MINUTE);
		await market.meet();
		await market.quiet();
		assert.equal(market.receiptOf(contract), "to-book");
		await town.visit(ann, mint);
		market.listen();
		assert.ok(market.isKeyed(contract));
		await market.settle();
		assert.equal(market.receiptOf(contract), "deposited");
		assert.equal(town.account(mint, bob), 1n + PRICE);
		market.requireConserved();
	});

	test("when the merchant's module is put back to before it was paid, and is delivered it again", async () => {
		const market = await open();
		const { town, bob, mint } = market;
		const visit = await market.meet();
		const contract = await market.contract(visit);
		const backup = bob.store.copy();
		let isLost = true;
		town.sent = (bytes) => {
			if (isLost && bytes[0] === BETWEEN_MODULES.accepted.type) {
				isLost = false;
				town.die(bob);
			}
		};
		market.buy(visit, contract);
		await market.quiet();
		bob.store = backup;
		bob.wasPutBack = true;
		town.restart(bob);
		const again = await market.meet();
		market.about("resolve", again.tetrad, contract);
		await market.quiet();
		assert.ok(market.isKeyed(contract));
		assert.equal(bob.store.rows(RECEIPTS).length, 1);
		await market.settle();
		assert.equal(town.account(mint, bob), 1n + PRICE);
		market.requireConserved();
	});

	test("when it was put back to before it had its selling secret", async () => {
		const { market, contract } = await lost();
		const { town, ann, bob, mint } = market;
		bob.store = new (bob.store.constructor as new () => typeof bob.store)();
		bob.head = { number: 0n, hash: new Uint8Array(32) };
		town.restart(bob);
		await market.meet();
		await market.quiet();
		assert.ok(!market.isKeyed(contract));
		await town.visit(ann, mint);
		market.listen();
		assert.ok(market.isKeyed(contract));
		assert.equal(town.account(mint, bob), 1n + PRICE);
		market.requireConserved();
	});

	for (const who of ["ann", "bob", "mint"] as const)
		test(`when ${who}'s module is certified anew between COMMIT and what comes of it`, async () => {
			const { market, contract } = await lost();
			const { town, ann, bob, mint } = market;
			await town.recertify(market[who]);
			if (who !== "bob") town.restart(bob);
			const again = await market.meet();
			market.about("resolve", again.tetrad, contract);
			await market.quiet();
			await town.visit(ann, mint);
			market.listen();
			assert.ok(market.isKeyed(contract));
			await market.settle();
			assert.equal(town.account(mint, bob), 1n + PRICE);
			market.requireConserved();
		});

	test("when one contract is asked for in two tetrads at once", async () => {
		const market = await open();
		const { town, mint, bob } = market;
		const first = await market.meet();
		const second = await market.meet();
		const contract = await market.contract(first);
		market.buy(second, contract);
		market.buy(first, contract);
		await market.quiet();
		await market.settle();
		const isPaid = town.account(mint, bob) === 1n + PRICE;
		assert.equal(market.isKeyed(contract), isPaid);
		market.requireConserved();
	});

	test("at the least price, with a note of one unit, and at the greatest", async () => {
		const least = await open({ money: 1n });
		const visit = await least.meet();
		const contract = await least.contract(visit, { amount: 1n });
		least.buy(visit, contract);
		await least.quiet();
		await least.settle();
		assert.ok(least.isKeyed(contract));
		assert.equal(least.town.account(least.mint, least.bob), 2n);
		least.requireConserved();
		const most = await open();
		const there = await most.meet();
		const dear = await most.contract(there, { amount: 2n ** 63n - 1n });
		most.buy(there, dear);
		await most.quiet();
		assert.deepEqual(most.brief(dear), ["aborted 0: insufficient-funds"]);
		most.requireConserved();
	});

	test("when the notes are exchanged while the merchant is asked", async () => {
		const market = await open({ noteDays: 40 });
		const { town, ann, mint } = market;
		await town.pass(35 * DAY);
		const visit = await market.meet();
		const contract = await market.contract(visit);
		const tetrad = await town.meet(ann, mint);
		market.buy(visit, contract);
		town.settle(ann, tetrad, mint);
		await market.quiet();
		await market.settle();
		const isPaid = town.account(mint, market.bob) === 1n + PRICE;
		assert.equal(market.isKeyed(contract), isPaid);
		market.requireConserved();
	});
});

test("a key that comes in a later tetrad is told to the agent, which has not asked again", async () => {
	const { market, contract } = await lost();
	market.town.restart(market.bob);
	await market.meet();
	await market.quiet();
	assert.deepEqual(market.brief(contract).at(-1), "bought");
	assert.deepEqual(
		market.ann.reports.flatMap((report) =>
			report.kind === "sale" ? [report.what] : [],
		),
		["bought"],
	);
});

test("a purchase whose rows are in an archive is answered as before, and ends no tetrad", async () => {
	const market = await open();
	const { town, ann, bob } = market;
	const visit = await market.meet();
	const contract = await market.contract(visit);
	market.buy(visit, contract);
	await market.quiet();
	await market.settle();
	await town.pass(100);
	for (const module of [ann, bob]) {
		const { deviceId } = module.device;
		let cursor: Parameters<typeof findToArchive>[3];
		for (;;) {
			const { step, next } = module.store.run(
				findToArchive(nodeCrypto, deviceId, 8_000_000_000_000_000, cursor),
			);
			if (step !== undefined)
				module.store.run(pruneArchived(nodeCrypto, deviceId, step, town.now));
			if (next === undefined) break;
			cursor = next;
		}
		town.restart(module);
		module.head = { number: 0n, hash: new Uint8Array(32) };
	}
	const later = await market.meet();
	const before = market.brief(contract).length;
	for (const ask of ["resolve", "cancel", "final"] as const)
		market.about(ask, later.tetrad, contract);
	market.buy(later, contract);
	await market.quiet();
	await market.learn(later);
	assert.deepEqual(
		new Set(market.brief(contract).slice(before)),
		new Set(["bought", "closed"]),
	);
	assert.deepEqual(ann.ended, []);
});

test("bytes of a sale that are changed on their way sell nothing and end no module", async () => {
	const market = await open();
	const { town, ann, bob } = market;
	for (const type of [
		BETWEEN_MODULES.prepare.type,
		BETWEEN_MODULES.deliver.type,
	])
		for (let i = 0; i < 60; i++) {
			const visit = await market.meet();
			const contract = await market.contract(visit, { amount: 1n });
			let isChanged = false;
			town.sent = (bytes) => {
				if (bytes[0] !== type || isChanged) return;
				isChanged = true;
				const at = 1 + ((i * 7919) % (bytes.length - 1));
				bytes[at] = (bytes[at] ?? 0) ^ (1 << (i % 8));
			};
			market.buy(visit, contract);
			await market.quiet();
			town.sent = undefined;
			assert.ok(ann.machine !== undefined && bob.machine !== undefined);
			const isKeyed = market.isKeyed(contract);
			assert.equal(isKeyed && !market.isPaid(contract), false);
			for (const tetrad of [...ann.tetrads.keys()]) town.part(ann, tetrad);
			await market.quiet();
		}
	await market.settle();
	market.requireConserved();
});
