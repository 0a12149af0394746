/* Answers that are sold sealed: what a buyer and a merchant have when all goes well, and when it does not. */
import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { TetradError } from "../../src/errors.ts";
import { requestText } from "../../src/paid/index.ts";
import { utf8 } from "../../src/wire/index.ts";
import { coded, PaidWorld, PRICE } from "./world.ts";

let asked = 0;

/** A request that was never made before. */
const another = (): string =>
	requestText({ method: "GET", url: `https://api.example/${++asked}` });

const sealed = { mode: "sealed", amount: PRICE } as const;

describe("a sealed answer", () => {
	let world: PaidWorld;

	before(async () => {
		world = await PaidWorld.open({ meetWithinMs: 2000, settleWithinMs: 5000 });
	});
	after(() => world?.[Symbol.asyncDispose]());

	test("is paid and had by who asked for it, and kept no longer once it was taken", async () => {
		const { requests } = world;
		const request = another();
		const had = await world.spendable();
		const terms = requests.terms(request, sealed);
		const paying = await world.answers().pay(terms, request);
		assert.ok(paying.mode === "sealed" && paying.isToBeSent);
		const admitted = await requests.admit(paying.id, request, sealed);
		assert.equal(admitted.buyer.name, "alice");
		const { contract } = await admitted.answer(utf8("rain"));
		const { bytes, purchase } = await paying.answer;
		assert.deepEqual(bytes, utf8("rain"));
		assert.equal(purchase.contract, contract);
		assert.equal(purchase.order, request);
		assert.equal(await world.spendable(), had - PRICE);
		await paying.taken();
		const answers = join(world.town.homes.of("A"), "answers");
		assert.deepEqual(await readdir(answers), []);
	});

	test("is refused with its reason when there is none, and nothing is paid", async () => {
		const { requests } = world;
		const request = another();
		const had = await world.spendable();
		const terms = requests.terms(request, sealed);
		const paying = await world.answers().pay(terms, request);
		assert.ok(paying.mode === "sealed");
		const admitted = await requests.admit(paying.id, request, sealed);
		await admitted.fail(new TetradError("payment-refused", "no such town"));
		await assert.rejects(
			paying.answer,
			coded("payment-refused", /no such town/),
		);
		assert.equal(await world.spendable(), had);
	});
});
