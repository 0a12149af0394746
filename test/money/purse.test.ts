import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	done,
	FIRST_HEAD,
	historyView,
	messages,
	noteView,
	type PurseReport,
	put,
} from "../../src/money/index.ts";
import { MAX_OPEN_REQUESTS } from "../../src/money/purse/purse-limits.ts";
import {
	LOG,
	NOTES,
	PAYMENTS,
	RECEIPTS,
	REQUESTS,
} from "../../src/money/purse/purse-tables.ts";
import { hex } from "../../src/wire/index.ts";
import { DAY } from "../support/authority.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { contractOf, type Module, type TownOptions } from "./town.ts";
import { pay, type Two, two } from "./two-purses.ts";

function reportsOf<Kind extends PurseReport["kind"]>(
	{ reports }: Module,
	kind: Kind,
): Extract<PurseReport, { readonly kind: Kind }>[] {
	return reports.filter((report) => report.kind === kind) as never;
}

describe("a payment", () => {
	test("goes from withdrawal to deposit", async () => {
		const here = await two();
		const { town, mint, ann, bob } = here;
		assert.equal(town.balance(ann, mint).spendable, 1000n);
		await pay(here, 1, 250n);
		assert.equal(bob.last("expecting").contract, hex(contractOf(1)));
		assert.equal(ann.last("paid").receipt, bob.last("received").receipt);
		assert.equal(town.balance(ann, mint).spendable, 750n);
		assert.equal(town.balance(ann, mint).inDoubt, 0n);
		assert.equal(town.balance(bob, mint).toDeposit, 250n);
		const settled = await town.visit(bob, mint);
		assert.equal(settled.code, "", settled.reason);
		assert.equal(town.total(bob, mint), 0n);
		assert.equal(reportsOf(bob, "account").at(-1)?.balance, 250n);
		assert.equal(reportsOf(bob, "deposited").at(-1)?.credited, 250n);
		assert.deepEqual([ann.ended, bob.ended, mint.ended], [[], [], []]);
		assert.deepEqual(
			ann.store.rows(LOG).map((row) => historyView(row).what),
			["ordered", "withdrawn", "committed", "paid"],
		);
	});

	test("needs no issuer in reach, and can go both ways at once", async () => {
		const here = await two();
		const { town, mint, ann, bob, tetrad } = here;
		await town.withdraw(bob, mint, 1000n);
		town.die(mint);
		for (let i = 0; i < 5; i++) {
			town.expect(ann, tetrad, contractOf(i), 10n, mint);
			town.expect(bob, tetrad, contractOf(10 + i), 20n, mint);
			town.pay(ann, tetrad, contractOf(10 + i), 20n, mint);
			town.pay(bob, tetrad, contractOf(i), 10n, mint);
		}
		await town.quiet();
		assert.equal(town.balance(ann, mint).spendable, 900n);
		assert.equal(town.balance(ann, mint).toDeposit, 50n);
		assert.equal(town.balance(bob, mint).spendable, 950n);
		assert.equal(town.balance(bob, mint).toDeposit, 100n);
	});

	test("is one, however often it is asked for at once, and all hear of it", async () => {
		const { town, mint, ann, bob, tetrad } = await two();
		town.expect(bob, tetrad, contractOf(1), 250n, mint);
		await town.quiet();
		for (let i = 0; i < 100; i++)
			town.pay(ann, tetrad, contractOf(1), 250n, mint);
		await town.quiet();
		assert.equal(ann.heard.filter(({ kind }) => kind === "paid").length, 100);
		assert.equal(ann.store.rows(PAYMENTS).length, 1);
		assert.equal(town.balance(ann, mint).spendable, 750n);
		assert.equal(town.balance(bob, mint).toDeposit, 250n);
	});

	test("is answered by the same receipt later, and refused with other terms", async () => {
		const here = await two();
		const { town, mint, ann, bob, tetrad } = here;
		const cyd = await town.purse("cyd");
		await pay(here, 1, 250n);
		const { receipt } = ann.last("paid");
		const before = [ann.store.dump(), bob.store.dump()];
		await pay(here, 1, 250n);
		assert.equal(ann.last("paid").receipt, receipt);
		assert.equal(bob.last("received").receipt, receipt);
		await pay(here, 1, 251n);
		assert.equal(ann.last("failed").code, "payment-refused");
		assert.equal(ann.last("failed").isInDoubt, false);
		assert.equal(bob.last("failed").code, "payment-refused");
		const other = await town.meet(ann, cyd);
		town.pay(ann, other, contractOf(1), 250n, mint);
		town.part(bob, tetrad);
		await town.quiet();
		assert.equal(ann.last("failed").tetrad, other);
		assert.equal(ann.last("failed").code, "payment-refused");
		assert.deepEqual([ann.store.dump(), bob.store.dump()], before);
	});

	test("fails without change when the payee does not expect it, or does not answer", async () => {
		const { town, mint, ann, tetrad } = await two();
		const before = ann.store.dump();
		town.pay(ann, tetrad, contractOf(1), 250n, mint);
		await town.quiet();
		assert.equal(ann.last("failed").code, "payment-refused");
		town.pay(ann, tetrad, contractOf(1), 250n, mint);
		await town.work();
		town.wire.length = 0;
		assert.equal(ann.machine?.deadline, town.now + 30_000);
		await town.pass(29_000);
		assert.equal(ann.heard.filter(({ kind }) => kind === "failed").length, 1);
		await town.pass(1000);
		assert.equal(ann.last("failed").code, "timed-out");
		assert.equal(ann.last("failed").isInDoubt, false);
		assert.equal(ann.store.dump(), before);
	});

	test("is in doubt when it was delivered and not answered, until the four meet again", async () => {
		const { town, mint, ann, bob, tetrad } = await two();
		town.expect(bob, tetrad, contractOf(1), 250n, mint);
		await town.quiet();
		town.pay(ann, tetrad, contractOf(1), 250n, mint);
		await town.deliver(); // prepare
		await town.deliver(); // prepared
		town.wire.length = 0;
		assert.equal(ann.machine?.deadline, town.now + 30_000);
		await town.pass(30_000);
		assert.equal(ann.last("failed").code, "payment-in-doubt");
		assert.equal(ann.last("failed").isInDoubt, true);
		assert.equal(reportsOf(ann, "in-doubt").length, 1);
		assert.equal(town.balance(ann, mint).inDoubt, 250n);
		assert.equal(town.balance(ann, mint).spendable, 750n);
		town.part(ann, tetrad);
		await town.quiet();
		for (const module of [ann, bob]) town.restart(module);
		await town.meet(bob, ann);
		await town.quiet();
		assert.equal(town.balance(ann, mint).inDoubt, 0n);
		assert.equal(town.balance(bob, mint).toDeposit, 250n);
		assert.equal(reportsOf(ann, "paid").length, 1);
		assert.equal(reportsOf(bob, "received").length, 1);
	});

	test("is delivered again with others as far as the way to the payee can take them", async () => {
		const here = await two();
		const { town, mint, ann, bob } = here;
		town.expect(bob, here.tetrad, contractOf(1), 100n, mint);
		await town.quiet();
		town.pay(ann, here.tetrad, contractOf(1), 100n, mint);
		await town.deliver(); // prepare
		await town.deliver(); // prepared
		town.wire.length = 0;
		const [row] = ann.store.rows(PAYMENTS);
		assert.ok(row);
		// Payments in very many pieces.
		const notes = messages.encodeList(Array(60).fill(new Uint8Array(746)));
		assert.equal(notes.length, 45_000);
		for (let i = 2; i < 500; i++)
			ann.store.run(
				done([put(PAYMENTS, { ...row, contract: contractOf(i), notes })], i),
			);
		town.restart(ann);
		await town.quiet();
		let bytes = 0;
		town.sent = (sent) => {
			if (sent[0] === messages.BETWEEN_MODULES.deliver.type)
				bytes += sent.length;
		};
		await town.meet(ann, bob);
		assert.ok(bytes > 4_000_000 && bytes < 2 ** 22, `${bytes} bytes`);
	});

	test("is not committed after the payee's terms have run out", async () => {
		const { town, mint, ann, bob, tetrad } = await two();
		town.expect(bob, tetrad, contractOf(1), 250n, mint);
		await town.quiet();
		ann.isSlowToSign = true;
		town.pay(ann, tetrad, contractOf(1), 250n, mint);
		await town.quiet();
		const before = ann.store.dump();
		town.now += 120_000;
		ann.events.push(...ann.unsigned.splice(0));
		await town.quiet();
		assert.equal(ann.last("failed").code, "timed-out");
		assert.equal(ann.store.dump(), before);
	});
});

