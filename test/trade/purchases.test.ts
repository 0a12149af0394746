import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { validateChain } from "../../src/identity/index.ts";
import {
	type Meeting,
	messages,
	type SalePart,
	type SalePayment,
} from "../../src/money/index.ts";
import { ABORTED } from "../../src/money/purse/purse-tables.ts";
import { PURCHASES } from "../../src/money/purse/sale-tables.ts";
import {
	ABOUT_PURCHASES,
	type Contract,
	type ContractBody,
	encodeItemDescription,
	encodePurchaseTerms,
	keyHash,
	parseContract,
	parseSellingCertificate,
} from "../../src/trade/documents/index.ts";
import { loadTrade, moduleTrade } from "../../src/trade/module/index.ts";
import { MAX_OPEN_PURCHASES } from "../../src/trade/module/limits.ts";
import { copy, hex } from "../../src/wire/index.ts";
import { filled } from "../money/documents.ts";
import type { Module, Town } from "../money/town.ts";
import { DAY, makeWorld } from "../support/authority.ts";
import { Market, MINUTE, PRICE } from "./market.ts";

const { BETWEEN_MODULES, body, message, WITH_ISSUER } = messages;

const world = await makeWorld({ algorithm: "Ed25519" });
const open = () => Market.make({ world });

/** What modules say about sales, in the order in which it arrives. */
function names(bytes: Uint8Array): string {
	const kinds = Object.entries({ ...BETWEEN_MODULES, ...WITH_ISSUER });
	return kinds.find(([, { type }]) => type === bytes[0])?.[0] ?? "?";
}

/** Changes what comes over the wire next. */
function onTheWay(
	town: Town,
	change: (bytes: Uint8Array) => Uint8Array | undefined,
): void {
	for (const [at, wired] of town.wire.entries()) {
		const changed = wired.bytes && change(wired.bytes);
		if (changed !== undefined) town.wire[at] = { ...wired, bytes: changed };
	}
}

describe("a purchase", () => {
	test("ends with the key at the buyer and the money at the merchant, after one write of each", async () => {
		const market = await open();
		const { town, ann, bob } = market;
		const visit = await market.meet();
		const contract = await market.contract(visit);
		const said: string[] = [];
		town.sent = (bytes) => said.push(names(bytes));
		const before = { ann: ann.writes, bob: bob.writes };
		const states: (string | undefined)[] = [];
		town.afterEach = () => {
			const at = `${market.paymentOf(contract)} ${market.receiptOf(contract)}`;
			if (at !== states.at(-1)) states.push(at);
		};
		market.buy(visit, contract);
		await market.quiet();
		assert.deepEqual(said, ["prepare", "prepared", "deliver", "accepted"]);
		assert.deepEqual(market.brief(contract), ["bought"]);
		assert.ok(market.isKeyed(contract));
		assert.deepEqual(states, [
			"undefined undefined",
			"committed undefined",
			"committed to-deposit",
			"keyed to-deposit",
		]);
		// COMMIT and, later, the receipt; ACCEPT.
		assert.equal(ann.writes - before.ann, 2);
		assert.equal(bob.writes - before.bob, 1);
		assert.deepEqual(
			market.sold.map(({ contract, amount }) => [contract, amount]),
			[[hex(contract.hash), PRICE]],
		);
		market.about("final", visit.tetrad, contract);
		await market.quiet();
		assert.deepEqual(market.brief(contract), ["bought", "closed"]);
		market.requireConserved();
		await market.settle();
		assert.equal(market.paymentOf(contract), "settled");
		assert.equal(market.receiptOf(contract), "deposited");
		assert.equal(town.account(market.mint, bob), 1n + PRICE);
		market.requireConserved();
		const reported = (module: Module) =>
			module.reports.flatMap((report) =>
				report.kind === "sale" ? [report.what] : [],
			);
		assert.deepEqual(reported(ann), ["bought"]);
		assert.deepEqual(reported(bob), ["sold"]);
	});

	test("that is asked for again is the same one", async () => {
		const market = await open();
		const visit = await market.meet();
		const contract = await market.contract(visit);
		market.buy(visit, contract);
		market.buy(visit, contract);
		await market.quiet();
		market.buy(visit, contract);
		await market.quiet();
		assert.deepEqual(market.brief(contract), ["bought", "bought"]);
		assert.equal(market.town.balance(market.ann, market.mint).spendable, 750n);
		const later = await market.meet();
		market.buy(later, contract);
		market.about("resolve", later.tetrad, contract);
		await market.quiet();
		assert.deepEqual(market.brief(contract).slice(2), ["bought"]);
		assert.deepEqual(
			market.ann.reports.filter(({ kind }) => kind === "sale").length,
			1,
		);
	});

	test("of another contract under the same id is another one", async () => {
		const market = await open();
		const visit = await market.meet();
		const id = filled(16, 9);
		const first = await market.contract(visit, { id });
		const second = await market.contract(visit, { id, amount: 1n });
		assert.notEqual(hex(first.keyHash), hex(second.keyHash));
		market.buy(visit, first);
		market.buy(visit, second);
		await market.quiet();
		assert.ok(market.isKeyed(first) && market.isKeyed(second));
		await market.settle();
		assert.equal(market.town.account(market.mint, market.bob), 1n + PRICE + 1n);
		market.requireConserved();
	});

	test("is made of one payment only: offered to two merchants, it is two", async () => {
		const market = await open();
		const { town, ann, bob } = market;
		const carl = await town.purse("carl");
		await market.learnsSecret(carl);
		const toBob = await market.meet();
		const toCarl = await market.meet(ann, carl);
		const ofBob = await market.contract(toBob);
		const ofCarl = await market.contract(toCarl, {}, { merchant: carl });
		// The agent says each to the wrong merchant, and then to the right one.
		market.buy(toCarl, ofBob);
		market.buy(toBob, ofCarl);
		await market.quiet();
		assert.deepEqual(market.brief(ofBob), ["aborted 0: offer-expired"]);
		assert.deepEqual(market.brief(ofCarl), ["aborted 0: offer-expired"]);
		const again = await market.contract(toBob);
		const other = await market.contract(toCarl, {}, { merchant: carl });
		market.buy(toBob, again);
		market.buy(toCarl, other);
		await market.quiet();
		assert.ok(market.isPaid(again, bob) && market.isPaid(other, carl));
		assert.ok(!market.isPaid(again, carl) && !market.isPaid(other, bob));
		assert.equal(town.balance(ann, market.mint).spendable, 500n);
		market.requireConserved();
	});
});

