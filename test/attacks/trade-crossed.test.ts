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
import type { Contract } from "../../src/trade/documents/index.ts";
import { DAY, makeWorld } from "../support/authority.ts";
import { Market, type MarketOptions, MINUTE, PRICE } from "../trade/market.ts";

const { BETWEEN_MODULES } = messages;

const world = await makeWorld({ algorithm: "Ed25519" });
const open = (options: MarketOptions = {}) =>
	Market.make({ world, ...options });

/** Committed, and the merchant's module dies before it has heard of it. */
async function lost(): Promise<{
	market: Market;
	contract: Contract;
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

	for (const [asked, first] of [
		["where it was made first", true],
		["elsewhere first, which voids it", false],
	] as const)
		test(`when one contract is asked for in two tetrads at once, ${asked}`, async () => {
			const market = await open();
			const { town, mint, bob } = market;
			const there = await market.meet();
			const elsewhere = await market.meet();
			const contract = await market.contract(there);
			for (const visit of first ? [there, elsewhere] : [elsewhere, there])
				market.buy(visit, contract);
			await market.quiet();
			await market.settle();
			assert.deepEqual(
				market.brief(contract),
				first
					? ["bought", "bought"]
					: ["aborted 0: offer-expired", "aborted 0: offer-expired"],
			);
			assert.equal(market.isKeyed(contract), first);
			assert.equal(town.account(mint, bob), first ? 1n + PRICE : 1n);
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
		assert.deepEqual(market.brief(contract), ["aborted 0: insufficient-funds"]);
		assert.ok(!market.isKeyed(contract));
		assert.equal(town.account(mint, market.bob), 1n);
		market.requireConserved();
		// Those that came for them pay for the next.
		const later = await market.meet();
		const next = await market.contract(later);
		market.buy(later, next);
		await market.quiet();
		await market.settle();
		assert.ok(market.isKeyed(next));
		assert.equal(town.account(mint, market.bob), 1n + PRICE);
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
		const { banks } = town.world.policy;
		const before = 8_000_000_000_000_000;
		let cursor: Parameters<typeof findToArchive>[2];
		for (;;) {
			const { step, next } = module.store.run(
				findToArchive(nodeCrypto, { purse: deviceId, banks, before }, cursor),
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

test("bytes of a sale that are changed on their way sell nothing before their issuer has spoken, and end no module", async () => {
	const market = await open();
	const { town, ann, bob, mint } = market;
	const { prepare, deliver } = BETWEEN_MODULES;
	const sales: { type: number; contract: Contract }[] = [];
	for (const { type } of [prepare, deliver])
		for (let i = 0; i < 60; i++) {
			const visit = await market.meet();
			const contract = await market.contract(visit, { amount: 1n });
			sales.push({ type, contract });
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
			assert.ok(isChanged);
			assert.ok(!market.isKeyed(contract));
			assert.ok(!market.isPaid(contract));
			assert.equal(
				market.paymentOf(contract),
				type === deliver.type ? "committed" : undefined,
			);
			for (const tetrad of [...ann.tetrads.keys()]) town.part(ann, tetrad);
			await market.quiet();
		}
	await market.settle();
	// What was committed is sold by the issuer, whatever the merchant was sent; of all else nothing is paid.
	for (const { type, contract } of sales) {
		const isSold = type === deliver.type;
		assert.equal(market.isKeyed(contract), isSold);
		assert.equal(market.paymentOf(contract), isSold ? "settled" : undefined);
	}
	assert.equal(town.account(mint, bob), 1n + 60n);
	assert.equal(
		town.balance(ann, mint).spendable + town.account(mint, ann),
		1000n - 60n,
	);
	market.requireConserved();
});
