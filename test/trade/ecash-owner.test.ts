/* What an owner is told of ecash that is under way, and what counts against the owner's limits. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { noBalance } from "../../src/money/index.ts";
import { makeWorld } from "../support/authority.ts";
import { EcashMarket, MINT_ISSUER } from "./ecash-market.ts";
import { requireRest } from "./rail-contract.ts";

const world = await makeWorld({ algorithm: "Ed25519" });

/** One that is committed, and nobody claims. */
async function committed(ecash: EcashMarket) {
	const { market } = ecash;
	const visit = await market.meet();
	const contract = await market.contract(visit);
	market.buy(visit, contract);
	await market.quiet();
	return { visit, contract };
}

function limitInAll({ market }: EcashMarket, inAll: bigint) {
	const none = {
		...{ perPayment: undefined, perDay: undefined },
		...{ perMerchantDay: undefined, approvalAbove: undefined },
	};
	const money = [{ ...none, issuer: MINT_ISSUER, inAll }];
	return market.town.limits(market.ann, { money } as never);
}

describe("limits", () => {
	test("count what comes back no more, also after a start", async () => {
		const ecash = await EcashMarket.make({ world });
		const { market, mint } = ecash;
		await limitInAll(ecash, 300n);
		// No swap is made until the deadline, so that the first is taken back.
		mint.add({ kind: "down", at: "swap" });
		const { visit, contract } = await committed(ecash);
		market.town.part(market.ann, visit.tetrad);
		await market.quiet();
		await market.town.pass(3_600_000);
		mint.clear();
		await ecash.pass();
		assert.equal(ecash.stateOf(contract.hash, market.ann), "refunded");
		market.town.restart(market.ann);
		const again = await committed(ecash);
		assert.deepEqual(market.brief(again.contract), ["bought"]);
		await market.quiet();
		// And what was paid counts.
		const third = await committed(ecash);
		assert.match(market.brief(third.contract).join(), /^aborted 0: /);
		assert.equal(ecash.balance(market.bob), 250n);
		ecash.requireConserved();
	});
});

describe("what is in doubt", () => {
	test("is all that was committed until it is locked, with the change, and the price then", async () => {
		const ecash = await EcashMarket.make({ world });
		const { market, mint } = ecash;
		const { town, ann, bob } = market;
		mint.add({ kind: "down", at: "swap" });
		await committed(ecash);
		assert.deepEqual(ecash.told(ann), {
			...noBalance(MINT_ISSUER, "SAT"),
			...{ spendable: 744n, inDoubt: 256n },
		});
		town.restart(ann);
		assert.equal(ecash.told(ann).inDoubt, 256n);
		town.die(bob);
		mint.clear();
		for (let i = 0; i < 2; i++) await town.pass(60_000);
		assert.deepEqual(ecash.told(ann), {
			...noBalance(MINT_ISSUER, "SAT"),
			...{ spendable: 750n, inDoubt: 250n },
		});
	});
});

describe("a mint that does no more what a purchase needs", () => {
	test("gives back nevertheless what was locked there before", async () => {
		const ecash = await EcashMarket.make({ world });
		const { market, mint, rail } = ecash;
		const { town } = market;
		const { contract } = await ecash.buyUntil("lock");
		assert.equal(ecash.stateOf(contract.hash, market.ann), "locked");
		town.wire.splice(0);
		mint.add({ kind: "locks-ignored", at: "info", isAnnounced: true });
		await ecash.passDeadline();
		assert.equal(ecash.stateOf(contract.hash, market.ann), "refunded");
		mint.clear();
		await requireRest(rail, contract, "refunded");
	});
});