describe("a buyer's module pays nothing for a contract", () => {
	const refusals: Readonly<
		Record<string, readonly [(market: Market) => Partial<ContractBody>, string]>
	> = {
		"for another buyer's agent": [
			({ bob }) => ({ buyerAgent: bob.device.deviceId }),
			"payment-refused",
		],
		"for another buyer's module": [
			({ mint }) => ({ buyerModule: mint.device.deviceId }),
			"payment-refused",
		],
		"whose merchandise is sealed for another tetrad": [
			() => ({ exporterHash: filled(32, 1) }),
			"payment-refused",
		],
		"about another item": [() => ({ item: filled(32, 1) }), "payment-refused"],
		"in another currency": [() => ({ currency: "EUR" }), "payment-refused"],
		"for the money of somebody who is no issuer": [
			({ bob }) => ({ issuer: bob.device.deviceId }),
			"payment-refused",
		],
		"that is over soon": [
			({ town }) => ({ payBy: town.now + 10 * MINUTE }),
			"offer-expired",
		],
	};
	for (const [name, [changes, code]] of Object.entries(refusals))
		test(name, async () => {
			const market = await open();
			const visit = await market.meet();
			const contract = await market.contract(visit, {
				...changes(market),
				keyHash: filled(32, 3),
			});
			const said = overhear(market);
			market.buy(visit, contract);
			await market.quiet();
			assert.deepEqual(market.brief(contract), [`aborted 0: ${code}`]);
			assert.deepEqual(said, [], "its merchant is not even asked");
			requireNothing(market);
		});

	test("that somebody else signed in the merchant's name", async () => {
		const market = await open();
		const visit = await market.meet();
		const contract = await market.contract(visit);
		const forged = await market.sign(market.ann, {
			...contract,
			amount: 1n,
		});
		const said = overhear(market);
		market.buy(visit, forged);
		await market.quiet();
		assert.deepEqual(said, []);
		assert.deepEqual(market.brief(forged), [
			"aborted 0: authentication-failed",
		]);
		requireNothing(market);
	});

	test("of another tetrad, whatever its agent says", async () => {
		const market = await open();
		const first = await market.meet();
		const contract = await market.contract(first);
		const second = await market.meet();
		market.buy(second, contract);
		await market.quiet();
		assert.deepEqual(market.brief(contract), ["aborted 0: offer-expired"]);
		requireNothing(market);
	});

	test("with another description, another salt, or another chain of its issuer", async () => {
		for (const [changes, code] of [
			[
				{
					description: encodeItemDescription({
						...{ name: "A car", mediaType: "", about: "", order: "" },
					}),
				},
				"payment-refused",
			],
			[{ salt: filled(32, 1) }, "payment-refused"],
			[{ issuerChain: filled(10, 1) }, "malformed"],
		] as const) {
			const market = await open();
			const visit = await market.meet();
			const contract = await market.contract(visit);
			market.buy(visit, contract, changes);
			await market.quiet();
			assert.deepEqual(market.brief(contract), [`aborted 0: ${code}`]);
			requireNothing(market);
		}
		const market = await open();
		const visit = await market.meet();
		const contract = await market.contract(visit);
		const issuerChain = market.bob.device.encodedChain;
		market.buy(visit, contract, { issuerChain });
		await market.quiet();
		assert.deepEqual(market.brief(contract), [
			"aborted 0: authentication-failed",
		]);
	});

	test("whose bytes are none, and ends the tetrad", async () => {
		const market = await open();
		const visit = await market.meet();
		const contract = await market.contract(visit);
		market.buy(visit, { ...contract, document: filled(99, 1) });
		await market.quiet();
		assert.deepEqual(market.ann.ended, ["malformed"]);
		requireNothing(market, 0);
	});

	test("whose key its merchant's module would not have", async () => {
		const market = await open();
		const visit = await market.meet();
		const contract = await market.contract(visit, { keyHash: filled(32, 3) });
		market.buy(visit, contract);
		await market.quiet();
		assert.deepEqual(market.brief(contract), ["aborted 0: payment-refused"]);
		requireNothing(market);
	});
});

/** What modules say from now on. */
function overhear({ town }: Market): readonly string[] {
	const said: string[] = [];
	town.sent = (bytes) => said.push(names(bytes));
	return said;
}

/** No money was moved, and so many contracts were cancelled for good. */
function requireNothing(market: Market, aborted = 1): void {
	const { town, ann, mint } = market;
	assert.equal(town.balance(ann, mint).spendable, 1000n);
	assert.equal(ann.store.rows(PURCHASES).length, 0);
	assert.equal(ann.store.rows(ABORTED).length, aborted);
	market.requireConserved();
}

