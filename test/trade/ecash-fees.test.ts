/* What a mint asks for beside the price of a purchase is its owner's money like the price. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { put } from "../../src/machine/index.ts";
import type { MoneyLimits, PurseReport } from "../../src/money/index.ts";
import {
	ecashTables,
	messages,
	spendingTables,
} from "../../src/money/index.ts";
import { LOG } from "../../src/money/purse/purse-tables.ts";
import {
	ABOUT_PURCHASES,
	type Contract,
} from "../../src/trade/documents/index.ts";
import { hex } from "../../src/wire/index.ts";
import { filled } from "../money/documents.ts";
import type { Module } from "../money/town.ts";
import { makeWorld } from "../support/authority.ts";
import { EcashMarket, MINT_ISSUER } from "./ecash-market.ts";

const { message } = messages;
const world = await makeWorld({ algorithm: "Ed25519" });

/** A price of 250 takes a fee of one for locking it out of one proof, and of one for the claim of seven. */
const FEE = 2n;

function make(inputFeePpk = 100) {
	return EcashMarket.make({ world }, { inputFeePpk });
}

const NONE: MoneyLimits = {
	issuer: MINT_ISSUER,
	...{ perPayment: undefined, perDay: undefined, perMerchantDay: undefined },
	...{ inAll: undefined, approvalAbove: undefined },
};

function limit({ market }: EcashMarket, limits: Partial<MoneyLimits>) {
	return market.town.limits(market.ann, { money: [{ ...NONE, ...limits }] });
}

/** What comes of one more purchase. */
async function bought({ market }: EcashMarket): Promise<Contract> {
	const visit = await market.meet();
	const contract = await market.contract(visit);
	market.buy(visit, contract);
	await market.quiet();
	return contract;
}

function whyNot({ market }: EcashMarket, contract: Contract): string {
	const [heard] = market.heard(contract);
	return heard?.kind === "notBought" ? heard.reason : `${heard?.kind}`;
}

function logged({ store }: Module, { hash }: Contract): readonly string[] {
	return store
		.rows(LOG)
		.filter(({ subject }) => hex(subject) === hex(hash))
		.map(({ what, amount }) => `${what} ${amount}`);
}

function reported<Kind extends PurseReport["kind"]>(
	{ reports }: Module,
	kind: Kind,
) {
	return reports.filter((one) => one.kind === kind) as Extract<
		PurseReport,
		{ readonly kind: Kind }
	>[];
}

function decide(
	{ market }: EcashMarket,
	{ hash }: Contract,
	amount: bigint,
	isApproved = true,
) {
	const issuer = { device: { deviceId: MINT_ISSUER } } as Module;
	const payment = { contract: hash, payee: market.bob, issuer, amount };
	return market.town.decide(market.ann, payment, isApproved);
}

/** As the payer's agent heard it last. */
function feeTold({ market }: EcashMarket, contract: Contract) {
	const last = market.heard(contract).at(-1);
	return last !== undefined && "fee" in last ? last.fee : undefined;
}

describe("the fee of a purchase", () => {
	test("is known to its payer's owner, who has that much less, and its payee gets the price", async () => {
		const ecash = await make();
		const { ann, bob } = ecash.market;
		const contract = await bought(ecash);
		assert.deepEqual(ecash.market.brief(contract), ["bought"]);
		assert.equal(ecash.balance(ann), 1000n - 250n - FEE);
		assert.equal(ecash.balance(bob), 250n);
		const [paid] = reported(ann, "paid");
		assert.deepEqual([paid?.amount, paid?.fee], [250n, FEE]);
		assert.equal(reported(bob, "received")[0]?.amount, 250n);
		assert.deepEqual(logged(ann, contract), [
			...[`committed ${250n + FEE}`, "paid 250", `fee ${FEE}`],
		]);
		const [row] = ann.store.rows(ecashTables.LOCKED);
		assert.equal(row?.fee, FEE);
		assert.equal(feeTold(ecash, contract), FEE);
	});

	test("is told to its payer's agent when it comes again, and of another agent's purchase", async () => {
		const ecash = await make();
		const { market } = ecash;
		const contract = await bought(ecash);
		const visit = await market.meet();
		market.about("resolve", visit.tetrad, contract);
		await market.quiet();
		assert.deepEqual(market.brief(contract), ["bought", "bought"]);
		assert.equal(feeTold(ecash, contract), FEE);
		const [learned] = await market.learn(visit);
		assert.equal(learned?.fee, FEE);
	});

	for (const name of ["perPayment", "perDay", "perMerchantDay", "inAll"]) {
		test(`is within ${name}, or the price is not paid either`, async () => {
			const ecash = await make();
			const { ann } = ecash.market;
			await limit(ecash, { [name]: 250n + FEE - 1n });
			const contract = await bought(ecash);
			assert.match(whyNot(ecash, contract), /at most .* the fee of 2 SAT/);
			assert.equal(ecash.balance(ann), 1000n);
			await limit(ecash, { [name]: 250n + FEE });
			const second = await bought(ecash);
			assert.deepEqual(ecash.market.brief(second), ["bought"]);
		});
	}

	test("counts along with the price, also after a start", async () => {
		const ecash = await make();
		const { town, ann } = ecash.market;
		await limit(ecash, { perDay: 500n + FEE, inAll: 2000n });
		await bought(ecash);
		const spent = ann.store.rows(spendingTables.SPENT);
		assert.deepEqual(
			spent.map(({ amount }) => amount),
			[250n + FEE],
		);
		town.restart(ann);
		const second = await bought(ecash);
		assert.match(whyNot(ecash, second), /at most 502 SAT in 24 hours/);
	});

	test("makes a payment wait for its owner that the price alone would not", async () => {
		const ecash = await make();
		await limit(ecash, { approvalAbove: 250n });
		const contract = await bought(ecash);
		assert.match(ecash.market.brief(contract).join(), /^waiting/);
		const [asked] = reported(ecash.market.ann, "approval-needed");
		assert.deepEqual([asked?.amount, asked?.fee], [250n, FEE]);
	});
});

