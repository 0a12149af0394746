import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hex } from "../../src/wire/index.ts";
import { contractOf, type Module, Town, type TownOptions } from "./town.ts";

interface Two {
	readonly town: Town;
	readonly mint: Module;
	readonly ann: Module;
	readonly bob: Module;
}

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

describe("a payment", () => {
	test("goes from withdrawal to deposit", async () => {
		const { town, mint, ann, bob } = await two();
		assert.equal(town.balance(ann, mint).spendable, 1000n);
		const tetrad = await town.meet(ann, bob);
		const contract = contractOf(1);
		town.expect(bob, tetrad, contract, 250n, mint);
		await town.quiet();
		assert.equal(bob.last("expecting").contract, hex(contract));
		town.pay(ann, tetrad, contract, 250n, mint);
		await town.quiet();
		assert.equal(ann.last("paid").receipt, bob.last("received").receipt);
		assert.equal(town.balance(ann, mint).spendable, 750n);
		assert.equal(town.balance(ann, mint).inDoubt, 0n);
		assert.equal(town.balance(bob, mint).toDeposit, 250n);
		const settled = await town.visit(bob, mint);
		assert.equal(settled.code, "", settled.reason);
		assert.equal(town.total(bob, mint), 0n);
		assert.deepEqual(
			bob.reports.findLast(({ kind }) => kind === "account"),
			{ kind: "account", issuer: mint.device.deviceId, balance: 250n },
		);
		assert.deepEqual([ann.ended, bob.ended, mint.ended], [[], [], []]);
	});
});
