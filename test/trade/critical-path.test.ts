/* What one purchase in a standing tetrad waits for, until its buyer has the key. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { messages, unpackMessages } from "../../src/money/index.ts";
import {
	ABOUT_PURCHASES,
	BETWEEN_AGENTS,
} from "../../src/trade/documents/index.ts";
import { Agents } from "./agents.ts";
import { Market } from "./market.ts";
import { TradeWorld } from "./world.ts";

const { BETWEEN_MODULES } = messages;

test("the modules write once each, and say two things each", async () => {
	const market = await Market.make();
	const { town, ann, bob } = market;
	const visit = await market.meet();
	const contract = await market.contract(visit);
	await market.quiet();
	const [paying, taking] = [ann.store.writes, bob.store.writes];
	const { prepare, prepared, deliver, accepted } = BETWEEN_MODULES;
	market.buy(visit, contract);
	await town.work();
	for (const { type } of [prepare, prepared, deliver, accepted]) {
		assert.equal(town.wire[0]?.bytes?.[0], type);
		// From here on the buyer's module can write nothing, and its agent hears the key.
		if (type === accepted.type) ann.store.isFull = true;
		await town.deliver();
		await town.work();
	}
	market.listen();
	assert.ok(market.isKeyed(contract));
	assert.equal(ann.store.writes - paying, 1);
	assert.equal(bob.store.writes - taking, 1);
});

test("the buyer's agent makes one thing durable, the merchant's nothing, and it takes one answer for the price and one for the goods", async () => {
	const world = await TradeWorld.make();
	const content = new Uint8Array(3);
	const stock = new Map([["a song", { kind: "file", content } as const]]);
	const agents = new Agents(world, { stock });
	await agents.buy("a song");
	const path = agents.buyerEffects.slice(
		0,
		agents.buyerEffects.findIndex(
			(effect) => effect.kind === "step" && effect.step.kind === "paid",
		),
	);
	const kinds = path.map(({ kind }) => kind);
	assert.equal(kinds.filter((kind) => kind === "keep").length, 1);
	assert.ok(!kinds.includes("conclude") && !kinds.includes("open-goods"));
	const saidTo = (
		to: "to-agent" | "to-module",
		effects: typeof agents.buyerEffects | typeof agents.merchantEffects,
	) =>
		effects.flatMap((effect) =>
			effect.kind === to
				? unpackMessages(effect.bytes).map(([type]) => type)
				: [],
		);
	assert.deepEqual(saidTo("to-agent", path), [
		BETWEEN_AGENTS.ask.type,
		BETWEEN_AGENTS.take.type,
	]);
	assert.deepEqual(saidTo("to-module", path), [ABOUT_PURCHASES.buy.type]);
	const { selling, sell } = ABOUT_PURCHASES;
	assert.deepEqual(saidTo("to-module", agents.merchantEffects), [
		selling.type,
		sell.type,
	]);
});
