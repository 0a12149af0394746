/* Notes that their issuer has forgotten, because its ledger was put back to before it made them. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { parseNote } from "../../src/money/documents/index.ts";
import {
	findToArchive,
	messages,
	openArchive,
	pruneArchived,
} from "../../src/money/index.ts";
import { CONFLICTS } from "../../src/money/issuer/ledger-tables.ts";
import {
	LOG,
	NOTES,
	PAYMENTS,
	RECEIPTS,
	REQUESTS,
	UNKNOWN,
} from "../../src/money/purse/purse-tables.ts";
import { dec } from "../../src/wire/index.ts";
import type { MemoryStore } from "../support/memory-store.ts";
import { SaleTown } from "./sale-town.ts";
import { contractOf, type Module, Town } from "./town.ts";

const { body, message, WITH_ISSUER } = messages;

const DAY = 86_400_000;

interface Scene {
	readonly town: Town;
	readonly mint: Module;
	readonly ann: Module;
	readonly bob: Module;
	/** Starts the issuer on its ledger as it was before it made Ann's note, or on its newest. */
	putBack(): void;
	bringNewest(): void;
}

function onLedger(town: Town, mint: Module): (store: MemoryStore) => void {
	return (store) => {
		town.die(mint);
		mint.store = store;
		town.restart(mint);
	};
}

/** Notes live for 20 days, of which a purse exchanges them in the last five; the grace has two. */
async function scene(): Promise<Scene> {
	const town = await Town.make({ noteDays: 20, graceDays: 2 });
	const mint = await town.issuer();
	const ann = await town.purse("ann");
	const bob = await town.purse("bob");
	const backup = mint.store.copy();
	await town.withdraw(ann, mint, 1000n);
	const start = onLedger(town, mint);
	let newest = mint.store;
	return {
		...{ town, mint, ann, bob },
		putBack() {
			newest = mint.store;
			start(backup);
		},
		bringNewest: () => start(newest),
	};
}

async function pay(
	{ town, mint }: Scene,
	payer: Module,
	payee: Module,
	amount: bigint,
	isHeard = true,
): Promise<void> {
	const contract = contractOf(1);
	const tetrad = await town.meet(payer, payee);
	town.expect(payee, tetrad, contract, amount, mint);
	await town.quiet();
	town.pay(payer, tetrad, contract, amount, mint);
	const isCommitted = () =>
		payer.store.rows(PAYMENTS).some(({ state }) => state === "committed");
	if (isHeard) await town.quiet();
	else {
		await town.work();
		while (!isCommitted()) await town.deliver();
		town.wire.length = 0;
	}
	town.part(payer, tetrad);
	await town.quiet();
}

/** Meets the issuer once a day. */
async function daily(
	{ town, mint }: Pick<Scene, "town" | "mint">,
	module: Module,
	days: number,
): Promise<void> {
	for (let i = 0; i < days; i++) {
		town.now += DAY;
		await town.visit(module, mint);
	}
}

/** All of it is lost at the meeting after so many daily ones, and not before. */
async function requireLostAfter(
	here: Scene,
	module: Module,
	days: number,
): Promise<void> {
	await daily(here, module, days);
	assert.deepEqual(lost(module), []);
	await daily(here, module, 1);
	assert.deepEqual(lost(module), [1000n]);
	await requireRest(here, module);
}

const open = ({ store }: Module) =>
	store.rows(REQUESTS).filter(({ state }) => state === "ordered");

const lost = ({ reports }: Module) =>
	reports.flatMap((report) => (report.kind === "lost" ? [report.amount] : []));

const logged = ({ store }: Module, what: string) =>
	store.rows(LOG).filter((entry) => entry.what === what);

const troubles = ({ reports }: Module) =>
	reports.flatMap((report) =>
		report.kind === "trouble" && /newer ledger/.test(report.error.message)
			? [report.error.code]
			: [],
	);

/** Nothing is asked of that issuer any more, but what its account holds. */
async function requireRest(
	{ town, mint }: Scene,
	module: Module,
): Promise<void> {
	assert.deepEqual(open(module), []);
	assert.deepEqual(module.store.rows(UNKNOWN), []);
	assert.equal(town.total(module, mint), 0n);
	const sent = new Set<number>();
	town.sent = (bytes) => sent.add(bytes[0] ?? 0);
	const settled = await town.visit(module, mint);
	town.restart(module);
	await town.visit(module, mint);
	town.sent = undefined;
	assert.equal(settled.code, "");
	for (const { type } of [
		WITH_ISSUER.exchange,
		WITH_ISSUER.claim,
		WITH_ISSUER.resolve,
		WITH_ISSUER.inquire,
	])
		assert.equal(sent.has(type), false);
}

