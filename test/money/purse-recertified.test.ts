import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { contractOf, type Kill, type Module, Town } from "./town.ts";

/* A module takes a new key while its issuer's answer is on the way: the note is made out to the old one. */

interface Scene {
	readonly town: Town;
	readonly mint: Module;
	readonly ann: Module;
}

/** Ann has asked for 1000, the issuer has made the note, and Ann died before it was written down. */
async function unanswered(): Promise<Scene> {
	const town = await Town.make({ noteDays: 20, graceDays: 1 });
	const mint = await town.issuer();
	const ann = await town.purse("ann");
	town.fund(mint, ann, 1000n);
	await town.order(ann, mint, 1000n);
	const tetrad = await town.meet(ann, mint);
	// The first one says that the withdrawal is sent.
	town.killAt(ann, { write: 2, when: "before" });
	town.settle(ann, tetrad, mint);
	await town.quiet();
	assert.equal(ann.machine, undefined);
	assert.equal(town.account(mint, ann), 0n);
	return { town, mint, ann };
}

async function pays(
	{ town, mint, ann }: Scene,
	bob: Module,
	contract: number,
): Promise<string> {
	const tetrad = await town.meet(ann, bob);
	town.expect(bob, tetrad, contractOf(contract), 100n, mint);
	await town.quiet();
	town.pay(ann, tetrad, contractOf(contract), 100n, mint);
	await town.quiet();
	town.part(ann, tetrad);
	const { kind, code } = ann.heard.at(-1) ?? assert.fail();
	return kind === "failed" ? code : kind;
}

describe("a note that comes for the key before", () => {
	test("is held, and nothing is said to be spendable, while that key is not there", async () => {
		const here = await unanswered();
		const { town, mint, ann } = here;
		const bob = await town.purse("bob");
		await town.recertify(ann);
		const [key] = ann.earlier;
		assert.ok(key);
		ann.earlier = [];
		town.restart(ann);
		assert.equal((await town.visit(ann, mint)).code, "");
		const { spendable, held, heldBecause } = town.balance(ann, mint);
		assert.deepEqual(
			[spendable, held, heldBecause],
			[0n, 1000n, "earlier-key"],
		);
		assert.equal(await pays(here, bob, 1), "insufficient-funds");
		town.giveBack(ann, mint);
		assert.equal((await town.visit(ann, mint)).code, "");
		assert.equal(town.balance(ann, mint).held, 1000n);
		town.requireConserved(mint);

		// The key was kept after all.
		ann.earlier = [key];
		town.restart(ann);
		assert.equal((await town.visit(ann, mint)).code, "");
		assert.equal(town.balance(ann, mint).spendable, 1000n);
		assert.equal(await pays(here, bob, 1), "paid");
		town.requireConserved(mint);
	});

	test("becomes one for the present key in the meeting in which it comes", async () => {
		const here = await unanswered();
		const { town, mint, ann } = here;
		const bob = await town.purse("bob");
		await town.recertify(ann);
		assert.equal((await town.visit(ann, mint)).code, "");
		const { spendable, held, heldBecause } = town.balance(ann, mint);
		assert.deepEqual([spendable, held, heldBecause], [1000n, 0n, undefined]);
		assert.equal(await pays(here, bob, 1), "paid");
		assert.equal((await town.visit(bob, mint)).code, "");
		assert.equal(town.account(mint, bob), 100n);
		town.requireConserved(mint);
	});

	test("goes back into the account when all is given back, along with those for the present key", async () => {
		const here = await unanswered();
		const { town, mint, ann } = here;
		await town.recertify(ann);
		const [key] = ann.earlier;
		assert.ok(key);
		ann.earlier = [];
		town.restart(ann);
		await town.withdraw(ann, mint, 70n);
		const { spendable, held } = town.balance(ann, mint);
		assert.deepEqual([spendable, held], [70n, 1000n]);
		ann.earlier = [key];
		town.restart(ann);
		town.giveBack(ann, mint);
		assert.equal((await town.visit(ann, mint)).code, "");
		assert.equal(town.account(mint, ann), 1070n);
		town.requireConserved(mint);
	});

	test("is claimed when it has expired and its key is gone", async () => {
		const here = await unanswered();
		const { town, mint, ann } = here;
		await town.recertify(ann);
		ann.earlier = [];
		town.restart(ann);
		assert.equal((await town.visit(ann, mint)).code, "");
		await town.pass(22 * 86_400_000);
		assert.equal(town.balance(ann, mint).toClaim, 1000n);
		assert.equal((await town.visit(ann, mint)).code, "");
		assert.equal(town.account(mint, ann), 1000n);
		town.requireConserved(mint);
	});

	test("is neither lost nor doubled by a death at any write of its exchange", async () => {
		for (const when of ["before", "after"] as const)
			for (const who of ["ann", "mint"] as const)
				for (let write = 1; ; write++) {
					const { town, ...modules } = await unanswered();
					const { ann, mint } = modules;
					await town.recertify(ann);
					const kill: Kill = { write, when };
					town.killAt(modules[who], kill);
					const tetrad = await town.meet(ann, mint);
					town.settle(ann, tetrad, mint);
					await town.quiet();
					const isOver = modules[who].machine !== undefined;
					town.restart(modules[who]);
					assert.equal((await town.visit(ann, mint)).code, "");
					assert.equal(town.balance(ann, mint).spendable, 1000n);
					town.requireConserved(mint);
					if (isOver) break;
				}
	});
});