describe("a merchant's module gives no key", () => {
	const refusals: Readonly<
		Record<string, (market: Market) => Partial<ContractBody>>
	> = {
		"for terms of another merchant's agent": ({ ann }) => ({
			sellerAgent: ann.agent.deviceId,
		}),
		"for terms of another merchant's module": ({ ann }) => ({
			sellerModule: ann.device.deviceId,
		}),
		"for money that it does not take": () => ({ currency: "EUR" }),
		"for the money of another issuer": ({ ann }) => ({
			issuer: ann.device.deviceId,
		}),
	};
	for (const [name, changes] of Object.entries(refusals))
		test(name, async () => {
			const market = await open();
			const visit = await market.meet();
			const terms = market.terms(visit, changes(market));
			assert.equal(await market.keyOf(visit, terms), undefined);
			assert.match(market.unsold.at(-1) ?? "", /^payment-refused/);
		});

	test("but for a sale of its own agent in an earlier tetrad, also when its buyer has another agent now", async () => {
		const market = await open();
		const visit = await market.meet();
		const terms = market.terms(visit, {
			binding: filled(32, 1),
			exporterHash: filled(32, 1),
			buyerAgent: market.mint.agent.deviceId,
		});
		assert.ok(await market.keyOf(visit, terms));
	});

	test("for a generation that it has not got", async () => {
		const market = await open();
		const { town, bob, mint } = market;
		const before = market.sellingOf(bob).certificate;
		await town.pass(31 * DAY);
		await town.visit(bob, mint);
		const visit = await market.meet();
		// It has renewed its secret by itself, and still has the old one.
		assert.ok(await market.keyOf(visit, market.terms(visit)));
		market.selling.clear();
		await market.learnsSecret(bob);
		const after = market.sellingOf(bob).certificate;
		assert.equal(
			parseSellingCertificate(after).generation,
			parseSellingCertificate(before).generation + 1,
		);
	});

	test("before its issuer has given it a secret", async () => {
		const market = await open();
		const carl = await market.town.purse("carl");
		const visit = await market.meet(market.ann, carl);
		const terms = market.terms(
			visit,
			{ certificate: market.sellingOf(market.bob).certificate },
			{ merchant: carl },
		);
		assert.equal(await market.keyOf(visit, terms, carl), undefined);
	});
});

describe("a purchase that is not approved yet", () => {
	const asking = async () => {
		const market = await open();
		await market.town.limits(market.ann, {
			money: [{ issuer: market.mint.device.deviceId, approvalAbove: 100n }],
		} as never);
		const visit = await market.meet();
		const contract = await market.contract(visit);
		market.buy(visit, contract);
		await market.quiet();
		assert.deepEqual(market.brief(contract), ["waiting: approval-needed"]);
		const report = market.ann.reports.findLast(
			({ kind }) => kind === "approval-needed",
		);
		assert.ok(report?.kind === "approval-needed" && report.what === "Song");
		const decide = async (isApproved: boolean) => {
			const { ann, bob, mint } = market;
			await market.town.decide(
				ann,
				{ contract: contract.hash, payee: bob, issuer: mint, amount: PRICE },
				isApproved,
			);
			await market.quiet();
		};
		return { market, visit, contract, decide };
	};

	test("goes on by itself when it is, and holds nobody up", async () => {
		const { market, visit, contract, decide } = await asking();
		assert.equal(market.town.wire.length, 0);
		const asked = market.ann.reports.find(
			(report) => report.kind === "approval-needed",
		);
		assert.equal(asked?.what, "Song");
		const other = await market.contract(visit, { amount: 50n });
		market.buy(visit, other);
		await market.quiet();
		assert.ok(market.isKeyed(other));
		await decide(true);
		assert.deepEqual(market.brief(contract), [
			"waiting: approval-needed",
			"bought",
		]);
		market.requireConserved();
	});

	test("is not made when it is denied", async () => {
		const { market, contract, decide } = await asking();
		await decide(false);
		assert.deepEqual(market.brief(contract).slice(1), [
			"aborted 0: payment-refused",
		]);
		requireNothing(market);
	});

	test("has expired when its time is over, and is not made when it is approved then", async () => {
		const { market, contract, decide } = await asking();
		// Its module says when it wants to hear of the time.
		const { town, ann } = market;
		const at = ann.machine?.deadline;
		assert.ok(at !== undefined && at > town.now);
		assert.ok(at < town.now + 41 * MINUTE);
		await town.pass(at - 1 - town.now);
		market.listen();
		assert.equal(market.brief(contract).length, 1);
		await town.pass(1);
		market.listen();
		assert.deepEqual(market.brief(contract).slice(1), [
			"aborted 0: offer-expired",
		]);
		await decide(true);
		requireNothing(market);
	});

	test("has expired with its tetrad", async () => {
		const { market, visit, contract, decide } = await asking();
		market.town.part(market.ann, visit.tetrad);
		await market.quiet();
		await decide(true);
		const later = await market.meet();
		market.buy(later, contract);
		await market.quiet();
		assert.deepEqual(market.brief(contract).slice(1), [
			"aborted 0: offer-expired",
		]);
		requireNothing(market);
	});

	test("can be cancelled", async () => {
		const { market, visit, contract, decide } = await asking();
		market.about("cancel", visit.tetrad, contract);
		await market.quiet();
		assert.deepEqual(market.brief(contract).slice(1), ["aborted 0: aborted"]);
		await decide(true);
		requireNothing(market);
	});
});

