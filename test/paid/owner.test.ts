/* What the owner of a buyer's module has not let it pay is not paid, whatever the buyer's program allows itself. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { utf8 } from "../../src/wire/index.ts";
import { another, coded, PaidWorld, PRICE, SEALED } from "./world.ts";

describe("a program that allows itself everything", () => {
	let world: PaidWorld;

	before(async () => {
		world = await PaidWorld.open();
	});
	after(() => world?.[Symbol.asyncDispose]());

	test("pays nothing that its owner has to approve", async () => {
		const had = await world.spendable();
		const answers = world.answers({ maximum: 2n ** 62n });
		await world.town.limit({ approvalAbove: PRICE - 1n });
		const { request, paying } = await world.paying(another(), answers);
		const admitted = await world.requests.admit(paying.id, request, SEALED);
		await assert.rejects(admitted.answer(utf8("rain")), /without paying/);
		await assert.rejects(paying.answer, coded("approval-needed"));
		assert.equal(await world.spendable(), had);
	});
});