describe("payments at once", () => {
	test("share one note, whatever order their signatures come in", async () => {
		const { town, mint, ann, bob, tetrad } = await two();
		ann.isSlowToSign = true;
		for (let i = 0; i < 8; i++) {
			town.expect(bob, tetrad, contractOf(i), 100n, mint);
			town.pay(ann, tetrad, contractOf(i), 100n, mint);
		}
		await town.quiet();
		assert.equal(ann.unsigned.length, 8);
		ann.events.push(...ann.unsigned.splice(0).toReversed());
		await town.quiet();
		assert.equal(ann.heard.filter(({ kind }) => kind === "paid").length, 8);
		const [note] = ann.store.rows(NOTES);
		assert.ok(note);
		assert.equal(noteView(note, town.now).left, 200n);
		town.requireConserved(mint);
	});

	test("are paid out of other ranges when one before them cannot be written", async () => {
		const { town, mint, ann, bob, tetrad } = await two();
		ann.isSlowToSign = true;
		for (let i = 0; i < 3; i++) {
			town.expect(bob, tetrad, contractOf(i), 300n, mint);
			town.pay(ann, tetrad, contractOf(i), 300n, mint);
		}
		await town.quiet();
		const [first, ...others] = ann.unsigned.splice(0);
		assert.ok(first);
		ann.store.isFull = true;
		ann.events.push(first);
		await town.quiet();
		assert.equal(ann.last("failed").code, "store-full");
		ann.store.isFull = false;
		ann.isSlowToSign = false;
		ann.events.push(...others);
		await town.quiet();
		assert.equal(ann.heard.filter(({ kind }) => kind === "paid").length, 2);
		assert.equal(town.balance(ann, mint).spendable, 400n);
		town.requireConserved(mint);
		await town.visit(bob, mint);
		assert.equal(town.account(mint, bob), 600n);
	});

	test("are signed anew when one before them was not written after all", async () => {
		const { town, mint, ann, bob, tetrad } = await two();
		ann.isSlowToSign = true;
		for (let i = 0; i < 3; i++) {
			town.expect(bob, tetrad, contractOf(i), 300n, mint);
			town.pay(ann, tetrad, contractOf(i), 300n, mint);
		}
		await town.quiet();
		// All three transactions are under way when the first of them fails.
		ann.isSlowToSign = false;
		ann.store.refuse = 1;
		ann.events.push(...ann.unsigned.splice(0));
		await town.quiet();
		assert.equal(ann.heard.filter(({ kind }) => kind === "failed").length, 1);
		assert.equal(ann.heard.filter(({ kind }) => kind === "paid").length, 2);
		assert.equal(town.balance(ann, mint).spendable, 400n);
		town.requireConserved(mint);
	});

	test("are given up when their tetrad closes first, and their ranges are free again", async () => {
		const here = await two();
		const { town, mint, ann, bob, tetrad } = here;
		ann.isSlowToSign = true;
		for (let i = 0; i < 3; i++) {
			town.expect(bob, tetrad, contractOf(i), 300n, mint);
			town.pay(ann, tetrad, contractOf(i), 300n, mint);
		}
		await town.quiet();
		town.part(ann, tetrad);
		await town.quiet();
		ann.isSlowToSign = false;
		ann.events.push(...ann.unsigned.splice(0));
		await town.quiet();
		assert.equal(ann.store.rows(PAYMENTS).length, 0);
		await pay({ ...here, tetrad: await town.meet(ann, bob) }, 9, 1000n);
		assert.equal(ann.last("paid").amount, 1000n);
	});
});

