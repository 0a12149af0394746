/* What a purse does with sales, at both ends and with their issuer. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { TetradError } from "../../src/errors.ts";
import { done, put } from "../../src/machine/index.ts";
import {
	BOOKINGS,
	findToArchive,
	messages,
	openArchive,
	pruneArchived,
} from "../../src/money/index.ts";
import { VOIDS } from "../../src/money/issuer/ledger-tables.ts";
import {
	ABORTED,
	META,
	PAYMENTS,
	PROMISES,
	RECEIPTS,
	REQUESTS,
} from "../../src/money/purse/purse-tables.ts";
import { hex, sameBytes } from "../../src/wire/index.ts";
import { SaleTown } from "./sale-town.ts";
import { contractOf, type Module, Town } from "./town.ts";

const { BETWEEN_MODULES, WITH_ISSUER, body, message } = messages;
const DAY = 86_400_000;

function stateOf(module: Module): string | undefined {
	return module.store.rows(PAYMENTS).find(({ key_hash }) => key_hash.length > 0)
		?.state;
}

describe("a sale", () => {
	test("is paid for its key, which comes with the receipt, and no agent has to expect it", async () => {
		const { town, ann, bob, mint, ...rest } = await sold();
		assert.deepEqual(rest.clerks.ann.kinds, ["committed", "keyed"]);
		assert.deepEqual(rest.clerks.bob.kinds, ["sold"]);
		assert.equal(rest.clerks.ann.key(), hex(rest.goods.key));
		const [row] = bob.store.rows(RECEIPTS);
		assert.deepEqual(row?.terms, rest.goods.terms);
		assert.deepEqual(row?.key, rest.goods.key);
		assert.equal(stateOf(ann), "keyed");
		assert.equal(town.balance(ann, mint).inDoubt, 0n);
		assert.equal(town.balance(ann, mint).spendable, 750n);
		assert.equal(town.balance(bob, mint).toDeposit, 250n);
		assert.equal(ann.heard.filter(({ kind }) => kind === "paid").length, 0);
		town.requireConserved(mint);
	});

	test("costs one durable write at its payer and one at its payee before the key is there", async () => {
		const made = await SaleTown.make();
		const { ann, bob } = made;
		const before = [ann.writes, bob.writes];
		await made.bought(made.goods(1));
		const at = (module: Module, kind: string) =>
			made.clerk(module).told.find(({ event }) => event.kind === kind)?.writes;
		assert.deepEqual(
			[at(ann, "keyed"), at(bob, "sold")],
			before.map((writes) => writes + 1),
		);
		assert.equal(bob.store.rows(PROMISES).length, 0);
	});

	test("is booked, and handed in once by whoever has its key", async () => {
		const { town, ann, bob, mint, clerks } = await sold();
		const sent: number[] = [];
		town.sent = (bytes) => sent.push(bytes[0] ?? 0);
		await town.visit(ann, mint);
		assert.equal(stateOf(ann), "settled");
		assert.equal(clerks.ann.kinds.at(-1), "booked");
		await town.visit(ann, mint);
		const resolves = sent.filter((type) => type === WITH_ISSUER.resolve.type);
		assert.equal(resolves.length, 1);
		await town.visit(bob, mint);
		assert.equal(clerks.bob.kinds.at(-1), "booked");
		assert.equal(town.account(mint, bob), 250n);
		town.requireConserved(mint);
	});

	test("pays a seller whose store is gone", async () => {
		const { town, ann, bob, mint } = await sold();
		town.die(bob);
		await town.visit(ann, mint);
		assert.equal(town.account(mint, bob), 250n);
	});

	test("is delivered again to a seller that was started again, who answers the same", async () => {
		const { town, ann, bob, clerks, goods } = await sold({
			before: (story) => {
				const { town } = story;
				// The answer is lost, and the tetrad with it.
				town.sent = (bytes) => {
					if (bytes[0] === BETWEEN_MODULES.accepted.type) town.die(story.bob);
				};
			},
		});
		assert.deepEqual(clerks.ann.kinds, ["committed"]);
		town.sent = undefined;
		town.restart(bob);
		await town.meet(ann, bob);
		await town.quiet();
		assert.equal(clerks.ann.key(), hex(goods.key));
		assert.equal(bob.store.rows(RECEIPTS).length, 1);
	});

	test("asked for again, it is the same one, in every state", async () => {
		const made = await SaleTown.make();
		const { town, ann, bob, mint } = made;
		const goods = made.goods(1);
		const tetrad = await town.meet(ann, bob);
		for (let i = 0; i < 3; i++) made.buy(tetrad, goods);
		await town.quiet();
		made.buy(tetrad, goods);
		await town.quiet();
		town.restart(ann);
		await made.bought(goods);
		await town.visit(ann, mint);
		await made.bought(goods);
		const { told } = made.clerk(ann);
		for (const { event } of told)
			assert.ok(["committed", "keyed", "booked"].includes(event.kind));
		assert.equal(told.at(-1)?.event.kind, "keyed");
		assert.equal(ann.store.rows(PAYMENTS).length, 1);
		town.requireConserved(mint);
	});

	test("what is to be written along with it is written in the same step", async () => {
		const made = await SaleTown.make();
		const { town, ann, bob } = made;
		const value = Uint8Array.of(7);
		const along = [put(META, { name: "along", value })];
		const there = () =>
			ann.store.rows(META).some(({ name }) => name === "along");
		const tetrad = await town.meet(ann, bob);
		town.killAt(ann, { write: 1, when: "before" });
		made.buy(tetrad, made.goods(1), along);
		await town.quiet();
		assert.ok(!there());
		town.restart(ann);
		const again = await town.meet(ann, bob);
		town.killAt(ann, { write: 1, when: "after" });
		made.buy(again, made.goods(1), along);
		await town.quiet();
		assert.ok(there());
	});
});

describe("a payee that does not give what was paid for", () => {
	for (const [what, key] of [
		["a wrong key", nodeCrypto.random(32)],
		["a key and a bit", undefined],
	] as const)
		test(`${what}: the receipt is kept, and the issuer gives the key`, async () => {
			const { town, ann, bob, mint, clerks, goods } = await sold({
				before: (made) => {
					made.clerk(made.bob).sells = (right) => ({
						...right,
						key: key ?? right.key.map((byte) => byte ^ 1),
					});
				},
			});
			assert.deepEqual(clerks.ann.kinds, [
				"committed",
				"in-doubt",
				"receipt-without-key",
			]);
			assert.equal(stateOf(ann), "committed");
			assert.equal(town.balance(ann, mint).inDoubt, 250n);
			const [row] = ann.store.rows(PAYMENTS).slice(-1);
			assert.ok(row && row.receipt.length > 0 && row.key.length === 0);
			const doubts = () =>
				ann.reports.filter(({ kind }) => kind === "in-doubt").length;
			assert.equal(doubts(), 1);
			await town.meet(ann, bob);
			await town.quiet();
			assert.equal(clerks.ann.told.length, 3);
			assert.equal(doubts(), 1);
			town.restart(ann);
			await town.visit(ann, mint);
			assert.equal(clerks.ann.key(), hex(goods.key));
			const keyed = clerks.ann.last("keyed");
			assert.ok(keyed.kind === "keyed" && keyed.receipt.length > 0);
			assert.ok(keyed.chain.length > 0);
			assert.equal(town.balance(ann, mint).inDoubt, 0n);
			await town.visit(bob, mint);
			assert.equal(town.account(mint, bob), 250n);
			town.requireConserved(mint);
		});

	test("and one that never answers: the issuer gives the key", async () => {
		const { town, ann, bob, mint, clerks, goods } = await sold({
			before: ({ town, bob }) => {
				town.sent = (bytes) => {
					if (bytes[0] === BETWEEN_MODULES.deliver.type) town.die(bob);
				};
			},
		});
		assert.deepEqual(clerks.ann.kinds, ["committed"]);
		town.sent = undefined;
		await town.visit(ann, mint);
		assert.equal(clerks.ann.key(), hex(goods.key));
		assert.equal(stateOf(ann), "settled");
		assert.equal(town.account(mint, bob), 250n);
		town.requireConserved(mint);
	});
});

describe("a sale whose key nobody could have", () => {
	const lie = async (deposits: "first" | "last") => {
		const made = await sold({
			keyHash: nodeCrypto.random(32),
			before: (made) => {
				made.clerk(made.bob).isBlind = true;
			},
		});
		const { town, ann, bob, mint } = made;
		if (deposits === "first") await town.visit(bob, mint);
		await town.visit(ann, mint);
		await town.visit(bob, mint);
		return made;
	};

	for (const deposits of ["first", "last"] as const)
		test(`comes back to its payer, once, when its payee deposits ${deposits}`, async () => {
			const { town, ann, bob, mint, clerks } = await lie(deposits);
			const refunded = clerks.ann.last("refunded");
			assert.ok(refunded.kind === "refunded" && refunded.amount === 250n);
			assert.equal(stateOf(ann), "lapsed");
			assert.equal(town.account(mint, ann), 250n);
			assert.equal(town.account(mint, bob), 0n);
			const why = clerks.bob.last("refused");
			assert.ok(why.kind === "refused" && why.error.code === "purchase-void");
			assert.equal(bob.store.rows(RECEIPTS)[0]?.state, "refused");
			assert.equal(mint.store.rows(VOIDS).length, 1);
			town.requireConserved(mint);
			await town.visit(ann, mint);
			await town.visit(bob, mint);
			assert.equal(town.account(mint, ann), 250n);
			assert.equal(town.balance(ann, mint).inDoubt, 0n);
		});

	test("is not taken as void by an issuer that gives back less, or more, than was paid", async () => {
		for (const credited of [0n, 249n, 251n]) {
			const { town, ann, bob, mint, clerks } = await sold({
				keyHash: nodeCrypto.random(32),
				before: (made) => {
					made.clerk(made.bob).isBlind = true;
				},
			});
			await town.visit(bob, mint);
			const tetrad = await town.meet(ann, mint);
			town.settle(ann, tetrad, mint);
			await town.work();
			const outcome = () =>
				town.wire.findIndex(
					({ bytes }) => bytes?.[0] === WITH_ISSUER.outcome.type,
				);
			while (outcome() < 0) await town.deliver();
			const at = outcome();
			const [wired] = town.wire.slice(at);
			assert.ok(wired?.bytes);
			const fields = body(WITH_ISSUER.outcome, wired.bytes);
			assert.deepEqual([fields.state, fields.credited], [2, 250n]);
			town.wire[at] = {
				...wired,
				bytes: message(WITH_ISSUER.outcome, { ...fields, credited }),
			};
			await town.quiet();
			assert.ok(!clerks.ann.kinds.includes("refunded"), String(credited));
			assert.equal(stateOf(ann), "committed");
			await town.visit(ann, mint);
			const refunded = clerks.ann.last("refunded");
			assert.ok(refunded.kind === "refunded" && refunded.amount === 250n);
			assert.equal(stateOf(ann), "lapsed");
		}
	});

	test("frees the owner's limits again, also after a restart", async () => {
		const made = await SaleTown.make();
		const { town, ann, bob, mint } = made;
		const money = {
			issuer: mint.device.deviceId,
			currency: "COIN",
			perPayment: undefined,
			perDay: 300n,
			perMerchantDay: undefined,
			inAll: undefined,
			approvalAbove: undefined,
		};
		await town.limits(ann, { money: [money as never] });
		made.clerk(bob).isBlind = true;
		await made.bought(made.goods(1, { keyHash: nodeCrypto.random(32) }));
		await made.bought(made.goods(2));
		assert.ok(made.clerk(ann).kinds.includes("not-paid"));
		await town.visit(ann, mint);
		await made.bought(made.goods(3));
		assert.equal(made.clerk(ann).kinds.at(-1), "keyed");
		town.restart(ann);
		await made.bought(made.goods(4));
		assert.equal(made.clerk(ann).kinds.at(-1), "not-paid");
	});
});

describe("cancelling a sale", () => {
	test("before it is asked for: it is never paid, also after a restart", async () => {
		const made = await SaleTown.make();
		const { town, ann, bob } = made;
		const goods = made.goods(1);
		const tetrad = await town.meet(ann, bob);
		made.order(tetrad, (rail) => rail.cancel(goods.contract, true));
		await town.quiet();
		assert.deepEqual(made.clerk(ann).kinds, ["aborted"]);
		made.buy(tetrad, goods);
		await town.quiet();
		town.restart(ann);
		await made.bought(goods);
		assert.deepEqual(made.clerk(ann).kinds, ["aborted", "aborted", "aborted"]);
		assert.equal(ann.store.rows(PAYMENTS).length, 0);
		assert.equal(made.town.balance(ann, made.mint).spendable, 1000n);
	});

	test("at each message: it is aborted and nothing is paid, or it is too late and it is bought", async () => {
		const seen = new Set<string>();
		for (let at = 0; at < 8; at++) {
			const made = await SaleTown.make();
			const { town, ann, bob, mint } = made;
			const goods = made.goods(1);
			const tetrad = await town.meet(ann, bob);
			made.buy(tetrad, goods);
			await town.work();
			for (let i = 0; i < at; i++) await town.deliver();
			made.order(tetrad, (rail) => rail.cancel(goods.contract, true));
			await town.quiet();
			const { kinds } = made.clerk(ann);
			const isAborted = kinds.includes("aborted");
			seen.add(isAborted ? "aborted" : "too late");
			assert.equal(isAborted, !kinds.includes("too-late"), kinds.join());
			assert.equal(isAborted, !kinds.includes("keyed"), kinds.join());
			assert.equal(ann.store.rows(PAYMENTS).length, isAborted ? 0 : 1);
			assert.equal(town.balance(ann, mint).spendable, isAborted ? 1000n : 750n);
			town.requireConserved(mint);
			// What was reserved for it can be paid with.
			await made.bought(made.goods(2, { amount: isAborted ? 1000n : 750n }));
			assert.equal(made.clerk(ann).kinds.at(-1), "keyed");
		}
		assert.equal(seen.size, 2);
	});

	test("while it is being signed: the signature comes for nothing", async () => {
		const made = await SaleTown.make();
		const { town, ann, bob } = made;
		const goods = made.goods(1);
		const tetrad = await town.meet(ann, bob);
		ann.isSlowToSign = true;
		made.buy(tetrad, goods);
		await town.quiet();
		assert.equal(ann.unsigned.length, 1);
		made.order(tetrad, (rail) => rail.cancel(goods.contract, true));
		await town.quiet();
		ann.events.push(...ann.unsigned.splice(0));
		await town.quiet();
		assert.deepEqual(made.clerk(ann).kinds, ["aborted"]);
		assert.equal(ann.store.rows(PAYMENTS).length, 0);
	});

	test("and asking again at once, in the same turn: it is not paid", async () => {
		const made = await SaleTown.make();
		const { town, ann, bob } = made;
		const goods = made.goods(1);
		const tetrad = await town.meet(ann, bob);
		made.order(tetrad, (rail, at) => {
			rail.pay(at, goods, []);
			rail.cancel(goods.contract, true);
			rail.pay(at, goods, []);
		});
		await town.quiet();
		assert.ok(!made.clerk(ann).kinds.includes("committed"));
		assert.equal(ann.store.rows(PAYMENTS).length, 0);
	});

	test("contracts that were cancelled long ago are forgotten, a few with each new one", async () => {
		const made = await SaleTown.make();
		const { town, ann, bob } = made;
		const cancel = async (number: number) => {
			const tetrad = await town.meet(ann, bob);
			made.order(tetrad, (rail) => rail.cancel(contractOf(number), true));
			await town.quiet();
		};
		for (let i = 0; i < 3; i++) await cancel(i);
		await town.pass(41 * DAY);
		await cancel(3);
		assert.equal(ann.store.rows(ABORTED).length, 1);
	});
});

describe("a sale is not paid", () => {
	const refusedBy = async (
		change: (made: SaleTown) => Partial<Parameters<SaleTown["buy"]>[1]>,
	) => {
		const made = await SaleTown.make();
		const goods = made.goods(1);
		await made.bought({ ...goods, ...change(made) });
		const { told } = made.clerk(made.ann);
		assert.deepEqual(
			told.map(({ event }) => event.kind),
			["not-paid"],
		);
		const [{ event } = { event: undefined }] = told;
		assert.equal(made.town.balance(made.ann, made.mint).spendable, 1000n);
		assert.equal(made.ann.store.rows(PAYMENTS).length, 0);
		return event?.kind === "not-paid" ? event.error.code : "";
	};

	test("when the time to pay by its terms is over, or within the tolerance of clocks", async () => {
		for (const left of [0, -1, 600_000]) {
			const code = await refusedBy((made) =>
				made.goods(1, { payBy: made.town.now + left }),
			);
			assert.equal(code, "timed-out");
		}
	});

	test("for terms that are those of another contract", async () => {
		const code = await refusedBy((made) => ({
			contract: made.goods(2).contract,
		}));
		assert.equal(code, "payment-refused");
	});

	test("at another price than its terms say", async () => {
		assert.equal(await refusedBy(() => ({ amount: 1n })), "payment-refused");
	});

	test("to a module that is not the other one of the tetrad", async () => {
		const code = await refusedBy((made) => ({
			payee: made.mint.device.deviceId,
		}));
		assert.equal(code, "payment-refused");
	});

	test("for terms that are none, or too many, or a hash that is none", async () => {
		for (const change of [
			{ terms: new Uint8Array() },
			{ terms: new Uint8Array(20_001) },
			{ keyHash: new Uint8Array(31) },
			{ amount: 0n },
		])
			assert.equal(await refusedBy(() => change), "payment-refused");
	});

	test("with more than there is", async () => {
		const code = await refusedBy((made) => made.goods(1, { amount: 1001n }));
		assert.equal(code, "insufficient-funds");
	});

	test("in a tetrad that is over", async () => {
		const made = await SaleTown.make();
		const { town, ann, bob } = made;
		const tetrad = await town.meet(ann, bob);
		made.order(tetrad, (rail) => rail.pay(tetrad + 1, made.goods(1), []));
		await town.quiet();
		const event = made.clerk(ann).last("not-paid");
		assert.ok(event.kind === "not-paid");
		assert.equal(event.error.code, "tetrad-closed");
	});

	test("when its tetrad ends before it is committed, and the part hears it", async () => {
		const made = await SaleTown.make();
		const { town, ann, bob } = made;
		const tetrad = await town.meet(ann, bob);
		made.buy(tetrad, made.goods(1));
		await town.work();
		town.part(ann, tetrad);
		await town.quiet();
		assert.deepEqual(made.clerk(ann).kinds, ["not-paid"]);
	});

	test("by a module that knows of none, nor taken by one", async () => {
		const town = await Town.make();
		const [mint, ann, bob] = [
			await town.issuer(),
			await town.purse("ann"),
			await town.purse("bob"),
		];
		await town.withdraw(ann, mint, 100n);
		const tetrad = await town.meet(ann, bob);
		ann.events.push({
			kind: "from-agent",
			tetrad,
			bytes: Uint8Array.of(0x60),
		});
		await town.quiet();
		assert.deepEqual(ann.ended, ["unexpected-message"]);
	});
});

describe("a payee", () => {
	test("takes what is to be deposited first once it is booked, and gives the key then", async () => {
		const { town, ann, bob, mint, clerks, goods } = await sold({
			before: (made) => {
				made.clerk(made.bob).sells = (right) => ({
					...right,
					depositsFirst: true,
				});
			},
		});
		assert.equal(bob.store.rows(RECEIPTS)[0]?.state, "to-book");
		assert.equal(clerks.bob.told.length, 0);
		assert.ok(!clerks.ann.kinds.includes("keyed"));
		const tetrad = await town.meet(ann, bob);
		await town.visit(bob, mint);
		assert.ok(clerks.bob.kinds.includes("sold"));
		assert.equal(clerks.ann.key(), hex(goods.key));
		town.part(ann, tetrad);
		await town.quiet();
		assert.equal(town.account(mint, bob), 250n);
		town.requireConserved(mint);
	});

	test("takes what comes late by depositing it first, and gives its key then", async () => {
		const made = await SaleTown.make();
		const { town, ann, bob, mint } = made;
		const goods = made.goods(1);
		town.sent = (bytes) => {
			if (bytes[0] === BETWEEN_MODULES.deliver.type) town.die(bob);
		};
		await made.bought(goods);
		town.sent = undefined;
		town.restart(bob);
		await town.pass(13 * 60_000);
		const tetrad = await town.meet(ann, bob);
		await town.quiet();
		assert.equal(bob.store.rows(RECEIPTS)[0]?.state, "to-book");
		assert.deepEqual(made.clerk(ann).kinds, ["committed", "in-doubt"]);
		await town.visit(bob, mint);
		assert.equal(made.clerk(ann).key(), hex(goods.key));
		assert.equal(town.account(mint, bob), 250n);
		town.part(ann, tetrad);
		await town.quiet();
		town.requireConserved(mint);
	});

	test("refuses what it does not sell, and judges again when it comes", async () => {
		const { clerks, bob, ann, town, mint } = await sold({
			before: (made) => {
				made.clerk(made.bob).sells = () =>
					new TetradError("payment-refused", "this is over for good");
			},
		});
		assert.deepEqual(clerks.ann.kinds, ["committed", "in-doubt"]);
		assert.equal(bob.store.rows(RECEIPTS).length, 0);
		// The money is not lost, and neither are the goods.
		await town.visit(ann, mint);
		assert.equal(clerks.ann.kinds.at(-1), "keyed");
		town.requireConserved(mint);
	});

	test("holds no more undeposited than it may, of sales as of payments", async () => {
		const made = await SaleTown.make({ limits: { software: 300n } });
		await made.bought(made.goods(1));
		await made.bought(made.goods(2, { amount: 51n }));
		const { kinds } = made.clerk(made.ann);
		assert.deepEqual(kinds, ["committed", "keyed", "not-paid"]);
		await made.bought(made.goods(3, { amount: 50n }));
		assert.equal(made.clerk(made.ann).kinds.at(-1), "keyed");
	});

	test("agrees to no second payment for a contract that it has sold", async () => {
		const made = await SaleTown.make();
		const { town, ann, bob } = made;
		const copy = ann.store.copy();
		const goods = made.goods(1);
		await made.bought(goods);
		// Ann is put back to before she paid, and overrides what her agent knows.
		ann.store = copy;
		town.restart(ann);
		ann.head = { number: 0n, hash: new Uint8Array(32) };
		await made.bought(goods);
		assert.equal(made.clerk(ann).kinds.at(-1), "not-paid");
		assert.equal(bob.store.rows(RECEIPTS).length, 1);
	});

	test("does not take a sale without its terms, nor terms with a payment", async () => {
		for (const change of ["no terms", "not marked"] as const) {
			const made = await SaleTown.make();
			const { town, ann, bob } = made;
			let changed = 0;
			town.sent = (bytes) => {
				if (bytes[0] !== BETWEEN_MODULES.deliver.type) return;
				changed++;
			};
			const tetrad = await town.meet(ann, bob);
			if (change === "no terms") made.buy(tetrad, made.goods(1));
			else {
				town.expect(bob, tetrad, contractOf(1), 250n, made.mint);
				town.pay(ann, tetrad, contractOf(1), 250n, made.mint);
			}
			await town.work();
			while (changed === 0 && town.wire.length > 0) await town.deliver();
			const at = town.wire.findIndex(
				({ bytes }) => bytes?.[0] === BETWEEN_MODULES.deliver.type,
			);
			const [wired] = town.wire.slice(at);
			assert.ok(wired?.bytes);
			const fields = body(BETWEEN_MODULES.deliver, wired.bytes);
			town.wire[at] = {
				...wired,
				bytes: message(BETWEEN_MODULES.deliver, {
					...fields,
					terms: change === "no terms" ? new Uint8Array() : made.goods(1).terms,
				}),
			};
			await town.quiet();
			assert.equal(bob.store.rows(RECEIPTS).length, 0);
		}
	});
});

test("an agent that asks for a payment in the place of a sale hears of it, and pays nothing anew", async () => {
	const { town, ann, bob, mint, goods } = await sold();
	const again = await town.meet(ann, bob);
	town.pay(ann, again, goods.contract, 250n, mint);
	await town.quiet();
	assert.equal(ann.last("paid").contract, hex(goods.contract));
	assert.equal(ann.store.rows(PAYMENTS).length, 1);
	const other = await sold({
		keyHash: nodeCrypto.random(32),
		before: (made) => {
			made.clerk(made.bob).isBlind = true;
		},
	});
	await other.town.visit(other.ann, other.mint);
	const tetrad = await other.town.meet(other.ann, other.bob);
	other.town.pay(other.ann, tetrad, other.goods.contract, 250n, other.mint);
	await other.town.quiet();
	assert.equal(other.ann.last("failed").code, "purchase-void");
});

test("a sale that is declined as spent before is over, without key or money", async () => {
	const made = await SaleTown.make();
	const { town, ann, bob, mint } = made;
	const copy = ann.store.copy();
	await made.bought(made.goods(1, { amount: 1000n }));
	await town.visit(bob, mint);
	ann.store = copy;
	town.restart(ann);
	ann.head = { number: 0n, hash: new Uint8Array(32) };
	await made.bought(made.goods(2, { amount: 1000n }));
	const bookings = mint.store.rows(BOOKINGS).length;
	await town.visit(ann, mint);
	assert.equal(made.clerk(ann).kinds.at(-1), "declined");
	assert.equal(
		ann.store.rows(PAYMENTS).find(({ state }) => state === "short")?.in_doubt,
		0n,
	);
	await town.visit(bob, mint);
	const why = made.clerk(bob).last("refused");
	assert.ok(why.kind === "refused" && why.error.code === "double-spent");
	assert.equal(mint.store.rows(BOOKINGS).length, bookings);
	assert.equal(town.account(mint, bob), 1000n);
});

test("an archive has the terms and the key of a sale, and its row keeps the hashes", async () => {
	const { town, ann, bob, mint, goods } = await sold();
	await town.visit(ann, mint);
	await town.visit(bob, mint);
	for (const module of [ann, bob]) {
		const purse = module.device.deviceId;
		const { banks } = town.world.policy;
		const before = town.now + 4000 * DAY;
		let cursor: Parameters<typeof findToArchive>[2];
		let sales = 0;
		do {
			const { step, next } = module.store.run(
				findToArchive(nodeCrypto, { purse, banks, before }, cursor),
			);
			cursor = next;
			if (step === undefined) continue;
			const { payments } = openArchive(
				nodeCrypto,
				step.archive,
				town.world.policy.banks,
			);
			for (const { terms, key } of payments)
				if (terms.length > 0) {
					sales++;
					assert.deepEqual(terms, goods.terms);
					assert.deepEqual(key, goods.key);
				}
			module.store.run(pruneArchived(nodeCrypto, purse, step, town.now));
		} while (cursor !== undefined);
		assert.equal(sales, 1);
		const rows =
			module === ann
				? module.store.rows(PAYMENTS)
				: module.store.rows(RECEIPTS);
		const row = rows.find(({ contract }) =>
			sameBytes(contract, goods.contract),
		);
		assert.equal(row?.terms.length, 0);
		assert.deepEqual(row?.key, goods.key);
		assert.deepEqual(
			module.store.rows(REQUESTS).filter(({ kind }) => kind === "resolve"),
			[],
		);
	}
});

test("a part has its own transactions done in their turn, and they move no head", async () => {
	const made = await SaleTown.make();
	const { town, ann, bob } = made;
	const head = ann.head.number;
	const tetrad = await town.meet(ann, bob);
	const value = Uint8Array.of(1);
	made.order(tetrad, (rail) => {
		rail.transact(
			{ kind: "mine" },
			done([put(META, { name: "mine", value })] as never, "written"),
		);
	});
	await town.quiet();
	assert.deepEqual(made.clerk(ann).results, [{ kind: "mine" }, "written"]);
	assert.ok(ann.store.rows(META).some(({ name }) => name === "mine"));
	assert.equal(ann.head.number, head);
});

test("a selling secret is asked for in a visit, and kept before the visit is over", async () => {
	const made = await SaleTown.make();
	const { town, bob, mint } = made;
	made.clerk(bob).wants = 0;
	const settled = await town.visit(bob, mint);
	assert.equal(settled.code, "");
	assert.deepEqual(made.clerk(bob).secrets, [
		hex(nodeCrypto.sha256(bob.device.deviceId)),
	]);
	await town.visit(bob, mint);
	assert.equal(made.clerk(bob).secrets.length, 1);
});

test("a visit waits for the selling secret that it has asked for", async () => {
	const made = await SaleTown.make();
	const { town, bob, mint } = made;
	made.clerk(bob).wants = 0;
	const tetrad = await town.meet(bob, mint);
	mint.isSlowToSign = true;
	town.settle(bob, tetrad, mint);
	await town.quiet();
	assert.equal(bob.heard.length, 0);
	mint.isSlowToSign = false;
	mint.events.push(...mint.unsigned.splice(0));
	await town.quiet();
	assert.equal(made.clerk(bob).secrets.length, 1);
	assert.equal(bob.last("settled").code, "");
});

test("an issuer that knows of no sales declines a secret, and the visit goes on", async () => {
	const made = await SaleTown.make({ judge: undefined as never });
	const { town, bob, mint } = made;
	made.clerk(bob).wants = 0;
	const settled = await town.visit(bob, mint);
	assert.equal(settled.code, "");
	assert.deepEqual(made.clerk(bob).secrets, []);
	assert.ok(bob.reports.some(({ kind }) => kind === "trouble"));
});

/** Ann has bought one thing for 250. */
async function sold({
	before = () => {},
	...changes
}: {
	readonly keyHash?: Uint8Array;
	readonly before?: (made: SaleTown) => void;
} = {}) {
	const made = await SaleTown.make();
	const { town, ann, bob, mint } = made;
	before(made);
	const goods = made.goods(1, changes);
	await made.bought(goods);
	const clerks = { ann: made.clerk(ann), bob: made.clerk(bob) };
	return { made, town, ann, bob, mint, goods, clerks };
}
