/* Buyers whose agents end at each step of a purchase, and who ask for more than they have: what is paid is answered, and what is answered is paid. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { AgentEvent } from "../../src/device/service/index.ts";
import { asTetradError } from "../../src/errors.ts";
import { utf8 } from "../../src/wire/index.ts";
import { another, PaidWorld, PREPAID, PRICE, SEALED } from "./world.ts";

const RAIN = utf8("rain");

const nameOf = (event: AgentEvent): string =>
	event.event === "purchase" ? `purchase ${event.state}` : event.event;

describe("a buyer's program that asks again", () => {
	let world: PaidWorld;

	before(async () => {
		world = await PaidWorld.open();
	});
	after(() => world?.[Symbol.asyncDispose]());

	/** Answers whatever comes for a request, and resolves with how often it has. */
	function answering(request: string, id: string): Promise<number> {
		return world.requests
			.admit(id, request, SEALED)
			.then((admitted) => admitted.answer(RAIN))
			.then(
				() => 1,
				() => 0,
			);
	}

	/** Pays first for something, so that nothing is held against the buyer. */
	async function makeUp(): Promise<void> {
		const request = another();
		const terms = world.requests.terms(request, PREPAID);
		const answers = world.answers({ modes: ["prepaid"] });
		const ticket = await answers.pay(terms, request);
		await (await world.requests.admit(ticket.id, request, PREPAID)).answer(
			RAIN,
		);
		await ticket.taken();
	}

	/** Pays for a request, and calls `step` with what the agent says. */
	async function pay(
		request: string,
		step: (event: AgentEvent) => void = () => {},
	): Promise<Uint8Array> {
		const terms = world.requests.terms(request, SEALED);
		const paying = await world.answers().pay(terms, request, { step });
		assert.ok(paying.mode === "sealed");
		paying.answer.catch(() => {});
		if (paying.isToBeSent) void answering(request, paying.id);
		const { bytes } = await paying.answer;
		await paying.taken();
		return bytes;
	}

	test("has one answer for one price, at whichever step its agent has ended before", async () => {
		const steps: string[] = [];
		await pay(another(), (event) => steps.push(nameOf(event)));
		assert.ok(steps.includes("purchase paid"), steps.join());
		for (const [at, name] of steps.entries()) {
			await makeUp();
			const had = await world.spendable();
			const request = another();
			let heard = -1;
			const reached = Promise.withResolvers<void>();
			const first = pay(request, () => {
				if (++heard === at) reached.resolve();
			}).then(
				() => "answered",
				(thrown: unknown) => asTetradError(thrown).code,
			);
			await Promise.race([reached.promise, first]);
			await world.restartBuyer();
			const told = await first;
			const paid = had - (await world.spendable());
			const said = `cut at "${name}", the program was told "${told}", and ${paid} was paid`;
			assert.ok(paid === 0n || paid === PRICE, said);
			if (told === "answered") assert.equal(paid, PRICE, said);
			else if (told !== "payment-in-doubt") assert.equal(paid, 0n, said);
			if (told === "answered") continue;
			// What was left unpaid is made up for, so that it can be asked for again.
			await makeUp();
			assert.deepEqual(await pay(request), RAIN, said);
			assert.equal(had - (await world.spendable()), 2n * PRICE, said);
		}
	});

	test("has as many answers as it can pay for, and little more is worked for", async () => {
		const price = { mode: "sealed", amount: 700n } as const;
		const had = await world.spendable();
		const affordable = Number(had / price.amount);
		const answers = world.answers({ maximum: price.amount });
		let worked = 0;
		const all = Array.from({ length: 60 }, async () => {
			const request = another();
			const terms = world.requests.terms(request, price);
			const paying = await answers.pay(terms, request);
			assert.ok(paying.mode === "sealed");
			paying.answer.catch(() => {});
			const admitted = world.requests.admit(paying.id, request, price);
			void admitted.then(
				(one) => {
					worked++;
					return one.answer(RAIN).catch(() => {});
				},
				() => {},
			);
			const { bytes } = await paying.answer;
			await paying.taken();
			return bytes;
		});
		const told = await Promise.allSettled(all);
		const answered = told.filter(({ status }) => status === "fulfilled").length;
		assert.equal(answered, affordable);
		assert.equal(
			had - (await world.spendable()),
			BigInt(answered) * price.amount,
		);
		assert.ok(worked <= affordable + 8, `${worked} were worked for`);
	});
});