describe("what a purse pays with", () => {
	test("is as much as it has, and not a unit more", async () => {
		const here = await two([60n, 40n]);
		const { town, mint, ann } = here;
		await pay(here, 1, 101n);
		assert.equal(ann.last("failed").code, "insufficient-funds");
		await pay(here, 2, 100n);
		assert.equal(ann.last("paid").amount, 100n);
		assert.equal(town.balance(ann, mint).spendable, 0n);
	});

	test("expires first, and is in as few pieces as can be", async () => {
		const here = await two([10n, 500n, 20n], { noteDays: 30 });
		const { town, mint, ann } = here;
		await pay(here, 1, 400n);
		const spent = () =>
			ann.store
				.rows(NOTES)
				.toSorted((a, b) => Number(a.value - b.value))
				.map(({ spent }) => spent);
		assert.deepEqual(spent(), [0n, 0n, 400n]);
		town.now += 60_000;
		await town.withdraw(ann, mint, 900n);
		await pay(here, 2, 110n);
		assert.deepEqual(spent(), [0n, 10n, 500n, 0n]);
	});

	test("is at most 64 pieces, and then the largest", async () => {
		const here = await two(Array.from({ length: 70 }, (_, i) => BigInt(i + 1)));
		const { town, mint, ann } = here;
		const most = 70n * 35n + 35n;
		await pay(here, 1, most);
		assert.equal(ann.last("failed").code, "insufficient-funds");
		assert.match(ann.last("failed").reason, /more pieces/);
		await pay(here, 2, most - 21n);
		assert.equal(ann.last("paid").amount, most - 21n);
		town.requireConserved(mint);
	});

	test("does not expire before its payee could deposit it", async () => {
		const here = await two();
		const { town, ann } = here;
		const [note] = ann.store.rows(NOTES);
		town.now = Number(note?.expires) - 3_600_000;
		await pay(here, 1, 100n);
		assert.equal(ann.last("failed").code, "insufficient-funds");
	});
});

