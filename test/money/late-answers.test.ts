import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	findToArchive,
	messages,
	openArchive,
	pruneArchived,
	REQUEST_ID_BYTES,
} from "../../src/money/index.ts";
import {
	NOTES,
	PAYMENTS,
	RECEIPTS,
	REQUESTS,
} from "../../src/money/purse/purse-tables.ts";
import { enc } from "../../src/wire/index.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { contractOf, type Module, Town } from "./town.ts";

const { body, message } = messages;

/* An answer of an issuer that comes much later than it was given, and what else is to be settled then. */

const DAY = 86_400_000;

interface Scene {
	readonly town: Town;
	readonly mint: Module;
	readonly ann: Module;
	readonly bob: Module;
}

async function scene(): Promise<Scene> {
	const town = await Town.make({ noteDays: 20, graceDays: 2 });
	const mint = await town.issuer();
	const ann = await town.purse("ann");
	const bob = await town.purse("bob");
	return { town, mint, ann, bob };
}

async function pay(
	{ town, mint }: Scene,
	payer: Module,
	payee: Module,
	amount: bigint,
): Promise<void> {
	const contract = contractOf(1);
	const tetrad = await town.meet(payer, payee);
	town.expect(payee, tetrad, contract, amount, mint);
	await town.quiet();
	town.pay(payer, tetrad, contract, amount, mint);
	await town.quiet();
	assert.equal(payer.heard.at(-1)?.kind, "paid");
	town.part(payer, tetrad);
	await town.quiet();
}

/** Ann's withdrawal of 500 is carried out, and she never hears of it. Bob has paid her 300, which she has not deposited. */
async function lostWithdrawal(): Promise<Scene> {
	const here = await scene();
	const { town, mint, ann, bob } = here;
	await town.withdraw(bob, mint, 1000n);
	await pay(here, bob, ann, 300n);
	town.fund(mint, ann, 500n);
	// What is declined first is told, and requests go by their names.
	await town.order(ann, mint, 500n, new Uint8Array(REQUEST_ID_BYTES));
	const tetrad = await town.meet(ann, mint);
	town.settle(ann, tetrad, mint);
	await town.work();
	while (town.account(mint, ann) > 0n) await town.deliver();
	town.wire.length = 0;
	town.part(ann, tetrad);
	await town.quiet();
	town.restart(ann);
	return here;
}

describe("notes whose answer was lost come all the same", () => {
	test("when the certificate that signed them is listed by now, and are exchanged", async () => {
		const { town, mint, ann } = await lostWithdrawal();
		const old = mint.device;
		await town.recertify(mint);
		await town.distrust(old, ann);
		assert.equal((await town.visit(ann, mint)).code, "");
		const { spendable, toDeposit } = town.balance(ann, mint);
		assert.deepEqual([spendable, toDeposit], [500n, 0n]);
		town.requireConserved(mint);
	});

	test("when that certificate has expired, and are claimed", async () => {
		const { town, mint, ann } = await lostWithdrawal();
		town.now += 400 * DAY;
		await town.visit(ann, mint);
		assert.equal(town.total(ann, mint), 0n);
		assert.equal(town.account(mint, ann), 500n);
	});
});

