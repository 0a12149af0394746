/*
 * Purses that were put back, and whose mint has signed since what they make now: the counters are
 * found at the mint, and so is what was made with them.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ecashTables } from "../../src/money/index.ts";
import type { Contract } from "../../src/trade/documents/index.ts";
import { hex } from "../../src/wire/index.ts";
import { makeWorld } from "../support/authority.ts";
import { EcashMarket } from "./ecash-market.ts";
import { MINUTE } from "./market.ts";

const world = await makeWorld({ algorithm: "Ed25519" });

const PRICE = 50n;

async function buy({ market }: EcashMarket): Promise<Contract> {
	const visit = await market.meet();
	const contract = await market.contract(visit, { amount: PRICE });
	market.buy(visit, contract);
	await market.quiet();
	market.town.part(market.ann, visit.tetrad);
	await market.quiet();
	return contract;
}

/** A merchant that has sold so often, and was put back to before that. */
async function putBack(sales: number): Promise<EcashMarket> {
	const ecash = await EcashMarket.make({ world });
	const { market } = ecash;
	const { bob, town } = market;
	await buy(ecash);
	const store = bob.store.copy();
	for (let i = 0; i < sales; i++) await buy(ecash);
	assert.equal(ecash.balance(bob), PRICE * BigInt(sales + 1));
	bob.store = store;
	town.restart(bob);
	await market.quiet();
	assert.equal(ecash.balance(bob), PRICE);
	return ecash;
}

describe("a merchant's purse that was put back", () => {
	test("gives the key of the next sale, and has what it was paid for the ones before", async () => {
		const ecash = await putBack(7);
		const { market } = ecash;
		const { bob } = market;
		const contract = await buy(ecash);
		await market.meet();
		await ecash.pass();
		assert.equal(ecash.stateOf(contract.hash, bob), "claimed");
		assert.ok(market.isKeyed(contract));
		assert.equal(ecash.balance(bob), 9n * PRICE);
		ecash.requireConserved();
		// From then on counters are new.
		const before = bob.store.rows(ecashTables.COUNTERS);
		const last = await buy(ecash);
		assert.equal(ecash.stateOf(last.hash, bob), "claimed");
		const after = bob.store.rows(ecashTables.COUNTERS);
		assert.ok((after[0]?.next ?? 0n) > (before[0]?.next ?? 0n));
		ecash.requireConserved();
	});

	test("asks for what lies behind its counter, and not for all that it ever made", async () => {
		const ecash = await putBack(3);
		const { bob } = ecash.market;
		const [counted] = bob.store.rows(ecashTables.COUNTERS);
		assert.ok(counted);
		let restores = 0;
		const handle = ecash.mint.handle.bind(ecash.mint);
		ecash.mint.handle = (request, now) => {
			if (request.path === "/v1/restore") restores++;
			return handle(request, now);
		};
		await buy(ecash);
		await ecash.pass();
		assert.ok(restores <= 16, `${restores} requests`);
		assert.equal(ecash.balance(bob), 5n * PRICE);
	});

	test("goes on after a start in between", async () => {
		const ecash = await putBack(3);
		const { market } = ecash;
		const { town, bob } = market;
		const contract = await buy(ecash);
		town.restart(bob);
		await ecash.pass();
		town.restart(bob);
		await ecash.pass();
		assert.equal(ecash.stateOf(contract.hash, bob), "claimed");
		ecash.requireConserved();
	});

	test("does not ask for ever at a mint that says so of everything", async () => {
		const ecash = await putBack(1);
		const { market } = ecash;
		const { town, bob } = market;
		let restores = 0;
		const handle = ecash.mint.handle.bind(ecash.mint);
		let isLying = true;
		ecash.mint.handle = (request, now) => {
			if (request.path === "/v1/restore") restores++;
			if (request.path !== "/v1/swap" || !isLying) return handle(request, now);
			const said = JSON.stringify({ detail: "no", code: 11003 });
			const body = new TextEncoder().encode(said);
			return { kind: "answer", delayMs: 0, status: 400, body };
		};
		const visit = await market.meet();
		isLying = false;
		const contract = await market.contract(visit, { amount: PRICE });
		market.buy(visit, contract);
		await town.work();
		for (let i = 0; i < 3; i++) await town.deliver();
		isLying = true;
		await market.quiet();
		for (let i = 0; i < 120; i++) await town.pass(MINUTE);
		assert.ok(restores < 120, `${restores} requests in two hours`);
		isLying = false;
		await ecash.pass();
		assert.equal(ecash.stateOf(contract.hash, bob), "claimed");
		ecash.requireConserved();
	});
});

describe("a buyer's purse that was put back", () => {
	test("has its change again once its agent recalls what it has bought", async () => {
		const ecash = await EcashMarket.make({ world });
		const { market } = ecash;
		const { ann, town } = market;
		const visit = await market.meet();
		const contract = await market.contract(visit, { amount: PRICE });
		const store = ann.store.copy();
		market.buy(visit, contract);
		await market.quiet();
		ann.store = store;
		town.restart(ann);
		await market.quiet();
		assert.equal(ecash.balance(ann), 1000n);
		const { tetrad } = await market.meet();
		market.recall(tetrad, contract, visit);
		await market.quiet();
		await ecash.pass();
		assert.ok(market.isKeyed(contract));
		assert.equal(ecash.balance(ann), 1000n - PRICE);
		ecash.requireConserved();
		assert.equal(
			ann.store
				.rows(ecashTables.LOCKED)
				.filter((row) => hex(row.contract) === hex(contract.hash)).length,
			1,
		);
	});
});