describe("what a purse takes", () => {
	test("is limited until it is deposited, also across a restart", async () => {
		const here = await two([1000n], { limits: { software: 300n } });
		const { town, mint, ann, bob } = here;
		await pay(here, 1, 250n);
		await pay(here, 2, 51n);
		assert.match(ann.last("failed").reason, /deposit/);
		town.restart(bob);
		const again = { ...here, tetrad: await town.meet(ann, bob) };
		await pay(again, 2, 51n);
		assert.match(ann.last("failed").reason, /deposit/);
		await pay(again, 3, 50n);
		assert.equal(ann.last("paid").amount, 50n);
		await town.visit(bob, mint);
		await pay(again, 4, 300n);
		assert.equal(ann.last("paid").amount, 300n);
	});

	test("is one payment for a contract, from whoever is the first to agree", async () => {
		const here = await two();
		const { town, mint, bob } = here;
		const cyd = await town.purse("cyd");
		await town.withdraw(cyd, mint, 1000n);
		const other = { ...here, ann: cyd, tetrad: await town.meet(cyd, bob) };
		const CONTRACT = contractOf(1);
		for (const { tetrad } of [here, other])
			town.expect(bob, tetrad, CONTRACT, 100n, mint);
		await town.quiet();
		for (const { ann, tetrad } of [here, other])
			town.pay(ann, tetrad, CONTRACT, 100n, mint);
		await town.quiet();
		assert.equal(here.ann.last("paid").amount, 100n);
		assert.equal(cyd.last("failed").isInDoubt, false);
		assert.equal(town.balance(cyd, mint).spendable, 1000n);
		assert.equal(town.balance(bob, mint).toDeposit, 100n);
	});

	test("is nothing from a level without a limit", async () => {
		const here = await two([1000n], { limits: { tpm: 300n } });
		await pay(here, 1, 1n);
		assert.equal(here.ann.last("failed").code, "payment-refused");
	});

	test("counts what was promised, until its payer can commit no more", async () => {
		const here = await two([1000n], { limits: { software: 300n } });
		const { town, mint, ann, bob, tetrad } = here;
		town.expect(bob, tetrad, contractOf(1), 300n, mint);
		await town.quiet();
		ann.isSlowToSign = true;
		town.pay(ann, tetrad, contractOf(1), 300n, mint);
		await town.quiet();
		await pay(here, 2, 1n);
		assert.match(ann.last("failed").reason, /deposit/);
		await town.pass(120_000);
		ann.isSlowToSign = false;
		town.pay(ann, tetrad, contractOf(2), 1n, mint);
		await town.quiet();
		ann.events.push(...ann.unsigned.splice(0));
		await town.quiet();
		assert.equal(ann.last("paid").amount, 1n);
	});
});

