/*
 * Purses that have paid so often without change that more than four hundred of their outputs in a
 * row were those of locks: what came after is found by the seed alone, and where an agent recalls it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Contract } from "../../src/trade/documents/index.ts";
import { filled } from "../money/documents.ts";
import { makeWorld } from "../support/authority.ts";
import { Owner } from "./ecash-owner-orders.ts";
import type { Visit } from "./market.ts";

const world = await makeWorld({ algorithm: "Ed25519" });

/** Fifteen proofs. */
const PRICE = 32_767n;
const OFTEN = 28;

async function buy(
	{ ecash: { market } }: Owner,
	amount: bigint,
): Promise<{ readonly visit: Visit; readonly contract: Contract }> {
	const visit = await market.meet();
	const contract = await market.contract(visit, { amount });
	market.buy(visit, contract);
	await market.quiet();
	assert.ok(market.isKeyed(contract));
	market.town.part(market.ann, visit.tetrad);
	await market.quiet();
	return { visit, contract };
}

/** Ann has what pays so often without change, and has done so. */
async function paidOften(more: readonly bigint[] = []) {
	const owner = await Owner.make(world);
	const { ecash, ann } = owner;
	const prices = Array.from({ length: OFTEN }, () => PRICE);
	const proofs = [...prices, ...more].flatMap((price) => ecash.token(price));
	ecash.giveOnly(ann, proofs);
	const before = ann.store.copy();
	for (const price of prices) await buy(owner, price);
	assert.equal(
		ecash.balance(ann),
		more.reduce((sum, one) => sum + one, 0n),
	);
	return { owner, before };
}

test("what was made after so many locks is restored from the seed alone", async () => {
	const { owner } = await paidOften();
	await owner.order({ kind: "mint", amount: 50n }, filled(16, 0x61));
	await owner.pass();
	owner.requireBalance(50n);
	owner.forget();
	await owner.order({ kind: "restore" });
	// With what the purse had at first, which nobody has spent.
	owner.requireBalance(1050n);
});

test("what was locked after so many locks is found by a purse that was put back", async () => {
	const { owner, before } = await paidOften([250n]);
	const { ann, ecash } = owner;
	const { market } = ecash;
	const { visit, contract } = await buy(owner, 250n);
	ann.store = before;
	market.town.restart(ann);
	const { tetrad } = await market.meet();
	market.recall(tetrad, contract, visit);
	await market.quiet();
	await ecash.pass();
	assert.equal(ecash.stateOf(contract.hash, ann), "keyed");
	assert.equal(market.brief(contract).at(-1), "bought");
});
