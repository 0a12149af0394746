/* What each party of a payment judges, and when: nothing is committed that would then be refused. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { parseNote } from "../../src/money/index.ts";
import { agreeOn } from "../../src/money/purse/agreed-payers.ts";
import {
	LOG,
	NOTES,
	PAYMENTS,
	PROMISES,
	RECEIPTS,
} from "../../src/money/purse/purse-tables.ts";
import { hex } from "../../src/wire/index.ts";
import { DAY } from "../support/authority.ts";
import { contractOf, type Module, Town, type TownOptions } from "./town.ts";

const NONE = new Uint8Array();

interface Two {
	readonly town: Town;
	readonly mint: Module;
	readonly ann: Module;
	readonly bob: Module;
}

/** Ann has notes of these values. */
async function two(
	values: readonly bigint[] = [1000n],
	options: TownOptions = {},
): Promise<Two> {
	const town = await Town.make(options);
	const mint = await town.issuer();
	const ann = await town.purse("ann");
	const bob = await town.purse("bob");
	await town.withdraw(ann, mint, ...values);
	return { town, mint, ann, bob };
}

/** Both agents agree on it in a tetrad of its own, and everything that follows happens. */
async function pay(
	{ town, mint, ann, bob }: Two,
	contract: number,
	amount: bigint,
): Promise<void> {
	const tetrad = await town.meet(ann, bob);
	town.expect(bob, tetrad, contractOf(contract), amount, mint);
	await town.quiet();
	town.pay(ann, tetrad, contractOf(contract), amount, mint);
	await town.quiet();
	town.part(ann, tetrad);
	await town.quiet();
}

/** The issuer takes a new key, and the bank lists its old certificate at these modules. */
async function renew(
	{ town, mint }: Two,
	...listedAt: readonly Module[]
): Promise<void> {
	const { device } = mint;
	await town.recertify(mint);
	await town.distrust(device, ...listedAt);
}

function requireNothingCommitted({ town, mint, ann, bob }: Two): void {
	assert.equal(ann.last("failed").isInDoubt, false);
	assert.equal(ann.store.rows(PAYMENTS).length, 0);
	assert.equal(town.balance(ann, mint).inDoubt, 0n);
	assert.equal(town.total(bob, mint), 0n);
	town.requireConserved(mint);
}

describe("an issuer that took a new key, and whose old certificate is listed", () => {
	test("is noticed by the payer before it picks notes, and its notes are exchanged", async () => {
		const here = await two();
		const { town, mint, ann, bob } = here;
		await renew(here, ann, bob, mint);
		await pay(here, 1, 250n);
		assert.equal(ann.last("failed").code, "insufficient-funds");
		assert.match(ann.last("failed").reason, /and 10\.00 .* meet the issuer/);
		requireNothingCommitted(here);
		assert.equal((await town.visit(ann, mint)).code, "");
		assert.equal(town.balance(ann, mint).spendable, 1000n);
		await pay(here, 1, 250n);
		assert.equal(ann.last("paid").amount, 250n);
		assert.equal((await town.visit(bob, mint)).code, "");
		assert.equal(town.account(mint, bob), 250n);
		town.requireConserved(mint);
	});

	test("is paid with by notes under its new certificate, whatever lies beside them", async () => {
		const here = await two([300n]);
		const { town, mint, ann, bob } = here;
		const old = mint.device;
		await town.recertify(mint);
		await town.withdraw(ann, mint, 300n);
		await town.distrust(old, ann, bob);
		await pay(here, 1, 300n);
		assert.equal(ann.last("paid").amount, 300n);
		const spent = ann.store.rows(NOTES).filter(({ spent }) => spent > 0n);
		assert.deepEqual(
			spent.map(({ document }) =>
				hex(parseNote(nodeCrypto, document).issuerCertificate),
			),
			[hex(mint.device.certificateId)],
		);
	});

	test("is noticed by the payee before it agrees, when it alone holds the list", async () => {
		const here = await two();
		const { town, mint, ann, bob } = here;
		await renew(here, bob);
		await pay(here, 1, 250n);
		assert.match(ann.last("failed").reason, /untrusted/);
		requireNothingCommitted(here);
		assert.equal(town.balance(ann, mint).spendable, 1000n);
	});
});