describe("more purchases than a module takes at once", () => {
	test("are neither paid nor said to be unpaid, and are made when there is room", async () => {
		const market = await open();
		const visit = await market.meet();
		const contract = await market.contract(visit);
		// Its disk has not answered yet when the last ones are asked for.
		for (let n = 0; n < MAX_OPEN_PURCHASES; n++) {
			const hash = new Uint8Array(32);
			new DataView(hash.buffer).setUint32(0, n);
			market.about("resolve", visit.tetrad, { hash });
		}
		market.buy(visit, contract);
		await market.quiet();
		assert.deepEqual(market.brief(contract), ["in-doubt 0: busy"]);
		assert.ok(!market.isPaid(contract));
		market.buy(visit, contract);
		await market.quiet();
		assert.ok(market.isKeyed(contract) && market.isPaid(contract));
		market.requireConserved();
	});
});

describe("cancelling", () => {
	test("is for good: what comes later pays nothing", async () => {
		const market = await open();
		const visit = await market.meet();
		const contract = await market.contract(visit);
		market.about("cancel", visit.tetrad, contract);
		await market.quiet();
		market.buy(visit, contract);
		await market.quiet();
		assert.deepEqual(market.brief(contract)[0], "aborted 0: aborted");
		assert.match(market.brief(contract)[1] ?? "", /^aborted 0: /);
		requireNothing(market);
	});

	test("races the commit, and one of them wins", async () => {
		let bought = 0;
		let aborted = 0;
		// After so many messages the agent cancels.
		for (let after = 0; after < 5; after++) {
			const market = await open();
			const visit = await market.meet();
			const contract = await market.contract(visit);
			market.buy(visit, contract);
			await market.town.work();
			for (let i = 0; i < after; i++) await market.town.deliver();
			market.about("cancel", visit.tetrad, contract);
			await market.quiet();
			await market.settle();
			const isPaid = market.isPaid(contract);
			assert.equal(market.isKeyed(contract), isPaid);
			// Its owner is told of what was bought after all, and once.
			const told = market.ann.reports.filter(
				(report) => report.kind === "sale" && report.what === "bought",
			);
			assert.equal(told.length, isPaid ? 1 : 0);
			if (isPaid) bought++;
			else {
				assert.deepEqual(market.brief(contract), ["aborted 0: aborted"]);
				aborted++;
			}
			market.requireConserved();
		}
		assert.ok(bought > 0 && aborted > 0, `${bought} ${aborted}`);
	});

	test("in the very moment of the commit is told where it is", async () => {
		const market = await open();
		const visit = await market.meet();
		const contract = await market.contract(visit);
		market.buy(visit, contract);
		// The payee has agreed, the transfer is being signed and then written.
		await market.town.work();
		await market.town.deliver();
		await market.town.deliver();
		assert.equal(market.paymentOf(contract), "committed");
		market.about("cancel", visit.tetrad, contract);
		await market.town.work();
		market.listen();
		assert.deepEqual(market.brief(contract), [
			`in-doubt ${PRICE}: payment-in-doubt`,
		]);
		await market.quiet();
		assert.deepEqual(market.brief(contract).slice(1), ["bought"]);
	});
});

describe("a module whose disk is full", () => {
	test("pays nothing, and says that it is not sure of it, until it is", async () => {
		const market = await open();
		const { ann } = market;
		const visit = await market.meet();
		const contract = await market.contract(visit);
		ann.store.isFull = true;
		market.buy(visit, contract);
		await market.quiet();
		assert.deepEqual(market.brief(contract), ["in-doubt 0: store-full"]);
		ann.store.isFull = false;
		market.about("resolve", visit.tetrad, contract);
		await market.quiet();
		assert.deepEqual(market.brief(contract).slice(1), [
			"aborted 0: offer-expired",
		]);
		requireNothing(market);
	});

	test("says that it is not sure of what it cannot look up, and reports it, until it can", async () => {
		const market = await open();
		const { ann } = market;
		const visit = await market.meet();
		const contract = await market.contract(visit);
		market.buy(visit, contract);
		await market.quiet();
		let refused = 0;
		ann.refuses = (what) => what === "transaction" && refused++ === 0;
		market.about("resolve", visit.tetrad, contract);
		await market.quiet();
		assert.deepEqual(market.brief(contract), [
			"bought",
			"in-doubt 0: store-full",
		]);
		const report = ann.reports.findLast(({ kind }) => kind === "sale");
		assert.ok(report?.kind === "sale" && report.what === "trouble");
		assert.deepEqual(report.contract, contract.hash);
		market.about("resolve", visit.tetrad, contract);
		await market.quiet();
		assert.equal(market.brief(contract).at(-1), "bought");
	});

	test("has sold nothing before there is room", async () => {
		const market = await open();
		const { bob } = market;
		const visit = await market.meet();
		const contract = await market.contract(visit);
		bob.store.isFull = true;
		market.buy(visit, contract);
		await market.quiet();
		assert.ok(!market.isKeyed(contract));
		assert.deepEqual(market.brief(contract), [
			`in-doubt ${PRICE}: payment-in-doubt`,
		]);
		bob.store.isFull = false;
		// In the same tetrad, as soon as the agent asks again.
		market.buy(visit, contract);
		await market.quiet();
		assert.ok(market.isKeyed(contract) && market.isPaid(contract));
		market.requireConserved();
	});

	test("has the key all the same, and keeps it later", async () => {
		const market = await open();
		const { town, ann } = market;
		const visit = await market.meet();
		const contract = await market.contract(visit);
		market.buy(visit, contract);
		await town.work();
		await town.deliver();
		await town.deliver();
		assert.equal(market.paymentOf(contract), "committed");
		ann.store.isFull = true;
		await market.quiet();
		assert.equal(market.brief(contract)[0], "bought");
		ann.store.isFull = false;
		await market.settle();
		const later = await market.meet();
		market.about("resolve", later.tetrad, contract);
		await market.quiet();
		assert.equal(market.brief(contract).at(-1), "bought");
		market.about("final", later.tetrad, contract);
		await market.quiet();
		assert.equal(market.brief(contract).at(-1), "closed");
		market.requireConserved();
	});
});