describe("an agent", () => {
	test("is told what a mint asks for beside a price, before it buys", async () => {
		const ecash = await make();
		const { market } = ecash;
		const visit = await market.meet();
		const ask = async (amount: bigint) => {
			const prices = [{ issuer: MINT_ISSUER, amount }];
			market.say(
				market.ann,
				visit.tetrad,
				message(ABOUT_PURCHASES.moneys, { prices }),
			);
			await market.quiet();
			return market.held.map(({ rail, fee }) => [rail, fee]);
		};
		const notes = ["own-notes", undefined];
		assert.deepEqual(await ask(250n), [notes, ["cashu", FEE]]);
		// With less than that nobody can say which proofs it would be.
		assert.deepEqual(await ask(5000n), [notes, ["cashu", undefined]]);
	});

	test("is told no more than an amount can be of what a mint says there is, and its module goes on", async () => {
		const ecash = await make();
		const { market } = ecash;
		const { town, ann } = market;
		const visit = await market.meet();
		const [row] = ann.store.rows(ecashTables.PROOFS);
		assert.ok(row);
		const most = 2n ** 63n - 1n;
		const writes = [1, 2, 3].map((number) =>
			put(ecashTables.PROOFS, {
				...{ ...row, id: filled(32, number), amount: most },
				secret: `${number}`,
			}),
		);
		ann.store.run({ kind: "done", writes, result: undefined });
		market.say(
			ann,
			visit.tetrad,
			message(ABOUT_PURCHASES.moneys, { prices: undefined }),
		);
		await town.work();
		await market.quiet();
		assert.ok(ann.machine);
		assert.equal(market.held.at(-1)?.spendable, most);
	});

	test("pays nothing for which the mint asks more than it has agreed to", async () => {
		const ecash = await make();
		const { market } = ecash;
		const visit = await market.meet();
		for (const mostFee of [FEE - 1n, FEE]) {
			const contract = await market.contract(visit);
			market.buy(visit, contract, { mostFee });
			await market.quiet();
			if (mostFee < FEE)
				assert.match(whyNot(ecash, contract), /asks for 2 .* at most 1 were/);
			else assert.deepEqual(market.brief(contract), ["bought"]);
		}
		assert.equal(ecash.balance(market.ann), 750n - FEE);
	});
});

describe("what an owner has approved", () => {
	test("is all that it takes, and not the price alone", async () => {
		const ecash = await make();
		await limit(ecash, { approvalAbove: 100n });
		const contract = await bought(ecash);
		await decide(ecash, contract, 250n);
		ecash.market.listen();
		assert.match(ecash.market.brief(contract).join(), /^waiting: [a-z-]*$/);
		await decide(ecash, contract, 250n + FEE);
		await ecash.market.quiet();
		assert.equal(ecash.market.brief(contract).at(-1), "bought");
	});

	test("is asked about again when the mint asks for more since", async () => {
		const ecash = await make();
		const { market, mint } = ecash;
		await limit(ecash, { approvalAbove: 100n });
		// The purse asks the mint anew once in an hour.
		await market.town.pass(1);
		await market.town.pass(50 * 60_000);
		const contract = await bought(ecash);
		mint.mint.rotate("sat", 1000);
		await market.town.pass(15 * 60_000);
		await decide(ecash, contract, 250n + FEE);
		await market.quiet();
		const asked = reported(market.ann, "approval-needed").map(({ fee }) => fee);
		assert.equal(asked.length, 2);
		const [, fee = 0n] = asked;
		assert.ok(fee > FEE, `${fee}`);
		assert.equal(market.brief(contract).includes("bought"), false);
		await market.town.pass(1000);
		await decide(ecash, contract, 250n + fee);
		await market.quiet();
		assert.equal(market.brief(contract).at(-1), "bought");
		assert.equal(ecash.balance(market.ann), 750n - fee);
	});

	test("and a no to what it took before is one to more", async () => {
		const ecash = await make();
		const { market, mint } = ecash;
		await limit(ecash, { approvalAbove: 100n });
		const contract = await bought(ecash);
		mint.mint.rotate("sat", 500);
		await decide(ecash, contract, 250n, false);
		await market.quiet();
		assert.match(market.brief(contract).at(-1) ?? "", /^aborted 0/);
	});
});