describe("a clock that is wrong by three months", () => {
	for (const days of [91, -91])
		test(`at the payee, by ${days} days: nothing is committed, and it is paid when the clock is right`, async () => {
			const here = await two();
			const { town, mint, ann, bob } = here;
			bob.clockAhead = days * DAY;
			await pay(here, 1, 250n);
			requireNothingCommitted(here);
			bob.clockAhead = 0;
			await pay(here, 1, 250n);
			assert.equal(ann.last("paid").amount, 250n);
			assert.equal(town.balance(bob, mint).toDeposit, 250n);
		});

	for (const days of [91, -91])
		test(`at the payer, by ${days} days: nothing is committed, and it pays when the clock is right`, async () => {
			const here = await two();
			const { town, mint, ann, bob } = here;
			ann.clockAhead = days * DAY;
			await pay(here, 1, 250n);
			requireNothingCommitted(here);
			ann.clockAhead = 0;
			await pay(here, 1, 250n);
			assert.equal(ann.last("paid").amount, 250n);
			assert.equal(town.balance(bob, mint).toDeposit, 250n);
		});
});

describe("notes that a payee has judged", () => {
	test("are those that it is paid with: others are judged first", async () => {
		const here = await two([300n, 300n, 300n]);
		const { town, mint, ann, bob } = here;
		const tetrad = await town.meet(ann, bob);
		ann.isSlowToSign = true;
		for (const contract of [1, 2, 3]) {
			town.expect(bob, tetrad, contractOf(contract), 300n, mint);
			await town.quiet();
			town.pay(ann, tetrad, contractOf(contract), 300n, mint);
			await town.quiet();
		}
		// The second asks before the first has reserved anything.
		ann.events.push(...ann.unsigned.splice(0));
		ann.isSlowToSign = false;
		await town.quiet();
		assert.equal(ann.heard.filter(({ kind }) => kind === "paid").length, 3);
		assert.equal(town.balance(bob, mint).toDeposit, 900n);
	});

	test("are asked about again when another payment has taken them meanwhile", async () => {
		const here = await two([300n, 200n]);
		const { town, mint, ann, bob } = here;
		const cyd = await town.purse("cyd");
		const first = await town.meet(ann, bob);
		const second = await town.meet(ann, cyd);
		town.expect(bob, first, contractOf(1), 400n, mint);
		town.expect(cyd, second, contractOf(2), 300n, mint);
		await town.quiet();
		town.pay(ann, first, contractOf(1), 400n, mint);
		town.pay(ann, second, contractOf(2), 300n, mint);
		await town.work();
		// Bob's answer is on its way while Cyd is paid with what he has judged.
		await town.deliver(town.wire.findIndex(({ to }) => to === cyd));
		for (;;) {
			const at = town.wire.findIndex(({ tetrad }) => tetrad === second);
			if (at < 0) break;
			await town.deliver(at);
		}
		assert.equal(ann.last("paid").amount, 300n);
		await town.quiet();
		assert.equal(ann.last("failed").code, "insufficient-funds");
		assert.equal(ann.last("failed").isInDoubt, false);
		assert.equal(town.balance(ann, mint).spendable, 200n);
		town.requireConserved(mint);
	});
});