describe("business with an issuer", () => {
	test("an order is carried out once, and only the owner's", async () => {
		const { town, mint, ann } = await two();
		town.fund(mint, ann, 500n);
		const request = nodeCrypto.random(16);
		for (let i = 0; i < 3; i++) await town.order(ann, mint, 200n, request);
		ann.events.push({ kind: "order", document: new Uint8Array(200) });
		await town.work();
		assert.equal(reportsOf(ann, "trouble").length, 1);
		for (let i = 0; i < 2; i++) await town.visit(ann, mint);
		await town.order(ann, mint, 200n, request);
		await town.visit(ann, mint);
		assert.equal(town.balance(ann, mint).spendable, 1200n);
		assert.equal(town.account(mint, ann), 300n);
	});

	test("a withdrawal that the account cannot bear is declined, once", async () => {
		const { town, mint, ann } = await two();
		await town.order(ann, mint, 200n);
		assert.equal((await town.visit(ann, mint)).code, "issuer-refused");
		assert.equal((await town.visit(ann, mint)).code, "");
		assert.equal(town.balance(ann, mint).spendable, 1000n);
	});

	test("only an issuer whose terms are known is settled with", async () => {
		const { town, mint, ann, tetrad } = await two();
		town.settle(ann, tetrad, mint);
		await town.quiet();
		assert.equal(ann.last("settled").code, "issuer-refused");
	});

	test("an issuer that does not answer is asked again later", async () => {
		const { town, mint, ann } = await two();
		town.fund(mint, ann, 200n);
		await town.order(ann, mint, 200n);
		const tetrad = await town.meet(ann, mint);
		town.settle(ann, tetrad, mint);
		await town.work();
		assert.equal(ann.machine?.deadline, town.now + 30_000);
		await town.deliver(); // hello
		await town.deliver(); // welcome
		town.wire.length = 0;
		await town.pass(30_000);
		assert.equal(ann.last("settled").code, "timed-out");
		assert.equal((await town.visit(ann, mint)).code, "");
		assert.equal(town.balance(ann, mint).spendable, 1200n);
	});

	test("an answer that comes twice, or that nobody waits for, changes nothing", async () => {
		const { town, mint, ann } = await two();
		town.fund(mint, ann, 200n);
		await town.order(ann, mint, 200n);
		const tetrad = await town.meet(ann, mint);
		town.settle(ann, tetrad, mint);
		await town.work();
		for (let i = 0; town.wire.length > 0; i++) {
			assert.ok(i < 100);
			const [wired] = town.wire;
			if (wired?.to === ann && i < 50) town.wire.unshift(wired);
			await town.deliver();
			if (wired?.to === ann) await town.deliver();
		}
		assert.equal(ann.last("settled").code, "");
		assert.equal(town.balance(ann, mint).spendable, 1200n);
		assert.equal(ann.store.rows(NOTES).length, 2);
		assert.deepEqual(ann.ended, []);
	});

	test("many deposits are made, a few at a time", async () => {
		const here = await two();
		const { town, mint, bob, tetrad } = here;
		for (let i = 0; i < 50; i++) {
			town.expect(bob, tetrad, contractOf(i), 3n, mint);
			town.pay(here.ann, tetrad, contractOf(i), 3n, mint);
		}
		await town.quiet();
		assert.equal(town.balance(bob, mint).toDeposit, 150n);
		await town.visit(bob, mint);
		assert.equal(town.total(bob, mint), 0n);
		assert.equal(town.account(mint, bob), 150n);
	});

	test("deposits whose answers a purse does not know that was put back are all found, though not at once", async () => {
		const here = await two();
		const { town, mint, ann, bob, tetrad } = here;
		for (let i = 0; i < 30; i++) {
			town.expect(bob, tetrad, contractOf(i), 3n, mint);
			town.pay(ann, tetrad, contractOf(i), 3n, mint);
		}
		await town.quiet();
		const { store } = bob;
		bob.store = store.copy();
		await town.visit(bob, mint);
		assert.equal(town.total(bob, mint), 0n);
		town.die(bob);
		bob.store = store;
		town.restart(bob);
		const toDeposit = () => town.balance(bob, mint).toDeposit;
		assert.equal(toDeposit(), 90n);
		// Of all that it may ask in vain, 16 requests are left.
		const visit = await town.meet(bob, mint);
		for (let i = 0; i < 240; i++) {
			const request = nodeCrypto.random(16);
			const bytes = messages.message(messages.WITH_ISSUER.withdraw, {
				request,
				amount: 1000n,
			});
			town.wire.push({ to: mint, tetrad: visit, bytes });
			await town.quiet();
		}
		await town.visit(bob, mint);
		assert.equal(toDeposit(), 3n * (30n - 16n));
		town.now += 15 * 60_000;
		await town.visit(bob, mint);
		assert.equal(toDeposit(), 0n);
		assert.equal(town.account(mint, bob), 90n);
		town.requireConserved(mint);
	});

	test("what became of many payments in doubt is told in one visit, and in the next one", async () => {
		const here = await two();
		const { town, mint, ann } = here;
		const DOUBTS = 300;
		await pay(here, 0, 1n);
		const [row] = ann.store.rows(PAYMENTS);
		assert.ok(row);
		for (let i = 1; i <= DOUBTS; i++)
			ann.store.run(
				done(
					[
						put(PAYMENTS, {
							...row,
							contract: contractOf(i),
							transfer_id: contractOf(10_000 + i),
							state: "committed",
							in_doubt: 1n,
						}),
					],
					i,
				),
			);
		town.restart(ann);
		for (let i = 0; i < 2; i++) {
			let asked = 0;
			town.sent = ([type]) => {
				if (type === messages.WITH_ISSUER.inquire.type) asked++;
			};
			assert.equal((await town.visit(ann, mint)).code, "");
			assert.equal(asked, DOUBTS);
		}
	});

	test("an issuer that declines the last question of a visit is heard", async () => {
		const { town, mint, ann } = await two();
		const tetrad = await town.meet(ann, mint);
		town.settle(ann, tetrad, mint);
		await town.work();
		const { WITH_ISSUER } = messages;
		while (town.wire.length > 0) {
			for (const [i, wired] of town.wire.entries())
				if (wired.bytes?.[0] === WITH_ISSUER.account.type) {
					const { request } = messages.body(WITH_ISSUER.account, wired.bytes);
					const code = "busy";
					const reason = "later";
					const bytes = messages.message(WITH_ISSUER.declined, {
						request,
						code,
						reason,
					});
					town.wire[i] = { ...wired, bytes };
				}
			await town.deliver();
		}
		assert.equal(ann.last("settled").tetrad, tetrad);
		assert.equal(ann.last("settled").code, "busy");
		assert.match(ann.last("settled").reason, /later/);
	});

	test("what an account has no room for is deposited when it has", async () => {
		const MOST = 2n ** 63n - 1n;
		const here = await two([MOST], { limits: { software: MOST } });
		const { town, mint, ann, bob } = here;
		town.fund(mint, bob, MOST - 99n);
		await pay(here, 1, 100n);
		assert.equal((await town.visit(bob, mint)).code, "busy");
		assert.equal(town.balance(bob, mint).toDeposit, 100n);
		town.giveBack(ann, mint);
		assert.equal((await town.visit(ann, mint)).code, "");
		await town.order(bob, mint, 1n);
		await town.visit(bob, mint);
		assert.equal((await town.visit(bob, mint)).code, "");
		assert.equal(town.account(mint, bob), MOST);
		assert.equal(town.account(mint, ann), MOST - 100n);
		assert.equal(town.balance(bob, mint).toDeposit, 0n);
	});

	test("what its payer spent twice is lost, and the owner is told", async () => {
		const here = await two();
		const { town, mint, ann, bob } = here;
		const cyd = await town.purse("cyd");
		const copied = ann.store.copy();
		await pay(here, 1, 400n);
		ann.store = copied;
		ann.head = FIRST_HEAD;
		town.restart(ann);
		await pay(
			{ ...here, bob: cyd, tetrad: await town.meet(ann, cyd) },
			2,
			300n,
		);
		await town.visit(bob, mint);
		assert.equal((await town.visit(cyd, mint)).code, "");
		assert.equal(town.account(mint, bob), 400n);
		assert.equal(town.account(mint, cyd), 0n);
		assert.equal(town.total(cyd, mint), 0n);
		assert.equal(reportsOf(cyd, "deposited")[0]?.credited, 0n);
		assert.equal(reportsOf(cyd, "trouble")[0]?.error.code, "double-spent");
	});

	test("everything is given back when the owner says so", async () => {
		const here = await two(Array.from({ length: 70 }, () => 10n));
		const { town, mint, ann } = here;
		await pay(here, 1, 5n);
		town.giveBack(ann, mint);
		assert.equal((await town.visit(ann, mint)).code, "");
		assert.equal(town.total(ann, mint), 0n);
		assert.equal(town.account(mint, ann), 695n);
		town.requireConserved(mint);
	});

	test("notes are exchanged in the last part of their life, and not before", async () => {
		const here = await two([100n, 200n], { noteDays: 8 });
		const { town, mint, ann } = here;
		await pay(here, 1, 50n);
		const ids = () => ann.store.rows(NOTES).map(({ id }) => hex(id));
		const [first] = ids();
		town.now += 5 * DAY;
		await town.visit(ann, mint);
		assert.equal(ids().length, 2);
		town.now += 1.5 * DAY;
		await town.visit(ann, mint);
		assert.equal(ids().length, 3);
		assert.ok(first && ids().includes(first));
		assert.equal(town.balance(ann, mint).spendable, 250n);
		assert.equal(town.balance(ann, mint).inDoubt, 0n);
		assert.equal(reportsOf(ann, "exchanged").length, 1);
		town.now += 4 * DAY;
		await pay(here, 2, 250n);
		assert.equal(ann.last("paid").amount, 250n);
	});

	test("what expired is claimed after the grace, and what was in doubt is resolved", async () => {
		const here = await two([1000n], { noteDays: 10, graceDays: 2 });
		const { town, mint, ann, bob, tetrad } = here;
		await pay(here, 1, 100n);
		await town.visit(bob, mint);
		town.expect(bob, tetrad, contractOf(2), 300n, mint);
		await town.quiet();
		town.pay(ann, tetrad, contractOf(2), 300n, mint);
		await town.deliver(); // prepare
		await town.deliver(); // prepared
		town.wire.length = 0;
		await town.pass(30_000);
		town.now += 10 * DAY;
		assert.equal(town.balance(ann, mint).toClaim, 600n);
		assert.equal(town.balance(ann, mint).inDoubt, 300n);
		await town.visit(ann, mint);
		assert.equal(town.total(ann, mint), 900n);
		town.now += 2 * DAY;
		await town.visit(ann, mint);
		assert.equal(town.total(ann, mint), 0n);
		assert.equal(town.account(mint, ann), 900n);
		assert.equal(reportsOf(ann, "claimed").at(-1)?.amount, 600n);
		assert.equal(reportsOf(ann, "void").at(-1)?.amount, 300n);
		town.requireConserved(mint);
		// What came back is not delivered any more, and not paid either.
		await pay(here, 2, 300n);
		assert.equal(ann.last("failed").code, "payment-refused");
		assert.equal(town.balance(bob, mint).toDeposit, 0n);
	});

	test("so many orders may wait for an issuer, and no more", async () => {
		const { town, mint, ann } = await two([1n]);
		await town.order(ann, mint, 1n);
		await town.work();
		const row = ann.store
			.rows(REQUESTS)
			.find(({ state }) => state === "ordered");
		assert.ok(row);
		const writes = Array.from({ length: MAX_OPEN_REQUESTS - 2 }, (_, i) =>
			put(REQUESTS, { ...row, request: contractOf(i).subarray(16) }),
		);
		ann.store.run(done(writes, undefined));
		town.restart(ann);
		await town.order(ann, mint, 2n);
		await town.work();
		assert.equal(reportsOf(ann, "ordered").at(-1)?.amount, 2n);
		await town.order(ann, mint, 3n);
		await town.work();
		assert.equal(reportsOf(ann, "ordered").at(-1)?.amount, 2n);
		assert.equal(reportsOf(ann, "trouble").at(-1)?.error.code, "busy");
	});

	test("a withdrawal that is declined in one tetrad and carried out in another one is there", async () => {
		const { town, mint, ann } = await two([1n]);
		await town.order(ann, mint, 50n);
		const poor = await town.meet(ann, mint);
		const later = await town.meet(ann, mint);
		const asks: (typeof town.wire)[number][] = [];
		for (const tetrad of [poor, later]) town.settle(ann, tetrad, mint);
		await town.work();
		const withdraw = messages.WITH_ISSUER.withdraw.type;
		for (;;) {
			const at = town.wire.findIndex(({ bytes }) => bytes?.[0] === withdraw);
			if (at >= 0) asks.push(...town.wire.splice(at, 1));
			else if (town.wire.length > 0) await town.deliver();
			else break;
		}
		assert.deepEqual(
			asks.map(({ tetrad }) => tetrad),
			[poor, later],
		);
		town.wire.push(...asks.splice(0, 1));
		await town.quiet();
		const asked = ann.store.rows(REQUESTS).find(({ amount }) => amount === 50n);
		assert.equal(asked?.state, "ordered", "the other one was not answered");
		town.fund(mint, ann, 50n);
		town.wire.push(...asks);
		await town.quiet();
		assert.equal(town.balance(ann, mint).spendable, 51n);
		assert.equal(reportsOf(ann, "withdrawn").at(-1)?.amount, 50n);
	});

	test("what the issuer does not let be claimed yet is not claimed again within the hour", async () => {
		const { town, mint, ann } = await two([1000n], {
			...{ noteDays: 10, graceDays: 2 },
		});
		let claims = 0;
		town.sent = ([type]) => {
			if (type === messages.WITH_ISSUER.claim.type) claims++;
		};
		const visited = async (later: number) => {
			const before = claims;
			town.now += later;
			await town.visit(ann, mint);
			return claims - before;
		};
		ann.clockAhead = 3 * DAY;
		const HOUR = 3_600_000;
		assert.equal(await visited(10 * DAY), 1);
		assert.equal(await visited(HOUR - 1), 0);
		assert.equal(await visited(1), 1);
		// A clock that was set back says nothing of when that was.
		ann.clockAhead -= HOUR;
		assert.equal(await visited(1), 1);
		assert.equal(town.account(mint, ann), 0n);
		assert.equal(await visited(2 * DAY), 1);
		assert.equal(town.account(mint, ann), 1000n);
	});
});

