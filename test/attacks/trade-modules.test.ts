/*
 * Attacks on a purchase at the modules of buyer and merchant.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
	draftApproval,
	type MoneyLimits,
	messages,
} from "../../src/money/index.ts";
import { APPROVALS } from "../../src/money/purse/spending-tables.ts";
import {
	ABOUT_PURCHASES,
	type Contract,
	parseSellingCertificate,
} from "../../src/trade/documents/index.ts";
import { hex } from "../../src/wire/index.ts";
import { filled } from "../money/documents.ts";
import { DAY, makeWorld } from "../support/authority.ts";
import { Market, MINUTE, PRICE } from "../trade/market.ts";

const { message } = messages;

const world = await makeWorld({ algorithm: "Ed25519" });
const open = () => Market.make({ world });

describe("a buyer's module whose home was put back to before it paid", () => {
	const putBack = async () => {
		const market = await open();
		const { town, ann } = market;
		const visit = await market.meet();
		const contract = await market.contract(visit);
		const backup = ann.store.copy();
		const { head } = ann;
		market.buy(visit, contract);
		await market.quiet();
		assert.deepEqual(market.brief(contract), ["bought"]);
		town.die(ann);
		ann.store = backup;
		return { market, contract, head };
	};

	for (const ask of ["cancel", "resolve", "final", "buy"] as const)
		test(`does not say that nothing was paid, when its agent knows of a later head: ${ask}`, async () => {
			const { market, contract } = await putBack();
			market.town.restart(market.ann);
			const visit = await market.meet();
			if (ask === "buy") market.buy(visit, contract);
			else market.about(ask, visit.tetrad, contract);
			await market.quiet();
			assert.deepEqual(market.brief(contract).slice(1), [
				"in-doubt 0: purse-behind",
			]);
		});

	test("along with that of its agent does not say so before it has met its issuer", async () => {
		const { market, contract, head } = await putBack();
		const { town, ann, mint } = market;
		ann.head = head;
		ann.wasPutBack = true;
		town.restart(ann);
		const visit = await market.meet();
		market.about("cancel", visit.tetrad, contract);
		await market.quiet();
		assert.deepEqual(market.brief(contract).slice(1), [
			"in-doubt 0: purse-behind",
		]);
		town.part(ann, visit.tetrad);
		await town.visit(ann, mint);
		const later = await market.meet();
		const other = await market.contract(later);
		market.about("cancel", later.tetrad, other);
		await market.quiet();
		// With ecash it may have paid for good: its agent says which money it was to be.
		market.recall(later.tetrad, other, later);
		await market.quiet();
		assert.deepEqual(market.brief(other), [
			"in-doubt 0: purse-behind",
			"in-doubt 0: payment-in-doubt",
			"aborted 0: aborted",
		]);
	});

	test("is sure of a contract of the tetrad that it is in", async () => {
		const { market } = await putBack();
		market.town.restart(market.ann);
		const visit = await market.meet();
		const contract = await market.contract(visit);
		market.buy(visit, contract);
		await market.quiet();
		assert.deepEqual(market.brief(contract), ["aborted 0: purse-behind"]);
		// One that it refuses has not been paid before either.
		const refused = await market.contract(visit);
		market.buy(visit, refused, { salt: filled(32, 1) });
		await market.quiet();
		assert.deepEqual(market.brief(refused), ["aborted 0: payment-refused"]);
	});
});

describe("an owner's word on a purchase", () => {
	const asking = async () => {
		const market = await open();
		const { town, ann, bob, mint } = market;
		await town.limits(ann, {
			money: [{ issuer: mint.device.deviceId, approvalAbove: 100n }],
		} as never);
		const visit = await market.meet();
		const decide = (contract: Contract, isApproved: boolean) =>
			town.decide(
				ann,
				{ contract: contract.hash, payee: bob, issuer: mint, amount: PRICE },
				isApproved,
			);
		const ask = async () => {
			const contract = await market.contract(visit);
			market.buy(visit, contract);
			await market.quiet();
			return contract;
		};
		const done = () =>
			ann.reports.flatMap((report) =>
				report.kind === "decided" ? [report.isDone] : [],
			);
		return { market, visit, ask, decide, done };
	};

	test("that is no while it is signed is not said to be done and then paid all the same", async () => {
		const { market, ask, decide, done } = await asking();
		const { town, ann, bob, mint } = market;
		const contract = await ask();
		ann.isSlowToSign = true;
		await decide(contract, true);
		await town.quiet();
		assert.equal(ann.unsigned.length, 1);
		// The owner's no is on its way to the disk when the signature comes.
		const [signed] = ann.unsigned.splice(0);
		assert.ok(signed);
		ann.isSlowToSign = false;
		const { toSign, sign } = draftApproval({
			purse: ann.device.deviceId,
			request: filled(16, 3),
			contract: contract.hash,
			payee: bob.device.deviceId,
			issuer: mint.device.deviceId,
			amount: PRICE,
			isApproved: false,
			ordered: town.now + 1,
		});
		const document = sign(await town.owner.sign(toSign));
		ann.events.push({ kind: "approval", document }, signed);
		await market.quiet();
		const isPaid = market.paymentOf(contract) !== undefined;
		assert.equal(isPaid, done().at(-1) !== true, "denied or paid, not both");
	});

	test("is not asked for any more when its contract is over", async () => {
		const { market, visit, ask, decide, done } = await asking();
		const contract = await ask();
		market.about("cancel", visit.tetrad, contract);
		await market.quiet();
		assert.equal(market.ann.store.rows(APPROVALS).length, 0);
		await decide(contract, true);
		assert.deepEqual(done(), [false]);
	});

	test("that is yes to what was over by then keeps nobody's place for ever", async () => {
		const { market, visit, ask, decide } = await asking();
		const { town } = market;
		for (let i = 0; i < 40; i++) {
			const contract = await ask();
			assert.deepEqual(
				market.brief(contract),
				["waiting: approval-needed"],
				`purchase ${i}`,
			);
			market.about("cancel", visit.tetrad, contract);
			await market.quiet();
			await decide(contract, true);
		}
		await town.pass(MINUTE);
		assert.equal(market.ann.store.rows(APPROVALS).length, 0);
	});
});

describe("a merchant that names other decimals of the currency", () => {
	for (const [what, money] of [
		["more of them", { exponent: 4, isPlay: true }],
		["fewer of them", { exponent: 0, isPlay: true }],
		["other money than play money", { exponent: 2, isPlay: false }],
	] as const)
		test(`is not paid, whatever the price looks like: ${what}`, async () => {
			const market = await open();
			const visit = await market.meet();
			const contract = await market.contract(visit);
			market.buy(visit, contract, { money });
			await market.quiet();
			assert.deepEqual(market.brief(contract), ["aborted 0: payment-refused"]);
			assert.equal(market.paymentOf(contract), undefined);
		});
});

describe("a purchase that its agent wants its owner to be asked about", () => {
	const asking = async (limits?: Partial<MoneyLimits>) => {
		const market = await open();
		const { town, ann, bob, mint } = market;
		if (limits !== undefined)
			await town.limits(ann, {
				money: [{ issuer: mint.device.deviceId, ...limits }],
			} as never);
		const visit = await market.meet();
		const contract = await market.contract(visit);
		market.buy(visit, contract, { askOwner: true });
		await market.quiet();
		const decide = async (isApproved: boolean) => {
			await town.pass(1);
			await town.decide(
				ann,
				{ contract: contract.hash, payee: bob, issuer: mint, amount: PRICE },
				isApproved,
			);
			await market.quiet();
		};
		const why = () => ann.store.rows(APPROVALS).map(({ why }) => why);
		return { market, visit, contract, decide, why };
	};

	test("waits where there are no limits, and is paid when it is approved and not before", async () => {
		const { market, contract, decide, why } = await asking();
		assert.deepEqual(market.brief(contract), ["waiting: approval-needed"]);
		assert.deepEqual(why(), ["asked"]);
		assert.equal(market.paymentOf(contract), undefined);
		await decide(true);
		assert.ok(market.isKeyed(contract));
	});

	test("is not paid when the agent asks for it again without that", async () => {
		const { market, visit, contract, decide } = await asking();
		market.buy(visit, contract, { askOwner: false });
		await market.quiet();
		assert.equal(market.paymentOf(contract), undefined);
		assert.equal(market.brief(contract).at(-1), "waiting: approval-needed");
		await decide(false);
		assert.equal(market.paymentOf(contract), undefined);
		assert.equal(market.brief(contract).at(-1), "aborted 0: payment-refused");
	});

	test("gets past no limit by being approved", async () => {
		const { market, contract, decide, why } = await asking({
			perPayment: PRICE,
		});
		assert.deepEqual(why(), ["asked"]);
		const { town, ann, mint } = market;
		await town.limits(ann, {
			money: [{ issuer: mint.device.deviceId, perPayment: PRICE - 1n }],
		} as never);
		await decide(true);
		assert.equal(market.paymentOf(contract), undefined);
		assert.equal(market.brief(contract).at(-1), "aborted 0: payment-refused");
	});

	test("is shown as what the owner's own limits ask about, where they do", async () => {
		const { why } = await asking({ approvalAbove: PRICE - 1n });
		assert.deepEqual(why(), ["amount"]);
	});

	test("makes nothing wait that another purchase is", async () => {
		const { market, visit } = await asking();
		const other = await market.contract(visit);
		market.buy(visit, other);
		await market.quiet();
		assert.ok(market.isKeyed(other));
	});
});

describe("a merchant's agent that asks for the selling secret of a generation", () => {
	test("that has not begun gets none, and its module's secrets go on being renewed", async () => {
		const market = await open();
		const { town, bob, mint } = market;
		const { issuerCertificate } = parseSellingCertificate(
			market.sellingOf(bob).certificate,
		);
		const tetrad = await town.meet(bob, mint);
		market.say(
			bob,
			tetrad,
			message(ABOUT_PURCHASES.selling, {
				issuer: mint.device.deviceId,
				generation: 2 ** 32 - 1,
			}),
		);
		town.settle(bob, tetrad, mint);
		await market.quiet();
		town.part(bob, tetrad);
		await town.recertify(mint);
		await town.visit(bob, mint);
		market.listen();
		await market.learnsSecret(bob);
		const renewed = parseSellingCertificate(market.sellingOf(bob).certificate);
		assert.notEqual(hex(renewed.issuerCertificate), hex(issuerCertificate));
		assert.ok(renewed.generation < 2 ** 31, `generation ${renewed.generation}`);
		assert.match(market.unsold.join(), /payment-refused: that generation/);
	});

	test("while the issuer's clock was ahead has it certified anew when that is right again", async () => {
		const market = await open();
		const { town, mint } = market;
		const carl = await town.purse("carl");
		mint.clockAhead = 31 * DAY;
		await market.learnsSecret(carl);
		const ahead = parseSellingCertificate(market.sellingOf(carl).certificate);
		mint.clockAhead = 0;
		await town.recertify(mint);
		await town.visit(carl, mint);
		await market.learnsSecret(carl);
		const renewed = parseSellingCertificate(market.sellingOf(carl).certificate);
		assert.equal(renewed.generation, ahead.generation);
		assert.notEqual(
			hex(renewed.issuerCertificate),
			hex(ahead.issuerCertificate),
		);
	});
});