describe("a mint that is dear", () => {
	test("is paid with within a tenth of the price, unless the owner says otherwise", async () => {
		const ecash = await make(8000);
		const { ann } = ecash.market;
		const contract = await bought(ecash);
		assert.match(
			whyNot(ecash, contract),
			/asks for \d+ SAT beside the price of 250 SAT.* at most 25 SAT.*tetrad limits --fee/,
		);
		assert.equal(ecash.balance(ann), 1000n);
		await limit(ecash, { fee: 80n });
		assert.deepEqual(ecash.market.brief(await bought(ecash)), ["bought"]);
	});

	test("is not paid with at all where the owner allows no fee", async () => {
		const ecash = await make();
		await limit(ecash, { fee: FEE - 1n });
		const contract = await bought(ecash);
		assert.match(whyNot(ecash, contract), /at most 1 SAT; the owner raises/);
	});

	test("and becomes so between the offer and the lock is judged again", async () => {
		const ecash = await make();
		const { market, mint } = ecash;
		const { town, ann } = market;
		await limit(ecash, { perPayment: 250n + FEE });
		await town.pass(1);
		await town.pass(59 * 60_000 + 45_000);
		const visit = await market.meet();
		const contract = await market.contract(visit);
		market.buy(visit, contract);
		await town.work();
		// Its offer is on its way when the purse hears of another fee.
		mint.mint.rotate("sat", 1000);
		const late = town.wire.splice(0);
		await town.pass(20_000);
		town.wire.push(...late);
		await market.quiet();
		assert.match(whyNot(ecash, contract), /with the fee of \d+ SAT/);
		assert.equal(ecash.balance(ann), 1000n);
		assert.equal(ecash.stateOf(contract.hash, ann), undefined);
	});
});

describe("what comes back of a purchase", () => {
	test("is the price, when it was locked and nobody claimed it, and the fee is gone", async () => {
		const ecash = await make();
		const { market } = ecash;
		const { town, ann, bob } = market;
		await limit(ecash, { inAll: 2000n });
		const { contract } = await ecash.buyUntil("lock");
		assert.equal(ecash.stateOf(contract.hash, ann), "locked");
		town.wire.splice(0);
		town.die(bob);
		await ecash.passDeadline();
		assert.equal(ecash.stateOf(contract.hash, ann), "refunded");
		assert.equal(ecash.balance(ann), 1000n - FEE);
		const [back] = reported(ann, "void");
		assert.deepEqual([back?.amount, back?.fee], [250n, FEE]);
		assert.equal(feeTold(ecash, contract), FEE);
		assert.deepEqual(logged(ann, contract), [
			...[`committed ${250n + FEE}`, "void 250", `fee ${FEE}`],
		]);
		// What is gone goes on to count.
		const [inAll] = ann.store.rows(spendingTables.SPENT_IN_ALL);
		assert.equal(inAll?.amount, FEE);
	});

	test("is all but what taking it back has cost, when it was never locked", async () => {
		const ecash = await make();
		const { market, mint } = ecash;
		const { town, ann } = market;
		await limit(ecash, { inAll: 2000n });
		mint.add({ kind: "down", at: "swap" });
		const contract = await bought(ecash);
		await town.pass(3_600_000);
		mint.clear();
		await ecash.pass();
		assert.equal(ecash.stateOf(contract.hash, ann), "refunded");
		assert.equal(ecash.balance(ann), 999n);
		const [back] = reported(ann, "void");
		assert.deepEqual([back?.amount, back?.fee], [250n, 1n]);
		const [inAll] = ann.store.rows(spendingTables.SPENT_IN_ALL);
		assert.equal(inAll?.amount, 1n);
		const [row] = ann.store.rows(ecashTables.LOCKED);
		assert.deepEqual([row?.returned, row?.fee], [250n, 1n]);
	});
});