describe("a merchant that takes the money", () => {
	/** Its module says that it sells whatever comes, with that key. */
	const rogue = (key: Uint8Array) => async () => {
		const market = await Market.make({
			world,
			sale: (self) => (rail) => {
				const honest = moduleTrade(self.store.run(loadTrade()))(rail);
				if (self.name !== "bob") return honest;
				const sell: SalePart["sell"] = () => ({
					...{ key, depositsFirst: false, also: [] },
				});
				return overriding(honest, { sell, judge: () => undefined });
			},
		});
		return market;
	};

	test("and gives a wrong key is found out, and the issuer gives the right one", async () => {
		const market = await rogue(filled(32, 0xbd))();
		const visit = await market.meet();
		const contract = await market.contract(visit);
		market.buy(visit, contract);
		await market.quiet();
		assert.deepEqual(market.brief(contract), [
			`in-doubt ${PRICE}: payment-in-doubt`,
		]);
		assert.equal(market.paymentOf(contract), "committed");
		await market.settle();
		const later = await market.meet();
		market.about("resolve", later.tetrad, contract);
		await market.quiet();
		assert.ok(market.isKeyed(contract));
		assert.equal(market.town.account(market.mint, market.bob), 1n + PRICE);
		market.requireConserved();
	});

	test("and gives no key is found out, and the issuer gives it", async () => {
		const market = await open();
		const { town } = market;
		const visit = await market.meet();
		const contract = await market.contract(visit);
		market.buy(visit, contract);
		await town.work();
		for (let i = 0; i < 4; i++) {
			onTheWay(town, (bytes) =>
				bytes[0] === BETWEEN_MODULES.accepted.type
					? message(BETWEEN_MODULES.accepted, {
							...body(BETWEEN_MODULES.accepted, bytes),
							key: undefined,
						})
					: undefined,
			);
			await town.deliver();
		}
		await market.quiet();
		assert.deepEqual(market.brief(contract), [
			`in-doubt ${PRICE}: payment-in-doubt`,
		]);
		// In the tetrad with the issuer there is the agent, too.
		const tetrad = await town.meet(market.ann, market.mint);
		market.about("resolve", tetrad, contract);
		town.settle(market.ann, tetrad, market.mint);
		await market.quiet();
		assert.deepEqual(market.brief(contract).slice(-1), ["bought"]);
		const heard = market.heard(contract).at(-1);
		assert.ok(heard?.kind === "bought" && heard.receipt.length > 0);
		market.requireConserved();
	});

	test("for a key that nobody has gets nothing, and the buyer has it back", async () => {
		const key = filled(32, 0xbd);
		const market = await rogue(key)();
		const visit = await market.meet();
		const contract = await market.contract(visit, {
			keyHash: keyHash(nodeCrypto, filled(32, 0x99)),
		});
		market.buy(visit, contract);
		await market.quiet();
		await market.settle();
		const later = await market.meet();
		market.about("resolve", later.tetrad, contract);
		await market.quiet();
		assert.deepEqual(market.brief(contract).slice(-1), [
			`refunded ${PRICE}: purchase-void`,
		]);
		assert.equal(market.town.account(market.mint, market.ann), PRICE);
		assert.equal(market.town.account(market.mint, market.bob), 1n);
		assert.ok(!market.isKeyed(contract));
		market.requireConserved();
		const whats = market.ann.reports.flatMap((report) =>
			report.kind === "sale" ? [report.what] : [],
		);
		assert.deepEqual(whats, ["no-key", "refunded"]);
	});

	test("and sells the key of another merchant at a price of its own cannot", async () => {
		const market = await open();
		const { town, ann } = market;
		const carl = await town.purse("carl");
		await market.learnsSecret(carl);
		const ofBob = await market.contract(await market.meet());
		const visit = await market.meet(ann, carl);
		const contract = await market.contract(
			visit,
			{ amount: 1n, keyHash: ofBob.keyHash },
			{ merchant: carl },
		);
		market.buy(visit, contract);
		await market.quiet();
		assert.deepEqual(market.brief(contract), ["aborted 0: payment-refused"]);
		requireNothing(market);
	});
});

describe("a merchant's module agrees to nothing that a buyer's module has made up", () => {
	/** Ann's module pays for whatever its agent names, as it is told to. */
	const lying = (
		changes: Partial<SalePayment>,
		chainOf = ({ agents }: Meeting) => agents.other.encodedChain,
	) =>
		Market.make({
			world,
			sale: (self) => (rail) => {
				const honest = moduleTrade(self.store.run(loadTrade()))(rail);
				if (self.name !== "ann") return honest;
				const fromAgent: SalePart["fromAgent"] = (meeting, bytes) => {
					const { document } = body(ABOUT_PURCHASES.buy, bytes);
					const { hash, issuer, currency, amount, keyHash, payBy } =
						parseContract(nodeCrypto, document);
					const terms = encodePurchaseTerms({
						contract: document,
						chain: chainOf(meeting),
					});
					const payee = meeting.peer.deviceId;
					const payment = {
						...{ contract: hash, issuer, currency, amount, keyHash, payBy },
						...{ payee, terms, ...changes },
					};
					rail.pay(meeting.tetrad, payment, []);
				};
				return overriding(honest, { fromAgent });
			},
		});
	const requireRefused = async (
		market: Market,
		made: Partial<ContractBody> = {},
		isElsewhere = false,
	) => {
		const visit = await market.meet();
		const other = isElsewhere ? await market.meet() : visit;
		const contract = await market.contract(visit, made);
		const said = overhear(market);
		market.buy(other, contract);
		await market.quiet();
		assert.deepEqual(said, ["prepare", "refused"]);
		assert.equal(market.paymentOf(contract), undefined);
	};

	test("of another tetrad", async () => {
		await requireRefused(await lying({}), {}, true);
	});

	test("at another price, or for another contract", async () => {
		await requireRefused(await lying({ amount: 1n }));
		await requireRefused(await lying({ contract: filled(32, 7) }));
	});

	test("without terms that are a contract", async () => {
		await requireRefused(await lying({ terms: filled(50, 1) }));
	});

	test("with the chain of somebody else", async () => {
		await requireRefused(
			await lying({}, ({ agents }) => agents.own.encodedChain),
		);
	});

	test("that another buyer was to pay, or when its time is over", async () => {
		const market = await lying({});
		await requireRefused(market, { buyerModule: market.mint.device.deviceId });
		const { now } = market.town;
		await requireRefused(await lying({ payBy: now + DAY }), {
			made: now - 30 * MINUTE,
			payBy: now - MINUTE,
		});
	});
});

