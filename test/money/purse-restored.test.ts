import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FIRST_HEAD } from "../../src/money/index.ts";
import { contractOf, type Module, Town } from "./town.ts";

/* A purse that was put back to an old backup, or that was copied, pays nobody once a witness knows better. */

interface Scene {
	readonly town: Town;
	readonly mint: Module;
	readonly ann: Module;
	readonly bob: Module;
}

/** Ann has 1000 and paid 100 of it. */
async function scene(): Promise<Scene> {
	const town = await Town.make();
	const mint = await town.issuer();
	const ann = await town.purse("ann");
	const bob = await town.purse("bob");
	await town.withdraw(ann, mint, 1000n);
	await pay({ town, mint, ann, bob }, 1);
	return { town, mint, ann, bob };
}

/** Whether Ann paid, by what her agent heard last. */
async function pay(
	{ town, mint, ann, bob }: Scene,
	contract: number,
): Promise<string> {
	const tetrad = await town.meet(ann, bob);
	town.expect(bob, tetrad, contractOf(contract), 100n, mint);
	await town.quiet();
	town.pay(ann, tetrad, contractOf(contract), 100n, mint);
	await town.quiet();
	town.part(ann, tetrad);
	await town.quiet();
	const { kind, code } = ann.heard.at(-1) ?? assert.fail();
	return kind === "failed" ? code : kind;
}

describe("a purse that was put back to an old backup", () => {
	test("pays when it is as new as its agent's record", async () => {
		const here = await scene();
		here.ann.store = here.ann.store.copy();
		here.town.restart(here.ann);
		assert.equal(await pay(here, 2), "paid");
	});

	test("refuses while its agent knows a newer state", async () => {
		const here = await scene();
		const { ann, bob, town, mint } = here;
		const backup = ann.store.copy();
		assert.equal(await pay(here, 2), "paid");
		const newest = ann.store;
		ann.store = backup;
		town.restart(ann);
		const before = [ann.store.dump(), bob.store.dump()];
		assert.equal(await pay(here, 3), "purse-behind");
		assert.equal(await pay(here, 3), "purse-behind");
		assert.deepEqual([ann.store.dump(), bob.store.dump()], before);
		assert.equal(ann.reports.filter(({ kind }) => kind === "behind").length, 1);
		// Paid before the backup was made: there is a receipt for it.
		assert.equal(await pay(here, 1), "paid");
		ann.store = newest;
		town.restart(ann);
		assert.equal(await pay(here, 3), "paid");
		town.requireConserved(mint);
	});

	test("refuses when its issuer knows a newer state, and its agent none", async () => {
		const here = await scene();
		const { ann, town, mint } = here;
		const backup = ann.store.copy();
		assert.equal(await pay(here, 2), "paid");
		assert.equal((await town.visit(ann, mint)).code, "");
		ann.store = backup;
		ann.head = FIRST_HEAD;
		town.restart(ann);
		for (let i = 0; i < 2; i++)
			assert.equal((await town.visit(ann, mint)).code, "purse-behind");
		assert.equal(await pay(here, 3), "purse-behind");
	});

	test("does not wipe out what its witnesses know by going on", async () => {
		const here = await scene();
		const { ann, bob, town, mint } = here;
		const backup = ann.store.copy();
		assert.equal(await pay(here, 2), "paid");
		assert.equal((await town.visit(ann, mint)).code, "");
		const { head } = ann;
		ann.store = backup;
		town.restart(ann);
		// It is paid, more often than it had paid: its number passes that of the record.
		await town.withdraw(bob, mint, 1000n);
		for (let contract = 10; contract < 20; contract++)
			assert.equal(
				await pay({ ...here, ann: bob, bob: ann }, contract),
				"paid",
			);
		assert.deepEqual(ann.head, head);
		for (let i = 0; i < 2; i++) {
			town.restart(ann);
			assert.equal((await town.visit(ann, mint)).code, "purse-behind");
			town.restart(ann);
			assert.equal(await pay(here, 3), "purse-behind");
		}
		// What it received is deposited all the same.
		assert.equal(town.balance(ann, mint).toDeposit, 0n);
	});
});

test("an issuer's record outlasts a purse that has gone on past it", async () => {
	const here = await scene();
	const { ann, bob, town, mint } = here;
	const backup = ann.store.copy();
	assert.equal(await pay(here, 2), "paid");
	assert.equal((await town.visit(ann, mint)).code, "");
	ann.store = backup;
	ann.head = FIRST_HEAD;
	town.restart(ann);
	await town.withdraw(bob, mint, 1000n);
	for (let contract = 10; contract < 20; contract++)
		assert.equal(await pay({ ...here, ann: bob, bob: ann }, contract), "paid");
	for (let i = 0; i < 2; i++) {
		assert.equal((await town.visit(ann, mint)).code, "purse-behind");
		assert.equal(await pay(here, 3), "purse-behind");
		ann.head = FIRST_HEAD;
		town.restart(ann);
	}
});

describe("a purse that was copied", () => {
	test("refuses when a witness knows another state of the same number", async () => {
		const here = await scene();
		const { ann, town, mint } = here;
		const copied = ann.store.copy();
		assert.equal(await pay(here, 2), "paid");
		assert.equal((await town.visit(ann, mint)).code, "");
		const { head } = ann;
		// The copy pays as often, with an agent that knows nothing.
		ann.store = copied;
		ann.head = FIRST_HEAD;
		town.restart(ann);
		assert.equal(await pay(here, 3), "paid");
		ann.head = head;
		assert.equal(await pay(here, 4), "purse-behind");
		town.restart(ann);
		ann.head = FIRST_HEAD;
		assert.equal((await town.visit(ann, mint)).code, "purse-behind");
	});
});

test("a purse pays nobody before its agent has said what it knows", async () => {
	const { town, mint, ann, bob } = await scene();
	town.restart(ann);
	const tetrad = await town.meetInSilence(ann, bob);
	town.pay(ann, tetrad, contractOf(2), 100n, mint);
	await town.quiet();
	assert.equal(ann.last("failed").code, "purse-behind");
	assert.equal(ann.last("failed").isInDoubt, false);
});
