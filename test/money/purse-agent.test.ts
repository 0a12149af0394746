/* What an agent that is injected or fooled does to its own purse: it can be refused, and nothing else. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PAYMENTS } from "../../src/money/purse/purse-tables.ts";
import { type Module, Town } from "./town.ts";

interface Scene {
	readonly town: Town;
	readonly mint: Module;
	readonly ann: Module;
}

async function scene(): Promise<Scene> {
	const town = await Town.make();
	const mint = await town.issuer();
	const ann = await town.purse("ann");
	await town.withdraw(ann, mint, 1000n);
	return { town, mint, ann };
}

describe("an own agent", () => {
	test("that settles without end is answered each time, and not all at once", async () => {
		const { town, mint, ann } = await scene();
		ann.heard.length = 0;
		const tetrad = await town.meet(ann, mint);
		const asked = 5_000;
		for (let i = 0; i < asked; i++) town.settle(ann, tetrad, mint);
		await town.work();
		const early = ann.heard.length;
		assert.ok(asked - early < 1_000, `${asked - early} wait for an answer`);
		assert.deepEqual([...new Set(ann.heard.map(({ code }) => code))], ["busy"]);
		await town.quiet();
		assert.equal(ann.heard.length, asked);
		assert.equal(ann.last("settled").code, "");
	});

	test("that names the contract of an exchange is refused", async () => {
		const { town, mint, ann } = await scene();
		town.giveBack(ann, mint);
		await town.visit(ann, mint);
		const [exchange] = ann.store.rows(PAYMENTS);
		assert.ok(exchange && exchange.state === "settled");
		const tetrad = await town.meet(ann, mint);
		town.pay(ann, tetrad, exchange.contract, exchange.amount, mint);
		await town.quiet();
		assert.equal(ann.last("failed").code, "payment-refused");
		assert.ok(ann.machine !== undefined && ann.tetrads.has(tetrad));
	});
});