describe("a transfer that a payee would not agree to any more", () => {
	/** Ann has committed it, and it is on its way to Bob. */
	async function committed(here: Two, contract = 1): Promise<number> {
		const { town, mint, ann, bob } = here;
		const tetrad = await town.meet(ann, bob);
		town.expect(bob, tetrad, contractOf(contract), 250n, mint);
		await town.quiet();
		town.pay(ann, tetrad, contractOf(contract), 250n, mint);
		await town.deliver(); // prepare
		await town.deliver(); // prepared
		assert.equal(town.balance(ann, mint).inDoubt, 250n);
		return tetrad;
	}

	/** Bob has not taken it and does not refuse it for good: he takes it once it is booked. */
	async function requireDepositedFirst(here: Two): Promise<void> {
		const { town, mint, ann, bob } = here;
		await town.quiet();
		assert.equal(ann.last("failed").code, "payment-in-doubt");
		assert.equal(ann.last("failed").isInDoubt, true);
		assert.ok(!bob.heard.some(({ kind }) => kind === "received"));
		assert.equal(town.total(bob, mint), 0n);
		town.requireConserved(mint);
		bob.clockAhead = 0;
		assert.equal((await town.visit(bob, mint)).code, "");
		assert.equal(town.account(mint, bob), 250n);
		await town.quiet();
		town.requireConserved(mint);
	}

	function requirePaid({ town, mint, ann, bob }: Two): void {
		assert.equal(town.balance(ann, mint).inDoubt, 0n);
		const [row] = ann.store.rows(PAYMENTS);
		assert.equal(row?.state, "settled");
		assert.equal(bob.last("received").receipt, hex(row?.receipt ?? NONE));
		town.requireConserved(mint);
	}

	test("because its list grew meanwhile: it is deposited first, and then paid", async () => {
		const here = await two();
		const { town, mint, bob } = here;
		await committed(here);
		const { device } = mint;
		await town.recertify(mint);
		await town.distrust(device, bob);
		await requireDepositedFirst(here);
		requirePaid(here);
	});

	for (const days of [91, 5])
		test(`because its clock is ${days} days ahead meanwhile: it is deposited first, and then paid`, async () => {
			const here = await two();
			await committed(here);
			here.bob.clockAhead = days * DAY;
			await requireDepositedFirst(here);
			requirePaid(here);
		});

	test("is said to be booked first, and is no money of its payee's before that", async () => {
		const here = await two();
		const { town, mint, bob } = here;
		await committed(here);
		town.now += DAY;
		await town.quiet();
		const booked = () => {
			const { toBook, toDeposit } = town.balance(bob, mint);
			return [toBook, toDeposit, town.total(bob, mint)];
		};
		const kinds = () => bob.reports.map(({ kind }) => kind);
		const log = () => bob.store.rows(LOG).map(({ what }) => what);
		assert.deepEqual(booked(), [250n, 0n, 0n]);
		assert.deepEqual(kinds().slice(-2), ["to-book", "refused"]);
		assert.equal(log().at(-1), "to-book");
		town.restart(bob);
		assert.deepEqual(booked(), [250n, 0n, 0n]);
		assert.ok(!kinds().includes("received"));
		await town.visit(bob, mint);
		assert.deepEqual(booked(), [0n, 0n, 0n]);
		assert.ok(kinds().includes("received"));
		assert.equal(kinds().filter((kind) => kind === "to-book").length, 1);
	});

	test("because it comes after payBy and the tolerance of clocks, and not before", async () => {
		for (const [late, isTaken] of [
			[0, true],
			[1, false],
		] as const) {
			const here = await two();
			const { town, mint, bob } = here;
			await committed(here);
			town.now += 120_000 + 600_000 + late;
			if (!isTaken) await requireDepositedFirst(here);
			else {
				await town.quiet();
				assert.equal(town.balance(bob, mint).toDeposit, 250n);
			}
			requirePaid(here);
		}
	});

	test("because its payer's clock is behind, so that it commits long after payBy", async () => {
		const here = await two();
		const { town, mint, ann, bob } = here;
		ann.clockAhead = -DAY;
		ann.isSlowToSign = true;
		const tetrad = await town.meet(ann, bob);
		town.expect(bob, tetrad, contractOf(1), 250n, mint);
		await town.quiet();
		town.pay(ann, tetrad, contractOf(1), 250n, mint);
		await town.quiet();
		town.now += 3_600_000;
		ann.events.push(...ann.unsigned.splice(0));
		await requireDepositedFirst(here);
		requirePaid(here);
	});

	test("is deposited first also when both start again on the way, and answered by the receipt from then on", async () => {
		const here = await two();
		const { town, mint, ann, bob } = here;
		const tetrad = await committed(here);
		town.now += DAY;
		await town.quiet();
		town.part(ann, tetrad);
		await town.quiet();
		for (const module of [ann, bob]) town.restart(module);
		const again = await town.meet(ann, bob);
		await town.quiet();
		assert.equal(town.balance(ann, mint).inDoubt, 250n);
		town.part(ann, again);
		assert.equal((await town.visit(bob, mint)).code, "");
		for (const module of [ann, bob]) town.restart(module);
		const last = await town.meet(ann, bob);
		town.expect(bob, last, contractOf(1), 250n, mint);
		await town.quiet();
		requirePaid(here);
	});

	test("is not paid when its ranges are booked for somebody else", async () => {
		const here = await two([250n]);
		const { town, mint, ann, bob } = here;
		const cyd = await town.purse("cyd");
		const before = ann.store.copy();
		const head = ann.head;
		const tetrad = await committed(here);
		town.now += DAY;
		await town.quiet();
		town.part(ann, tetrad);
		await town.quiet();
		// From a copy, Ann pays Cyd with the same range, and Cyd is the first at the issuer.
		const own = ann.store;
		ann.store = before;
		ann.head = head;
		town.restart(ann);
		const other = await town.meet(ann, cyd);
		town.expect(cyd, other, contractOf(2), 250n, mint);
		await town.quiet();
		town.pay(ann, other, contractOf(2), 250n, mint);
		await town.quiet();
		await town.visit(cyd, mint);
		await town.visit(bob, mint);
		ann.store = own;
		town.restart(ann);
		const last = await town.meet(ann, bob);
		town.expect(bob, last, contractOf(1), 250n, mint);
		await town.quiet();
		assert.ok(!bob.heard.some(({ kind }) => kind === "received"));
		assert.equal(town.balance(ann, mint).inDoubt, 250n);
		assert.equal(town.account(mint, cyd), 250n);
		assert.equal(town.account(mint, bob), 0n);
		assert.equal(bob.store.rows(RECEIPTS)[0]?.receipt.length, 0);
	});
});

