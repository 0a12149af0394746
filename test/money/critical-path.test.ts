/* What one payment in a tetrad waits for: messages between the modules, and what each of them makes durable before it sends the next. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TransactOptions } from "../../src/machine/index.ts";
import { messages } from "../../src/money/index.ts";
import { contractOf, type Module, type Town } from "./town.ts";
import { two } from "./two-purses.ts";

const { BETWEEN_MODULES } = messages;

/** What the modules say to each other, and how often each of both had written by then. */
function followed(town: Town, payer: Module, payee: Module) {
	const said: (readonly [type: number, payer: number, payee: number])[] = [];
	const [paying, taking] = [payer.store.writes, payee.store.writes];
	const written = () =>
		[payer.store.writes - paying, payee.store.writes - taking] as const;
	town.sent = ([type = -1]) => said.push([type, ...written()]);
	return { said, written };
}

test("a payment takes two round trips between the modules, and one write of one of them for each message after the first", async () => {
	const { town, mint, ann, bob, tetrad } = await two();
	const contract = contractOf(7);
	const { said, written } = followed(town, ann, bob);
	town.expect(bob, tetrad, contract, 250n, mint);
	await town.quiet();
	assert.deepEqual([said, written()], [[], [0, 0]]);
	town.pay(ann, tetrad, contract, 250n, mint);
	await town.quiet();
	const { prepare, prepared, deliver, accepted } = BETWEEN_MODULES;
	assert.deepEqual(said, [
		[prepare.type, 0, 0],
		[prepared.type, 0, 1],
		[deliver.type, 1, 1],
		[accepted.type, 1, 2],
	]);
	// The last one is the receipt, which the payer's agent has heard of by then.
	assert.deepEqual(written(), [2, 2]);
	assert.equal(ann.last("paid").amount, 250n);
});

test("of what a payment writes and reads, its payer waits for one write, and lets the receipt wait for the next payment's", async () => {
	const { town, mint, ann, bob, tetrad } = await two();
	const asked = new Map<Module, string[]>([
		[ann, []],
		[bob, []],
	]);
	town.wants = (module, effect) => {
		if (effect.kind === "transact")
			asked.get(module)?.push(howOf(effect as typeof effect & TransactOptions));
	};
	town.expect(bob, tetrad, contractOf(7), 250n, mint);
	await town.quiet();
	town.pay(ann, tetrad, contractOf(7), 250n, mint);
	await town.quiet();
	// The contract is looked up, committed, and settled.
	assert.deepEqual(asked.get(ann), ["looks", "awaited", "waits"]);
	// It is looked up, agreed on, and taken.
	assert.deepEqual(asked.get(bob), ["awaited", "awaited", "awaited"]);
});

function howOf({ waitMs = 0, looks = false }: TransactOptions): string {
	if (looks) return "looks";
	return waitMs > 0 ? "waits" : "awaited";
}

test("a payment that is asked for again writes nothing and says nothing to the other module", async () => {
	const { town, mint, ann, bob, tetrad } = await two();
	const contract = contractOf(7);
	const pay = async () => {
		town.expect(bob, tetrad, contract, 250n, mint);
		await town.quiet();
		town.pay(ann, tetrad, contract, 250n, mint);
		await town.quiet();
	};
	await pay();
	const { said, written } = followed(town, ann, bob);
	await pay();
	assert.deepEqual([said, written()], [[], [0, 0]]);
});
