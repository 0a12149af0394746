/* What a payment is for, as its agents say, is kept by both purses. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
	PAYMENTS,
	PROMISES,
	RECEIPTS,
} from "../../src/money/purse/purse-tables.ts";
import { APPROVALS } from "../../src/money/purse/spending-tables.ts";
import { contractOf, type Module, Town } from "./town.ts";

interface Two {
	readonly town: Town;
	readonly mint: Module;
	readonly ann: Module;
	readonly bob: Module;
}

async function two(): Promise<Two> {
	const town = await Town.make();
	const mint = await town.issuer();
	const ann = await town.purse("ann");
	const bob = await town.purse("bob");
	await town.withdraw(ann, mint, 1000n);
	return { town, mint, ann, bob };
}

/** Both agents say what it is for, and Ann's asks for it. */
async function pay(
	{ town, mint, ann, bob }: Two,
	text: string,
	atPayee: string = text,
): Promise<void> {
	const tetrad = await town.meet(ann, bob);
	town.expect(bob, tetrad, contractOf(1), 10n, mint, atPayee);
	await town.quiet();
	town.pay(ann, tetrad, contractOf(1), 10n, mint, text);
	await town.quiet();
	town.part(ann, tetrad);
	await town.quiet();
}

const texts = ({ ann, bob }: Two): readonly (string | undefined)[] => [
	ann.store.rows(PAYMENTS)[0]?.what,
	bob.store.rows(RECEIPTS)[0]?.what,
];

describe("what a payment is for", () => {
	test("is kept at both ends, each as its own agent says", async () => {
		const here = await two();
		await pay(here, "a book", "Moby-Dick, 1851");
		assert.equal(here.ann.last("paid").amount, 10n);
		assert.deepEqual(texts(here), ["a book", "Moby-Dick, 1851"]);
		assert.deepEqual(here.bob.store.rows(PROMISES), []);
	});

	test("is kept as it was said first, and is no part of the payment", async () => {
		const here = await two();
		await pay(here, "a book");
		await pay(here, "a bicycle");
		assert.equal(
			here.ann.heard.filter(({ kind }) => kind === "paid").length,
			2,
		);
		assert.equal(here.town.balance(here.ann, here.mint).spendable, 990n);
		assert.deepEqual(texts(here), ["a book", "a book"]);
	});

	test("need not be said", async () => {
		const here = await two();
		await pay(here, "");
		assert.equal(here.ann.last("paid").amount, 10n);
		assert.deepEqual(texts(here), ["", ""]);
	});

	test("may hold anything, of which a NUL alone is not kept", async () => {
		const here = await two();
		await pay(here, "\u001b[2J\u0000\u202e\n");
		assert.deepEqual(texts(here), Array(2).fill("\u001b[2J?\u202e\n"));
		const again = await two();
		await pay(again, "\u00e9".repeat(128));
		assert.deepEqual(texts(again), Array(2).fill("\u00e9".repeat(128)));
	});

	test("is known to the payee that was started again before the transfer came", async () => {
		const here = await two();
		const { town, mint, ann, bob } = here;
		const tetrad = await town.meet(ann, bob);
		town.expect(bob, tetrad, contractOf(1), 10n, mint, "a book");
		await town.quiet();
		// Its second write is the receipt.
		town.killAt(bob, { write: 2, when: "before" });
		town.pay(ann, tetrad, contractOf(1), 10n, mint, "a book");
		await town.quiet();
		assert.equal(bob.machine, undefined);
		town.restart(bob);
		await town.meet(ann, bob);
		await town.quiet();
		assert.equal(town.balance(ann, mint).inDoubt, 0n);
		assert.deepEqual(texts(here), ["a book", "a book"]);
	});

	test("is what the owner is asked about, when the owner has to approve it", async () => {
		const here = await two();
		await here.town.limits(here.ann, { approveNewMerchants: true });
		await pay(here, "a book");
		assert.equal(here.ann.last("failed").code, "approval-needed");
		assert.equal(here.ann.store.rows(APPROVALS)[0]?.what, "a book");
	});
});