describe("an exchange of notes that the issuer has forgotten", () => {
	async function exchanging(): Promise<Scene> {
		const here = await scene();
		const { town, mint, ann } = here;
		here.putBack();
		town.now += 16 * DAY;
		assert.equal((await town.visit(ann, mint)).code, "note-unknown");
		assert.deepEqual(
			open(ann).map(({ kind }) => kind),
			["exchange"],
		);
		return here;
	}

	test("is asked again as it was for 30 days, then is over, and the owner is told so once", async () => {
		const here = await exchanging();
		const { town, mint, ann } = here;
		const [asked] = open(ann);
		await daily(here, ann, 29);
		assert.ok(
			open(ann).some(({ message }) =>
				Buffer.from(message).equals(asked?.message ?? new Uint8Array()),
			),
		);
		assert.equal(town.balance(ann, mint).inDoubt, 1000n);
		assert.deepEqual(lost(ann), []);
		await daily(here, ann, 1);
		assert.deepEqual(lost(ann), [1000n]);
		assert.deepEqual(troubles(ann), ["note-unknown"]);
		assert.equal(logged(ann, "unknown").length, 1);
		assert.deepEqual(
			logged(ann, "lost").map(({ amount }) => amount),
			[1000n],
		);
		await requireRest(here, ann);
		assert.deepEqual(lost(ann), [1000n]);
	});

	test("leaves the note with the issuer's signature in the purse", async () => {
		const here = await exchanging();
		await daily(here, here.ann, 30);
		const [payment] = here.ann.store.rows(PAYMENTS);
		assert.equal(payment?.state, "lost");
		const [document] = dec(payment.notes, 64);
		assert.equal(
			parseNote(nodeCrypto, document ?? new Uint8Array()).value,
			1000n,
		);
		const [request] = here.ann.store
			.rows(REQUESTS)
			.filter(({ kind }) => kind === "exchange");
		assert.equal(request?.state, "declined");
		assert.equal(
			body(WITH_ISSUER.declined, request.outcome).code,
			"note-unknown",
		);
	});

	test("loses nothing when the newest ledger comes back a day before, and is void then", async () => {
		const here = await exchanging();
		const { town, mint, ann } = here;
		await daily(here, ann, 29);
		here.bringNewest();
		await town.visit(ann, mint);
		assert.equal(town.account(mint, ann), 1000n);
		assert.deepEqual(lost(ann), []);
		town.requireConserved(mint);
		await requireRest(here, ann);
	});

	test("is carried out when the newest ledger comes back in time", async () => {
		const here = await exchanging();
		const { town, mint, ann } = here;
		here.bringNewest();
		assert.equal((await town.visit(ann, mint)).code, "");
		assert.equal(town.balance(ann, mint).spendable, 1000n);
		assert.deepEqual(ann.store.rows(UNKNOWN), []);
		town.requireConserved(mint);
	});

	test("into the account is over as well", async () => {
		const here = await scene();
		const { town, ann, mint } = here;
		here.putBack();
		town.giveBack(ann, mint);
		await town.quiet();
		await town.visit(ann, mint);
		assert.ok(open(ann).some(({ kind }) => kind === "return"));
		await requireLostAfter(here, ann, 29);
	});

	test("is not over before its notes and the grace are", async () => {
		const town = await Town.make({ noteDays: 60, graceDays: 2 });
		const mint = await town.issuer();
		const ann = await town.purse("ann");
		const backup = mint.store.copy();
		await town.withdraw(ann, mint, 1000n);
		onLedger(town, mint)(backup);
		town.giveBack(ann, mint);
		await town.quiet();
		for (let day = 0; day < 61; day++) {
			await town.visit(ann, mint);
			town.now += DAY;
		}
		assert.deepEqual(lost(ann), []);
		town.now += DAY;
		await town.visit(ann, mint);
		assert.deepEqual(lost(ann), [1000n]);
	});

	test("is not over by a clock that jumps, nor by time in which nobody has met", async () => {
		const here = await exchanging();
		const { town, mint, ann } = here;
		ann.clockAhead = 4000 * DAY;
		await town.visit(ann, mint);
		ann.clockAhead = 0;
		for (let i = 0; i < 4; i++) {
			await town.visit(ann, mint);
			town.restart(ann);
		}
		assert.deepEqual(lost(ann), []);
		assert.equal(open(ann)[0]?.kind, "exchange");
		town.now += 200 * DAY;
		await town.visit(ann, mint);
		assert.deepEqual(lost(ann), []);
		here.bringNewest();
		await town.visit(ann, mint);
		assert.equal(town.account(mint, ann) + town.total(ann, mint), 1000n);
	});

	test("begins its 30 days anew when the issuer says anything else of it", async () => {
		const here = await exchanging();
		const { town, mint, ann } = here;
		await daily(here, ann, 29);
		const tetrad = await town.meet(ann, mint);
		town.settle(ann, tetrad, mint);
		await town.work();
		while (town.wire.length > 0) {
			for (const [i, wired] of town.wire.entries())
				if (wired.bytes?.[0] === WITH_ISSUER.declined.type) {
					const fields = body(WITH_ISSUER.declined, wired.bytes);
					const code = "payment-refused" as const;
					const bytes = message(WITH_ISSUER.declined, { ...fields, code });
					town.wire[i] = { ...wired, bytes };
				}
			await town.deliver();
		}
		town.part(ann, tetrad);
		await town.quiet();
		assert.deepEqual(ann.store.rows(UNKNOWN), []);
		await requireLostAfter(here, ann, 30);
	});

	test("is not over by answers that are lost", async () => {
		const here = await exchanging();
		const { town, mint, ann } = here;
		for (let i = 0; i < 40; i++) {
			town.now += DAY;
			const tetrad = await town.meet(ann, mint);
			town.settle(ann, tetrad, mint);
			for (let step = 0; step < 3; step++) await town.deliver();
			town.wire.length = 0;
			town.part(ann, tetrad);
			await town.quiet();
			town.restart(ann);
		}
		assert.deepEqual(lost(ann), []);
	});
});