describe("what was committed", () => {
	/** Ann has committed 300 to Bob, and no byte of it has left her. */
	async function committed(options: TownOptions): Promise<Two> {
		const here = await two([1000n], options);
		const { town, mint, ann, bob, tetrad } = here;
		town.expect(bob, tetrad, contractOf(1), 300n, mint);
		await town.quiet();
		town.pay(ann, tetrad, contractOf(1), 300n, mint);
		await town.deliver(); // prepare
		await town.deliver(); // prepared
		return here;
	}

	test("is never claimed, and its payee can deposit it until the grace is over", async () => {
		const here = await committed({ noteDays: 10, graceDays: 2 });
		const { town, mint, ann, bob } = here;
		await town.deliver(); // deliver
		town.wire.length = 0;
		assert.equal(town.balance(bob, mint).toDeposit, 300n);
		// Its own clock is wrong: it claims what it has left, and has what it gave away resolved.
		ann.clockAhead = 13 * DAY;
		town.now += 11 * DAY;
		await town.visit(ann, mint);
		assert.equal(town.account(mint, ann), 0n);
		assert.equal(town.account(mint, bob), 300n);
		assert.equal((await town.visit(bob, mint)).code, "");
		assert.equal(town.account(mint, bob), 300n);
		assert.equal(reportsOf(bob, "deposited")[0]?.credited, 300n);
		ann.clockAhead = 0;
		town.now += 1 * DAY;
		await town.visit(ann, mint);
		assert.equal(town.account(mint, ann), 700n);
		assert.equal(town.total(ann, mint), 0n);
		town.requireConserved(mint);
	});

	test("comes back when nobody had it booked, and is void then", async () => {
		const here = await committed({ noteDays: 10, graceDays: 2 });
		const { town, mint, ann, bob } = here;
		const [deliver] = town.wire.splice(0);
		assert.ok(deliver);
		town.now += 12 * DAY;
		assert.equal((await town.visit(ann, mint)).code, "");
		assert.equal(town.account(mint, ann), 1000n);
		assert.equal(town.total(ann, mint), 0n);
		assert.equal(ann.store.rows(PAYMENTS)[0]?.state, "lapsed");
		assert.deepEqual(
			ann.store
				.rows(LOG)
				.map((row) => historyView(row).what)
				.slice(-4),
			["claiming", "resolving", "claimed", "void"],
		);
		town.requireConserved(mint);
		await pay({ ...here, tetrad: await town.meet(ann, bob) }, 1, 300n);
		assert.equal(ann.last("failed").code, "payment-refused");
	});

	test("for an exchange that the issuer's clock forbids is asked for again, and resolved when it is over", async () => {
		const { town, mint, ann } = await two([1000n], {
			noteDays: 10,
			graceDays: 2,
		});
		mint.clockAhead = 50 * DAY;
		town.giveBack(ann, mint);
		assert.equal((await town.visit(ann, mint)).code, "issuer-refused");
		assert.equal(town.balance(ann, mint).inDoubt, 1000n);
		mint.clockAhead = 0;
		assert.equal((await town.visit(ann, mint)).code, "");
		assert.equal(town.account(mint, ann), 1000n);
		await town.order(ann, mint, 1000n);
		await town.visit(ann, mint);
		mint.clockAhead = 50 * DAY;
		town.giveBack(ann, mint);
		await town.visit(ann, mint);
		assert.equal(town.balance(ann, mint).inDoubt, 1000n);
		mint.clockAhead = 0;
		town.now += 12 * DAY;
		await town.visit(ann, mint);
		assert.equal(town.total(ann, mint), 0n);
		assert.equal(town.account(mint, ann), 1000n);
		assert.equal((await town.visit(ann, mint)).code, "");
		town.requireConserved(mint);
	});
});