describe("a withdrawal whose answer may have been lost", () => {
	/** The issuer is started on an empty ledger, until it is put right. */
	function onEmptyLedger({ town, mint }: Scene): () => void {
		const { store } = mint;
		const start = (on: MemoryStore) => {
			town.die(mint);
			mint.store = on;
			town.restart(mint);
		};
		start(new MemoryStore());
		return () => start(store);
	}

	const stateOf = ({ store }: Module) =>
		store.rows(REQUESTS).find(({ kind }) => kind === "withdraw")?.state;

	const troubles = ({ reports }: Module) =>
		reports.flatMap((report) =>
			report.kind === "trouble" ? [report.error.message] : [],
		);

	test("stays ordered while an empty ledger declines it, and the right one has the notes", async () => {
		const here = await lostWithdrawal();
		const { town, mint, ann } = here;
		const putRight = onEmptyLedger(here);
		for (let i = 0; i < 3; i++) {
			const settled = await town.visit(ann, mint);
			assert.equal(settled.code, "issuer-refused");
			assert.match(settled.reason, /the issuer says/);
			assert.equal(stateOf(ann), "ordered");
			town.restart(ann);
			town.now += DAY;
		}
		const until = new Date(town.now + 27 * DAY).toISOString();
		assert.ok(
			troubles(ann).some(
				(said) =>
					said.startsWith("5.00 COIN stay ordered") && said.includes(until),
			),
			troubles(ann).join("\n"),
		);
		putRight();
		assert.equal((await town.visit(ann, mint)).code, "");
		assert.equal(stateOf(ann), "answered");
		assert.equal(town.account(mint, ann) + town.total(ann, mint), 800n);
		town.requireConserved(mint);
	});

	/** Meets the issuer once every so many days. */
	async function meetEvery(
		{ town, mint, ann }: Scene,
		days: number,
		times: number,
	): Promise<void> {
		for (let i = 0; i < times; i++) {
			town.now += days * DAY;
			await town.visit(ann, mint);
		}
	}

	test("is given up when it was declined for 30 days, and not by the time alone", async () => {
		const here = await lostWithdrawal();
		const { town, mint, ann } = here;
		town.now += 400 * DAY;
		onEmptyLedger(here);
		await town.visit(ann, mint);
		await meetEvery(here, 6, 4);
		town.now += 6 * DAY - 1;
		await town.visit(ann, mint);
		assert.equal(stateOf(ann), "ordered");
		town.restart(ann);
		// What comes within an hour of the last decline counts with the next one.
		town.now += 3_600_000;
		await town.visit(ann, mint);
		assert.equal(stateOf(ann), "declined");
	});

	test("is not given up sooner where its purse meets its issuer seldom", async () => {
		const here = await lostWithdrawal();
		onEmptyLedger(here);
		await here.town.visit(here.ann, here.mint);
		await meetEvery(here, 60, 4);
		assert.equal(stateOf(here.ann), "ordered");
		await meetEvery(here, 60, 1);
		assert.equal(stateOf(here.ann), "declined");
	});

	for (const { when, order } of [
		{ when: "after", order: [0, 1000, 0] },
		{ when: "at", order: [1000, 0] },
		{ when: "after, and behind at,", order: [-1000, 0, 1000, 0] },
	])
		test(`has its notes though the purse's clock was years ahead ${when} its first decline`, async () => {
			const here = await lostWithdrawal();
			const { town, mint, ann } = here;
			const putRight = onEmptyLedger(here);
			for (const days of order) {
				ann.clockAhead = days * DAY;
				await town.visit(ann, mint);
				assert.equal(stateOf(ann), "ordered");
				town.now += 60_000;
			}
			putRight();
			assert.equal((await town.visit(ann, mint)).code, "");
			assert.equal(stateOf(ann), "answered");
			assert.equal(town.account(mint, ann) + town.total(ann, mint), 800n);
			town.requireConserved(mint);
		});

	test("is given up in the same time though the purse's clock was years ahead at its first decline", async () => {
		const here = await lostWithdrawal();
		const { town, mint, ann } = here;
		onEmptyLedger(here);
		ann.clockAhead = 1000 * DAY;
		await town.visit(ann, mint);
		ann.clockAhead = 0;
		await town.visit(ann, mint);
		await meetEvery(here, 6, 4);
		assert.equal(stateOf(ann), "ordered");
		await meetEvery(here, 6, 1);
		assert.equal(stateOf(ann), "declined");
	});

	test("has its notes when the time is over and the ledger is right", async () => {
		const here = await lostWithdrawal();
		const { town, mint, ann } = here;
		const putRight = onEmptyLedger(here);
		await town.visit(ann, mint);
		putRight();
		town.now += 400 * DAY;
		await town.visit(ann, mint);
		assert.equal(stateOf(ann), "answered");
		assert.equal(town.account(mint, ann), 500n);
	});

	test("is done with when each sending of it was declined, also in two tetrads at once", async () => {
		const here = await scene();
		const { town, mint, ann } = here;
		town.fund(mint, ann, 20n);
		await town.order(ann, mint, 50n);
		for (let i = 0; i < 2; i++)
			town.settle(ann, await town.meet(ann, mint), mint);
		await town.quiet();
		assert.equal(stateOf(ann), "declined");
		town.fund(mint, ann, 100n);
		await town.visit(ann, mint);
		assert.equal(town.account(mint, ann), 120n);
	});
});

test("an answer that cannot be taken keeps nothing else from being settled", async () => {
	const { town, mint, ann } = await lostWithdrawal();
	const tetrad = await town.meet(ann, mint);
	town.settle(ann, tetrad, mint);
	await town.work();
	const { WITH_ISSUER } = messages;
	while (town.wire.length > 0) {
		for (const [i, wired] of town.wire.entries())
			if (wired.bytes?.[0] === WITH_ISSUER.issued.type) {
				const fields = body(WITH_ISSUER.issued, wired.bytes);
				const chain = enc(new Uint8Array(8));
				const bytes = message(WITH_ISSUER.issued, { ...fields, chain });
				town.wire[i] = { ...wired, bytes };
			}
		await town.deliver();
	}
	assert.notEqual(ann.last("settled").code, "");
	assert.deepEqual(ann.ended, []);
	assert.equal(town.account(mint, ann), 300n);
	assert.equal(town.balance(ann, mint).toDeposit, 0n);
	town.part(ann, tetrad);
	await town.quiet();
	assert.equal((await town.visit(ann, mint)).code, "");
	assert.equal(town.balance(ann, mint).spendable, 500n);
	town.requireConserved(mint);
});