test("a claim of a note that the issuer has forgotten is over, and the note says that it is lost", async () => {
	const here = await scene();
	const { town, mint, ann } = here;
	here.putBack();
	town.now += 23 * DAY;
	await town.visit(ann, mint);
	assert.equal(town.balance(ann, mint).toClaim, 1000n);
	await daily(here, ann, 29);
	assert.equal(town.balance(ann, mint).toClaim, 1000n);
	assert.deepEqual(lost(ann), []);
	await daily(here, ann, 1);
	assert.deepEqual(lost(ann), [1000n]);
	const [note] = ann.store.rows(NOTES);
	assert.equal(note?.state, "lost");
	assert.equal(note.value - note.spent, 1000n);
	await requireRest(here, ann);
});

test("a claim has its money when the newest ledger comes back before", async () => {
	const here = await scene();
	const { town, mint, ann } = here;
	here.putBack();
	town.now += 23 * DAY;
	await town.visit(ann, mint);
	await daily(here, ann, 29);
	here.bringNewest();
	await daily(here, ann, 1);
	assert.equal(town.account(mint, ann), 1000n);
	town.requireConserved(mint);
	await requireRest(here, ann);
});

test("a payment in doubt of forgotten notes is over, and is not asked about any more", async () => {
	const here = await scene();
	const { town, mint, ann, bob } = here;
	await pay(here, ann, bob, 1000n, false);
	here.putBack();
	town.now += 23 * DAY;
	await town.visit(ann, mint);
	await daily(here, ann, 29);
	assert.equal(town.balance(ann, mint).inDoubt, 1000n);
	await daily(here, ann, 1);
	assert.deepEqual(lost(ann), [1000n]);
	await requireRest(here, ann);
	const tetrad = await town.meet(ann, bob);
	town.pay(ann, tetrad, contractOf(1), 1000n, mint);
	await town.quiet();
	const failed = ann.last("failed");
	assert.deepEqual([failed.code, failed.isInDoubt], ["note-unknown", false]);
	assert.equal(bob.store.rows(RECEIPTS).length, 0);
});

test("a payment in doubt that is made void after all leaves nothing of that behind", async () => {
	const here = await scene();
	const { town, mint, ann, bob } = here;
	await pay(here, ann, bob, 400n, false);
	const [payment] = ann.store.rows(PAYMENTS);
	assert.equal(payment?.state, "committed");
	here.putBack();
	town.now += 23 * DAY;
	await town.visit(ann, mint);
	assert.equal(ann.store.rows(UNKNOWN).length, 2);
	here.bringNewest();
	await daily(here, ann, 1);
	assert.deepEqual(ann.store.rows(UNKNOWN), []);
	assert.equal(town.account(mint, ann), 1000n);
	town.requireConserved(mint);
});

