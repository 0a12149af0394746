/* What the owner of a buyer's module has not let it pay is not paid, whatever the buyer's program allows itself. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { utf8 } from "../../src/wire/index.ts";
import { owner } from "../device/service/town.ts";
import { another, coded, PaidWorld, PREPAID, PRICE, SEALED } from "./world.ts";

describe("a program that allows itself everything", () => {
	let world: PaidWorld;

	before(async () => {
		world = await PaidWorld.open();
	});
	after(() => world?.[Symbol.asyncDispose]());

	test("pays for no answer that is longer than it takes", async () => {
		const had = await world.spendable();
		const answers = world.answers({ maxAnswerBytes: 3 });
		const { request, paying } = await world.paying(another(), answers);
		const admitted = await world.requests.admit(paying.id, request, SEALED);
		await assert.rejects(admitted.answer(utf8("rain")));
		await assert.rejects(paying.answer, coded("limit-exceeded", /nothing/));
		assert.equal(await world.spendable(), had);
		// It is asked anew, and may be shorter by then: that it left work unpaid is forgotten once it has paid first.
		const first = await world
			.answers({ modes: ["prepaid"] })
			.pay(world.requests.terms(request, PREPAID), request);
		const { answer } = await world.requests.admit(first.id, request, PREPAID);
		await answer(utf8("sun"));
		await first.taken();
	});

	test("pays nothing that its owner has to approve", async () => {
		const had = await world.spendable();
		const answers = world.answers({ maximum: 2n ** 62n, waits: true });
		await world.town.limit({ approvalAbove: PRICE - 1n });
		const { request, paying } = await world.paying(another(), answers);
		const admitted = await world.requests.admit(paying.id, request, SEALED);
		await assert.rejects(admitted.answer(utf8("rain")), /without paying/);
		await assert.rejects(paying.answer, coded("approval-needed", /raise/));
		assert.equal(await world.spendable(), had);
		await world.town.limit({});
	});

	test("pays first for what its owner approves, where it waits for that", async () => {
		await world.town.limit({ approvalAbove: PRICE - 1n });
		const request = another();
		const waiting = Promise.withResolvers<void>();
		const paying = world
			.answers({ modes: ["prepaid"], waits: true })
			.pay(world.requests.terms(request, PREPAID), request, {
				step: (event) => {
					if (event.event === "purchase" && event.state === "waiting")
						waiting.resolve();
				},
			});
		await Promise.race([waiting.promise, paying]);
		// Those that were given up stand there, too.
		const [newest] = (await world.buyer.approvals())
			.filter(({ state }) => state === "waiting")
			.toSorted((one, other) => other.asked.localeCompare(one.asked));
		await world.buyer.approve(newest?.contract ?? "", { owner });
		const { id, taken } = await paying;
		const admitted = await world.requests.admit(id, request, PREPAID);
		await admitted.answer(utf8("rain"));
		await taken();
		await world.town.limit({});
	});
});