/** A part with some of its answers changed. */
function overriding(part: SalePart, changes: Partial<SalePart>): SalePart {
	return new Proxy(part, {
		get(target, name) {
			const own = changes[name as keyof SalePart];
			if (own !== undefined) return own;
			const value: unknown = Reflect.get(target, name, target);
			return typeof value === "function" ? value.bind(target) : value;
		},
	});
}

describe("what comes late", () => {
	test("is booked before the merchant gives the key", async () => {
		const market = await open();
		const { town, bob, mint } = market;
		const visit = await market.meet();
		const contract = await market.contract(visit, {
			bookBy: town.now + 90 * MINUTE,
		});
		market.buy(visit, contract);
		await town.work();
		await town.deliver();
		await town.deliver();
		assert.equal(market.paymentOf(contract), "committed");
		// The delivery is on its way for an hour.
		town.now += 60 * MINUTE;
		await market.quiet();
		assert.equal(market.receiptOf(contract), "to-book");
		assert.ok(!market.isKeyed(contract));
		await town.visit(bob, mint);
		await market.settle();
		const later = await market.meet();
		market.about("resolve", later.tetrad, contract);
		await market.quiet();
		assert.ok(market.isKeyed(contract));
		assert.equal(market.receiptOf(contract), "deposited");
		market.requireConserved();
	});

	test("or has to be booked within the hour is booked first, too", async () => {
		const market = await open();
		const { town, bob, mint } = market;
		const visit = await market.meet();
		const contract = await market.contract(visit, {
			bookBy: town.now + 50 * MINUTE,
		});
		market.buy(visit, contract);
		await market.quiet();
		assert.equal(market.receiptOf(contract), "to-book");
		assert.ok(!market.isKeyed(contract));
		await town.visit(bob, mint);
		market.about("resolve", visit.tetrad, contract);
		await market.quiet();
		assert.ok(market.isKeyed(contract));
		market.requireConserved();
	});

	/** Paid by Ann and not booked, and she has gone. */
	async function paidAndGone(market: Market): Promise<Contract> {
		const { town, ann } = market;
		const visit = await market.meet();
		const contract = await market.contract(visit, {
			bookBy: town.now + 50 * MINUTE,
		});
		market.buy(visit, contract);
		await market.quiet();
		assert.equal(market.receiptOf(contract), "to-book");
		town.part(ann, visit.tetrad);
		await market.quiet();
		assert.deepEqual(market.sold, []);
		return contract;
	}

	/** Of what, in which tetrad, and by whom it was bought. */
	const toldAsSold = ({ sold }: Market) =>
		sold.map(({ contract, tetrad, buyerAgent }) => [
			...[contract, tetrad, buyerAgent],
		]);

	test("is told of as sold to whoever has bought it, also while another buyer is there", async () => {
		const market = await open();
		const { town, ann, bob, mint } = market;
		const other = await market.meet(await town.purse("carol"));
		const contract = await paidAndGone(market);
		await town.visit(bob, mint);
		market.listen();
		assert.deepEqual(toldAsSold(market), [
			[hex(contract.hash), other.tetrad, hex(ann.agent.deviceId)],
		]);
	});

	test("is told of once somebody is there to whom something is sold, and only once", async () => {
		const market = await open();
		const { town, ann, bob, mint } = market;
		const contract = await paidAndGone(market);
		await town.visit(bob, mint);
		market.listen();
		assert.deepEqual(market.sold, []);
		const carol = await town.purse("carol");
		// Here it buys itself.
		await market.meet(bob, carol);
		await market.quiet();
		assert.deepEqual(market.sold, []);
		const first = await market.meet(carol);
		await market.quiet();
		await market.meet();
		await market.quiet();
		assert.deepEqual(toldAsSold(market), [
			[hex(contract.hash), first.tetrad, hex(ann.agent.deviceId)],
		]);
	});

	test("and cannot be booked any more is the buyer's again", async () => {
		const market = await open();
		const { town, ann, mint } = market;
		const visit = await market.meet();
		const contract = await market.contract(visit, {
			bookBy: town.now + 60 * MINUTE,
		});
		market.buy(visit, contract);
		await town.work();
		await town.deliver();
		await town.deliver();
		town.wire.length = 0;
		town.part(ann, visit.tetrad);
		await market.quiet();
		await town.pass(2 * 60 * MINUTE);
		await town.visit(ann, mint);
		const later = await market.meet();
		market.about("resolve", later.tetrad, contract);
		await market.quiet();
		assert.deepEqual(market.brief(contract).slice(-1), [
			`refunded ${PRICE}: purchase-void`,
		]);
		assert.equal(town.account(mint, ann), PRICE);
		await market.settle();
		market.requireConserved();
	});
});