describe("two payers and one contract", () => {
	interface Three extends Two {
		readonly cyd: Module;
	}

	/** Ann has committed it, and nothing of it has come to Bob; Cyd wants to pay for the same. */
	async function three(): Promise<Three> {
		const here = await two([1000n], { noteDays: 30 });
		const { town, mint, ann, bob } = here;
		const cyd = await town.purse("cyd");
		town.now += DAY;
		await town.withdraw(cyd, mint, 1000n);
		const tetrad = await town.meet(ann, bob);
		town.expect(bob, tetrad, contractOf(1), 250n, mint);
		await town.quiet();
		town.pay(ann, tetrad, contractOf(1), 250n, mint);
		await town.deliver(); // prepare
		await town.deliver(); // prepared
		town.wire.length = 0;
		town.part(ann, tetrad);
		await town.quiet();
		assert.equal(town.balance(ann, mint).inDoubt, 250n);
		return { ...here, cyd };
	}

	async function requireFirstPaid(here: Three): Promise<void> {
		const { town, mint, ann, bob, cyd } = here;
		await pay({ ...here, ann: cyd }, 1, 250n);
		assert.equal(cyd.last("failed").code, "payment-refused");
		assert.equal(cyd.last("failed").isInDoubt, false);
		assert.equal(town.balance(cyd, mint).spendable, 1000n);
		const tetrad = await town.meet(ann, bob);
		await town.quiet();
		town.part(ann, tetrad);
		await town.quiet();
		assert.equal((await town.visit(bob, mint)).code, "");
		assert.equal(town.account(mint, bob), 250n);
		await pay(here, 1, 250n);
		assert.equal(ann.last("paid").receipt, bob.last("received").receipt);
		assert.equal(town.balance(ann, mint).inDoubt, 0n);
		town.requireConserved(mint);
	}

	test("the second is told before it commits, after the payee's restart, and the first is paid", async () => {
		const here = await three();
		here.town.restart(here.bob);
		await requireFirstPaid(here);
	});

	test("the second is told before it commits, after two minutes, and the first is paid", async () => {
		const here = await three();
		here.town.now += 121_000;
		await requireFirstPaid(here);
	});

	test("the second may pay when the notes of the first have expired", async () => {
		const here = await three();
		const { town, mint, bob, cyd } = here;
		const [note] = here.ann.store.rows(NOTES);
		town.now = Number(note?.expires) + 1;
		town.restart(bob);
		await pay({ ...here, ann: cyd }, 1, 250n);
		assert.equal(cyd.last("paid").amount, 250n);
		assert.equal(town.balance(bob, mint).toDeposit, 250n);
	});

	test("the first may ask again, in another tetrad and with other notes", async () => {
		const here = await two([300n, 300n]);
		const { town, mint, ann, bob } = here;
		for (const contract of [1, 1, 2]) {
			const tetrad = await town.meet(ann, bob);
			town.expect(bob, tetrad, contractOf(contract), 250n, mint);
			await town.quiet();
			ann.isSlowToSign = true;
			town.pay(ann, tetrad, contractOf(contract), 250n, mint);
			await town.quiet();
			town.part(ann, tetrad);
			await town.quiet();
			ann.unsigned.length = 0;
			town.restart(ann);
		}
		assert.equal(bob.store.rows(PROMISES).length, 2);
		ann.isSlowToSign = false;
		await pay(here, 1, 250n);
		assert.equal(ann.last("paid").amount, 250n);
		assert.deepEqual(
			bob.store.rows(PROMISES).map(({ contract }) => hex(contract)),
			[hex(contractOf(2))],
		);
	});

	test("a payee whose disk is full agrees with nobody", async () => {
		const here = await two();
		here.bob.store.isFull = true;
		await pay(here, 1, 250n);
		requireNothingCommitted(here);
		here.bob.store.isFull = false;
		await pay(here, 1, 250n);
		assert.equal(here.ann.last("paid").amount, 250n);
	});

	test("a payer that never pays keeps no more than its own places", async () => {
		const here = await two([1000n]);
		const { town, mint, ann, bob } = here;
		const cyd = await town.purse("cyd");
		const agree = async (payer: Module, contract: number): Promise<void> => {
			const until = town.now + DAY;
			const payerId = payer.device.deviceId;
			const core = {
				options: { context: { crypto: nodeCrypto } },
				now: town.now,
			};
			bob.store.run(
				agreeOn(core as never, {
					contract: contractOf(contract),
					payer: payerId,
					until,
					what: "",
				}),
			);
			town.now += 1;
		};
		await agree(cyd, 0);
		for (let i = 1; i <= 300; i++) await agree(ann, i);
		const rows = bob.store.rows(PROMISES);
		assert.equal(rows.length, 256 + 1);
		const contracts = new Set(rows.map(({ contract }) => hex(contract)));
		assert.ok(contracts.has(hex(contractOf(0))));
		assert.ok(contracts.has(hex(contractOf(300))));
		assert.ok(!contracts.has(hex(contractOf(1))));
		// Those whose time is over go with new ones.
		town.now += 2 * DAY;
		for (let i = 400; i < 420; i++) await agree(cyd, i);
		assert.equal(bob.store.rows(PROMISES).length, 20);
		assert.equal(mint.ended.length, 0);
	});
});