test("a claim that was asked under a wrong clock takes nothing that was paid since", async () => {
	const here = await scene();
	const { town, mint, ann, bob } = here;
	await town.withdraw(ann, mint, 1000n);
	ann.clockAhead = 23 * DAY;
	const tetrad = await town.meet(ann, mint);
	town.settle(ann, tetrad, mint);
	await town.work();
	const isClaiming = () =>
		ann.store.rows(REQUESTS).some(({ kind }) => kind === "claim");
	while (!isClaiming()) await town.deliver();
	town.part(ann, tetrad);
	await town.quiet();
	ann.clockAhead = 0;
	town.restart(ann);
	await pay(here, ann, bob, 300n);
	town.now += 23 * DAY;
	assert.equal((await town.visit(ann, mint)).code, "");
	assert.equal(town.account(mint, ann), 700n);
	assert.equal(town.total(ann, mint), 0n);
	assert.equal(isClaiming(), true);
	assert.deepEqual(
		ann.store.rows(REQUESTS).filter(({ state }) => state === "ordered"),
		[],
	);
});

test("notes of an issuer whose clock is behind are renewed once in a meeting", async () => {
	const { town, mint, ann } = await scene();
	await town.withdraw(ann, mint, 1000n);
	town.now += 16 * DAY;
	mint.clockAhead = -16 * DAY;
	const count = () => ann.store.rows(NOTES).length;
	for (let meetings = 1; meetings < 3; meetings++) {
		town.afterEach = () => assert.ok(count() <= 1 + meetings);
		assert.equal((await town.visit(ann, mint)).code, "");
		assert.equal(count(), 1 + meetings);
	}
	assert.equal(town.balance(ann, mint).spendable, 1000n);
	town.requireConserved(mint);
});

describe("a receipt that comes when its issuer has said that the payment is booked", () => {
	/** Ann has paid, and what Bob answered is held up until it is booked and she has heard so. */
	async function heldUp() {
		const { town, mint, ann, bob } = await scene();
		await town.withdraw(ann, mint, 1000n);
		const contract = contractOf(1);
		const tetrad = await town.meet(ann, bob);
		town.expect(bob, tetrad, contract, 300n, mint);
		await town.quiet();
		town.pay(ann, tetrad, contract, 300n, mint);
		await town.work();
		while (bob.store.rows(RECEIPTS).length === 0) await town.deliver();
		await town.work();
		const held = town.wire.splice(0);
		assert.ok(held.length > 0);
		await town.pass(60_000);
		await town.visit(bob, mint);
		await town.visit(ann, mint);
		const payment = () => {
			const [row] = ann.store.rows(PAYMENTS);
			assert.ok(row);
			return row;
		};
		assert.equal(payment().state, "settled");
		assert.equal(payment().receipt.length, 0);
		const { banks } = town.world.policy;
		const purse = ann.device.deviceId;
		const find = () => {
			let cursor: Parameters<typeof findToArchive>[2];
			do {
				const before = town.now + 4000 * DAY;
				const { step, next } = ann.store.run(
					findToArchive(nodeCrypto, { purse, banks, before }, cursor),
				);
				if (step !== undefined) return step;
				cursor = next;
			} while (cursor !== undefined);
			return assert.fail("there is nothing to archive");
		};
		const prune = (step: ReturnType<typeof find>) =>
			ann.store.run(pruneArchived(nodeCrypto, purse, step, town.now));
		const come = async () => {
			town.wire.push(...held);
			await town.quiet();
			await town.pass(1000);
			await town.quiet();
		};
		return { payment, banks, find, prune, come };
	}

	test("while it is archived, is not lost with it", async () => {
		const { payment, banks, find, prune, come } = await heldUp();
		const step = find();
		await come();
		assert.ok(payment().receipt.length > 0);
		assert.throws(() => prune(step), { code: "internal" });
		assert.ok(payment().receipt.length > 0);
		const again = find();
		prune(again);
		const { payments } = openArchive(nodeCrypto, again.archive, banks);
		assert.equal(payments[0]?.receipt?.value.amount, 300n);
		assert.ok(payment().receipt.length > 0);
	});

	test("when it was archived, is kept beside what stays", async () => {
		const { payment, find, prune, come } = await heldUp();
		const step = find();
		prune(step);
		await come();
		assert.ok(payment().receipt.length > 0);
		assert.deepEqual(payment().archive, step.hash);
	});
});