describe("a purchase survives", () => {
	/** The transfer is committed and on its way to the merchant. */
	const onItsWay = async () => {
		const market = await open();
		const { town } = market;
		const visit = await market.meet();
		const contract = await market.contract(visit);
		market.buy(visit, contract);
		await town.work();
		await town.deliver();
		await town.deliver();
		assert.equal(market.paymentOf(contract), "committed");
		return { ...market, market, visit, contract };
	};

	test("a merchant that is destroyed with what it was paid, and pays it", async () => {
		const { market, town, ann, bob, mint, visit, contract } = await onItsWay();
		await market.quiet();
		market.about("final", visit.tetrad, contract);
		await market.quiet();
		town.die(bob);
		await town.visit(ann, mint);
		assert.equal(town.account(mint, bob), 1n + PRICE);
		assert.equal(market.paymentOf(contract), "settled");
		// Handed over once.
		const { length } = mint.reports;
		await town.visit(ann, mint);
		assert.equal(mint.reports.length, length);
	});

	test("a merchant that is destroyed before it has been paid, and has the key from the issuer", async () => {
		const { market, town, ann, bob, mint, contract } = await onItsWay();
		town.die(bob);
		await market.quiet();
		const tetrad = await town.meet(ann, mint);
		market.about("resolve", tetrad, contract);
		town.settle(ann, tetrad, mint);
		await market.quiet();
		assert.deepEqual(market.brief(contract), [
			`in-doubt ${PRICE}: payment-in-doubt`,
			"bought",
		]);
		const heard = market.heard(contract).at(-1);
		assert.ok(heard?.kind === "bought" && heard.receipt.length === 0);
		assert.equal(town.account(mint, bob), 1n + PRICE);
	});

	test("a start of its buyer's module between the key and its agent's word", async () => {
		const { market, town, ann, contract } = await onItsWay();
		await market.quiet();
		town.restart(ann);
		await market.quiet();
		const later = await market.meet();
		market.about("final", later.tetrad, contract);
		market.about("final", later.tetrad, contract);
		market.about("resolve", later.tetrad, contract);
		await market.quiet();
		assert.deepEqual(market.brief(contract), [
			"bought",
			"closed",
			"closed",
			"bought",
		]);
	});

	test("a selling secret that is renewed before it is paid, and before it is booked", async () => {
		for (const renewed of ["before it is paid", "before it is booked"]) {
			const market = await open();
			const { town, bob, mint } = market;
			const near = DAY * 30 - (town.now % (DAY * 30)) - 20 * MINUTE;
			await town.pass(near);
			await town.visit(bob, mint);
			const visit = await market.meet();
			const contract = await market.contract(visit);
			if (renewed === "before it is paid") {
				town.now += 21 * MINUTE;
				await town.visit(bob, mint);
			}
			market.buy(visit, contract);
			await market.quiet();
			assert.ok(market.isKeyed(contract), renewed);
			await town.pass(2 * DAY);
			await market.settle();
			assert.equal(market.receiptOf(contract), "deposited");
			market.requireConserved();
		}
	});

	test("clocks that are eight minutes apart, or comes to nothing", async () => {
		for (const [ahead, behind] of [
			["ann", "bob"],
			["bob", "ann"],
			["mint", "ann"],
		] as const) {
			const market = await open();
			market[ahead].clockAhead = 4 * MINUTE;
			market[behind].clockAhead = -4 * MINUTE;
			const visit = await market.meet();
			const contract = await market.contract(visit);
			market.buy(visit, contract);
			await market.quiet();
			// A payer whose clock is far ahead of its payee's finds each invoice too old.
			assert.equal(market.isKeyed(contract), ahead !== "ann", ahead);
			await market.settle();
			assert.equal(market.isPaid(contract), ahead !== "ann");
			market.requireConserved();
		}
	});

	test("not a copy of its purse that has spent the same notes: there is no key", async () => {
		const market = await open();
		const { town, ann, mint } = market;
		const carl = await town.purse("carl");
		await market.learnsSecret(carl);
		const before = ann.store.copy();
		const first = await market.meet(ann, carl);
		const ofCarl = await market.contract(first, {}, { merchant: carl });
		market.buy(first, ofCarl);
		await market.quiet();
		assert.ok(market.isKeyed(ofCarl));
		await town.visit(carl, mint);
		// Nobody has noticed: neither its host nor its agent.
		town.die(ann);
		await market.quiet();
		ann.store = before;
		ann.head = { number: 0n, hash: filled(32, 0) };
		town.restart(ann);
		const visit = await market.meet();
		const contract = await market.contract(visit);
		market.buy(visit, contract);
		await town.work();
		await town.deliver();
		await town.deliver();
		assert.equal(market.paymentOf(contract), "committed");
		town.die(market.bob);
		await market.quiet();
		const tetrad = await town.meet(ann, mint);
		market.about("resolve", tetrad, contract);
		town.settle(ann, tetrad, mint);
		await market.quiet();
		assert.equal(market.brief(contract).at(-1), "aborted 0: double-spent");
		assert.ok(!market.isKeyed(contract));
		assert.equal(town.account(mint, carl), 1n + PRICE);
	});
});