describe("invoices that are never paid", () => {
	/** Ann has invoices of Bob for these contracts, 250 each, and pays none of them. */
	async function unpaid(
		here: Two,
		...contracts: readonly number[]
	): Promise<void> {
		const { town, mint, ann, bob } = here;
		const tetrad = await town.meet(ann, bob);
		ann.isSlowToSign = true;
		for (const contract of contracts) {
			town.expect(bob, tetrad, contractOf(contract), 250n, mint);
			await town.quiet();
			town.pay(ann, tetrad, contractOf(contract), 250n, mint);
			await town.quiet();
		}
		assert.equal(ann.unsigned.length, contracts.length);
		town.part(ann, tetrad);
		await town.quiet();
		ann.unsigned.length = 0;
		town.restart(ann);
		ann.isSlowToSign = false;
	}

	test("by one buyer leave room for the others of its level", async () => {
		const here = await two([1000n], { limits: { software: 1000n } });
		const { town, mint, bob } = here;
		const cyd = await town.purse("cyd");
		await town.withdraw(cyd, mint, 1000n);
		await unpaid(here, 1, 2, 3, 4);
		await pay({ ...here, ann: cyd }, 5, 750n);
		assert.equal(cyd.last("paid").amount, 750n);
		// Her own invoices are in Ann's own way until their time is over, and the limit is held to.
		town.now += 121_000;
		await pay(here, 1, 250n);
		assert.equal(here.ann.last("paid").amount, 250n);
		await pay(here, 2, 250n);
		assert.equal(here.ann.heard.at(-1)?.kind, "failed");
		assert.equal(town.balance(bob, mint).toDeposit, 1000n);
		assert.equal(here.ann.last("failed").isInDoubt, false);
	});

	test("are forgotten in two minutes, also when the payee's clock was once ahead", async () => {
		const here = await two([1000n], { limits: { software: 300n } });
		const { town, mint, bob } = here;
		const cyd = await town.purse("cyd");
		await town.withdraw(cyd, mint, 1000n);
		bob.clockAhead = 5 * DAY;
		await unpaid(here, 1);
		bob.clockAhead = 0;
		await pay({ ...here, ann: cyd }, 2, 250n);
		assert.equal(cyd.last("failed").isInDoubt, false);
		town.now += 121_000;
		await pay({ ...here, ann: cyd }, 2, 250n);
		assert.equal(cyd.last("paid").amount, 250n);
	});
});