describe("a deposit that the issuer declines", () => {
	test("is asked for again, under another id, until the issuer's clock is right", async () => {
		const here = await two();
		const { town, mint, ann, bob } = here;
		await pay(here, 1, 250n);
		mint.clockAhead = 100 * DAY;
		const sent = new Set<string>();
		town.sent = (bytes) => {
			const { WITH_ISSUER, body } = messages;
			if (bytes[0] === WITH_ISSUER.deposit.type)
				sent.add(hex(body(WITH_ISSUER.deposit, bytes).request));
		};
		for (let i = 0; i < 3; i++) {
			assert.equal((await town.visit(bob, mint)).code, "issuer-refused");
			assert.equal(town.balance(bob, mint).toDeposit, 250n);
			town.requireConserved(mint);
		}
		assert.equal(sent.size, 3);
		await town.visit(ann, mint);
		mint.clockAhead = 0;
		assert.equal((await town.visit(bob, mint)).code, "");
		assert.equal(town.account(mint, bob), 250n);
		assert.equal(town.total(bob, mint), 0n);
		assert.equal(town.total(ann, mint), 750n);
		assert.equal(town.account(mint, ann), 0n);
		town.requireConserved(mint);
	});

	test("is asked for again when the issuer was started once on an empty ledger", async () => {
		const here = await two();
		const { town, mint, bob } = here;
		await pay(here, 1, 250n);
		const { store } = mint;
		mint.store = new MemoryStore();
		town.restart(mint);
		assert.equal((await town.visit(bob, mint)).code, "note-unknown");
		assert.equal(town.balance(bob, mint).toDeposit, 250n);
		mint.store = store;
		town.restart(mint);
		town.restart(bob);
		assert.equal((await town.visit(bob, mint)).code, "");
		assert.equal(town.account(mint, bob), 250n);
		assert.equal(town.total(bob, mint), 0n);
	});

	test("is given up when the payee's own clock says that its notes and the grace are over", async () => {
		const here = await two([1000n], { noteDays: 10, graceDays: 2 });
		const { town, mint, bob } = here;
		await pay(here, 1, 250n);
		mint.clockAhead = 20 * DAY;
		town.now += 12 * DAY - 1;
		assert.equal((await town.visit(bob, mint)).code, "issuer-refused");
		assert.equal(town.balance(bob, mint).toDeposit, 250n);
		town.now += 1;
		assert.equal((await town.visit(bob, mint)).code, "issuer-refused");
		assert.equal(town.balance(bob, mint).toDeposit, 0n);
		assert.equal((await town.visit(bob, mint)).code, "");
		assert.equal(bob.store.rows(RECEIPTS)[0]?.state, "refused");
	});

	test("is asked for again when the payee's own clock, by which it was given up, was ahead", async () => {
		const here = await two();
		const { town, mint, bob } = here;
		await pay(here, 1, 250n);
		const { store } = mint;
		mint.store = new MemoryStore();
		town.restart(mint);
		bob.clockAhead = 100 * DAY;
		assert.equal((await town.visit(bob, mint)).code, "note-unknown");
		assert.equal(bob.store.rows(RECEIPTS)[0]?.state, "refused");
		mint.store = store;
		town.restart(mint);
		bob.clockAhead = 0;
		assert.equal((await town.visit(bob, mint)).code, "");
		assert.equal(bob.store.rows(RECEIPTS)[0]?.state, "deposited");
		assert.equal(town.account(mint, bob), 250n);
		town.requireConserved(mint);
		// It counted against what may be held undeposited, once, and does not any more.
		await pay(here, 2, 250n);
		assert.equal((await town.visit(bob, mint)).code, "");
		assert.equal(town.account(mint, bob), 500n);
	});
});

describe("bytes that are no messages", () => {
	test("end the tetrad of whoever sends them, and nothing else", async () => {
		const { town, mint, ann, bob, tetrad } = await two();
		const before = ann.store.dump();
		for (const { type } of Object.values({
			...messages.BETWEEN_MODULES,
			...messages.WITH_ISSUER,
			...messages.WITH_AGENT,
		}))
			for (const kind of ["from-agent", "from-module"] as const) {
				const other = await town.meet(ann, bob);
				const bytes = Uint8Array.of(type, 1, 2, 3);
				ann.events.push({ kind, tetrad: other, bytes });
				await town.quiet();
				assert.ok(!ann.tetrads.has(other));
			}
		assert.equal(ann.store.dump(), before);
		assert.ok(ann.tetrads.has(tetrad));
		town.expect(bob, tetrad, contractOf(1), 10n, mint);
		town.pay(ann, tetrad, contractOf(1), 10n, mint);
		await town.quiet();
		assert.equal(ann.last("paid").amount, 10n);
	});
});