test("an agent that says final for what it has no key of is told where it is", async () => {
	const market = await open();
	const visit = await market.meet();
	const contract = await market.contract(visit);
	market.about("final", visit.tetrad, contract);
	await market.quiet();
	assert.deepEqual(market.brief(contract), ["aborted 0: offer-expired"]);
	market.buy(visit, contract);
	await market.quiet();
	assert.deepEqual(market.brief(contract).slice(1), ["aborted 0: aborted"]);
	requireNothing(market);
	const other = await market.contract(visit);
	market.buy(visit, other);
	await market.town.work();
	market.about("final", visit.tetrad, other);
	await market.town.deliver();
	await market.town.deliver();
	market.about("final", visit.tetrad, other);
	await market.town.work();
	market.listen();
	assert.deepEqual(market.brief(other), [
		`in-doubt ${PRICE}: payment-in-doubt`,
	]);
	await market.quiet();
	assert.ok(market.isKeyed(other));
});

describe("an agent in the place of another", () => {
	async function replaceAgent(module: Module): Promise<void> {
		const { chain, signer } = await world.agent(`new-agent-of-${module.name}`);
		const { agencies } = world.policy;
		const agent = validateChain(
			nodeCrypto,
			chain,
			"agent",
			agencies,
			world.now,
		);
		Object.assign(module, {
			agent,
			agentId: agent.deviceId,
			agentSigner: signer,
		});
	}

	test("learns what was bought, and how to open it", async () => {
		const market = await open();
		const { town, ann } = market;
		const visits = [];
		const contracts = [];
		for (let i = 0; i < 19; i++) {
			const visit = await market.meet();
			const contract = await market.contract(visit, { amount: 2n });
			market.buy(visit, contract);
			await market.quiet();
			market.about("final", visit.tetrad, contract);
			await market.quiet();
			town.part(ann, visit.tetrad);
			visits.push(visit);
			contracts.push(contract);
		}
		await replaceAgent(ann);
		const learnt = await market.learn(await market.meet());
		assert.equal(learnt.length, 19);
		for (const [i, contract] of contracts.entries()) {
			const found = learnt.find(
				({ document }) => hex(document) === hex(contract.document),
			);
			assert.ok(found?.key);
			assert.equal(found.step, "closed");
			assert.equal(
				hex(found.exporter),
				hex(visits[i]?.exporter ?? filled(0, 0)),
			);
			assert.equal(hex(keyHash(nodeCrypto, found.key)), hex(contract.keyHash));
			assert.equal(hex(found.sellerChain), hex(market.bob.agent.encodedChain));
			assert.ok(found.receipt.length > 0 && found.chain.length > 0);
		}
	});

	test("hears of what the other has paid for, when its key comes from the issuer", async () => {
		const market = await open();
		const { town, ann, mint } = market;
		const visit = await market.meet();
		const contract = await market.contract(visit);
		market.buy(visit, contract);
		await town.work();
		await town.deliver();
		await town.deliver();
		town.wire.length = 0;
		town.part(ann, visit.tetrad);
		await market.quiet();
		await replaceAgent(ann);
		const later = await market.meet();
		const [learnt] = await market.learn(later);
		assert.equal(learnt?.step, "locked");
		assert.equal(learnt.key, undefined);
		market.about("resolve", later.tetrad, contract);
		await market.quiet();
		await town.visit(ann, mint);
		market.listen();
		assert.ok(market.isKeyed(contract));
		market.requireConserved();
	});
});

describe("a selling secret", () => {
	test("is asked for when an agent wants to sell, and is durable before it is used", async () => {
		const market = await open();
		const { town, mint } = market;
		const carl = await town.purse("carl");
		await market.learnsSecret(carl);
		const { certificate } = market.sellingOf(carl);
		const said = parseSellingCertificate(certificate);
		assert.equal(hex(said.agent), hex(carl.agent.deviceId));
		town.restart(carl);
		market.selling.clear();
		await market.learnsSecret(carl);
		assert.equal(hex(market.sellingOf(carl).certificate), hex(certificate));
		assert.equal(hex(said.issuer), hex(mint.device.deviceId));
	});

	test("of another merchant, or other than its certificate says, is not kept", async () => {
		for (const change of ["secret", "certificate"] as const) {
			const market = await open();
			const { town, mint, bob } = market;
			const carl = await town.purse("carl");
			town.fund(mint, carl, 1n);
			const tetrad = await town.meet(carl, mint);
			market.say(
				carl,
				tetrad,
				message(ABOUT_PURCHASES.selling, {
					issuer: mint.device.deviceId,
					generation: 0,
				}),
			);
			town.settle(carl, tetrad, mint);
			await town.work();
			for (let i = 0; i < 40 && town.wire.length > 0; i++) {
				onTheWay(town, (bytes) => {
					if (bytes[0] !== WITH_ISSUER.sellingSecret.type) return undefined;
					const fields = body(WITH_ISSUER.sellingSecret, bytes);
					return message(WITH_ISSUER.sellingSecret, {
						...fields,
						...(change === "secret"
							? { secret: filled(32, 1) }
							: { certificate: market.sellingOf(bob).certificate }),
					});
				});
				await town.deliver();
			}
			await market.quiet();
			assert.ok(!market.selling.has(carl));
		}
	});
});

test("neither a goods key nor a selling secret is in what a module reports or refuses", async () => {
	const market = await open();
	const visit = await market.meet();
	const contract = await market.contract(visit);
	market.buy(visit, contract);
	await market.quiet();
	await market.settle();
	const heard = market.heard(contract).find(({ kind }) => kind === "bought");
	assert.ok(heard?.kind === "bought");
	const key = hex(copy(heard.key));
	const text = JSON.stringify(
		[...market.ann.reports, ...market.bob.reports, ...market.mint.reports],
		(_, value: unknown) =>
			value instanceof Uint8Array
				? hex(value)
				: typeof value === "bigint"
					? String(value)
					: value,
	);
	assert.ok(text.includes(hex(contract.hash)));
	assert.ok(!text.includes(key));
});