test("what is lost goes into an archive with its notes, and is verified there", async () => {
	const here = await scene();
	const { town, mint, ann, bob } = here;
	await pay(here, ann, bob, 1000n, false);
	here.putBack();
	town.now += 23 * DAY;
	await town.visit(ann, mint);
	await daily(here, ann, 30);
	const { banks } = town.world.policy;
	const purse = ann.device.deviceId;
	const before = town.now + 4000 * DAY;
	const found: string[] = [];
	let cursor: Parameters<typeof findToArchive>[2];
	do {
		const { step, next } = ann.store.run(
			findToArchive(nodeCrypto, { purse, banks, before }, cursor),
		);
		cursor = next;
		if (step === undefined) continue;
		const { payments } = openArchive(nodeCrypto, step.archive, banks);
		found.push(...payments.map(({ state }) => state));
		ann.store.run(pruneArchived(nodeCrypto, purse, step, town.now));
	} while (cursor !== undefined);
	assert.deepEqual(found, ["lost"]);
	await requireRest(here, ann);
	assert.equal(mint.store.rows(CONFLICTS).length, 0);
});

test("what was received in forgotten notes is told as lost when it is given up", async () => {
	const here = await scene();
	const { town, mint, ann, bob } = here;
	await pay(here, ann, bob, 1000n);
	here.putBack();
	assert.equal((await town.visit(bob, mint)).code, "note-unknown");
	await daily(here, bob, 21);
	assert.deepEqual(lost(bob), []);
	await daily(here, bob, 1);
	assert.deepEqual(lost(bob), [1000n]);
	const [receipt] = bob.store.rows(RECEIPTS);
	assert.equal(receipt?.state, "refused");
	assert.ok(receipt.notes.length > 0);
	await requireRest(here, bob);
});

describe("a sale of forgotten notes", () => {
	async function forgottenSale(isHeard: boolean) {
		const made = await SaleTown.poor({ noteDays: 20, graceDays: 2 });
		const { town, ann, bob, mint } = made;
		const backup = mint.store.copy();
		await town.withdraw(ann, mint, 1000n);
		const goods = made.goods(1);
		const tetrad = await town.meet(ann, bob);
		made.buy(tetrad, goods);
		const isCommitted = () =>
			ann.store.rows(PAYMENTS).some(({ state }) => state === "committed");
		await town.work();
		while (!isCommitted()) await town.deliver();
		if (isHeard) await town.quiet();
		town.wire.length = 0;
		town.part(ann, tetrad);
		await town.quiet();
		onLedger(town, mint)(backup);
		const here = { town, mint };
		await town.visit(ann, mint);
		await daily(here, ann, 29);
		assert.deepEqual(lost(ann), []);
		await daily(here, ann, 1);
		const sold = () =>
			ann.store.rows(PAYMENTS).find(({ key_hash }) => key_hash.length > 0);
		assert.equal(sold()?.state, "lost");
		assert.ok(
			ann.reports.some(
				(report) => report.kind === "lost" && report.amount === 250n,
			),
		);
		return { made, goods, sold };
	}

	test("is over without a key, and nobody is accused", async () => {
		const { made, goods } = await forgottenSale(false);
		const { town, ann, bob, mint } = made;
		const { kinds, told } = made.clerk(ann);
		assert.equal(kinds.at(-1), "declined");
		const event = told.at(-1)?.event;
		assert.ok(
			event?.kind === "declined" && event.error.code === "note-unknown",
		);
		assert.equal(mint.store.rows(CONFLICTS).length, 0);
		// Asked for again it is not paid again, also after a restart.
		town.restart(ann);
		await made.bought(goods);
		const again = made.clerk(ann).told.at(-1)?.event;
		assert.ok(
			again?.kind === "declined" && again.error.code === "note-unknown",
		);
		assert.equal(town.balance(bob, mint).toDeposit, 0n);
	});

	test("is over with its key, which its buyer keeps", async () => {
		const { made, goods, sold } = await forgottenSale(true);
		assert.equal(made.clerk(made.ann).kinds.includes("declined"), false);
		assert.deepEqual(sold()?.key, goods.key);
		made.town.restart(made.ann);
		await made.bought(goods);
		assert.equal(made.clerk(made.ann).kinds.at(-1), "keyed");
	});
});
