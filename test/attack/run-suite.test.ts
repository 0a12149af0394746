/* How outcomes come about: what counts as held, what as broken, and what as nothing. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Attack, Outcome } from "../../src/attack/attack.ts";
import { NotTried } from "../../src/attack/not-tried.ts";
import {
	hasHeld,
	runSuite,
	type SuiteOptions,
} from "../../src/attack/run-suite.ts";
import type { Target } from "../../src/attack/target.ts";

const HELD: Outcome = { kind: "held", what: "it said no" };

/** Honest business works until this is set. */
function targetThat(looks: { dies?: string } = {}): Target {
	return {
		isAlive: async () => looks.dies,
	} as unknown as Target;
}

const attackThat = (
	run: Attack["run"],
	more: Partial<Attack> = {},
): Attack => ({
	name: "an-attack",
	group: "handshake",
	tried: "something",
	reference: "somewhere",
	run,
	...more,
});

async function outcomesOf(
	attacks: readonly Attack[],
	target: Target = targetThat(),
	controls: NonNullable<SuiteOptions["controls"]> = {},
): Promise<{ kinds: string[]; isHeld: boolean; words: string[] }> {
	const { signal } = new AbortController();
	const tried = await runSuite(attacks, target, { signal, controls });
	return {
		kinds: tried.map(({ outcome }) => outcome.kind),
		words: tried.map(({ outcome }) =>
			outcome.kind === "not-tried" ? outcome.why : outcome.what,
		),
		isHeld: hasHeld(tried),
	};
}

describe("an attack", () => {
	test("that is refused by a target that lives on has been held", async () => {
		const { kinds, isHeld } = await outcomesOf([attackThat(async () => HELD)]);
		assert.deepEqual(kinds, ["held"]);
		assert.equal(isHeld, true);
	});

	test("after which the target is of no use has broken it", async () => {
		const looks: { dies?: string } = {};
		const kills = attackThat(async () => {
			looks.dies = "an honest caller is not let in";
			return HELD;
		});
		const { kinds, words, isHeld } = await outcomesOf(
			[kills],
			targetThat(looks),
		);
		assert.deepEqual(kinds, ["broken"]);
		assert.match(words.join(), /an honest caller is not let in/);
		assert.equal(isHeld, false);
	});

	test("that throws has broken something", async () => {
		const { kinds, isHeld } = await outcomesOf([
			attackThat(() => Promise.reject(new Error("what is that?"))),
		]);
		assert.deepEqual(kinds, ["broken"]);
		assert.equal(isHeld, false);
	});

	test("that lacks what nobody lent is not tried, and spoils nothing", async () => {
		const { kinds, isHeld } = await outcomesOf([
			attackThat(async () => HELD),
			attackThat(() => Promise.reject(new NotTried("it needs a side"))),
		]);
		assert.deepEqual(kinds, ["held", "not-tried"]);
		assert.equal(isHeld, true);
	});

	test("whose moment never came is not tried, and that matters", async () => {
		const never = new NotTried("the moment never came", { matters: true });
		const { kinds, isHeld } = await outcomesOf([
			attackThat(async () => HELD),
			attackThat(() => Promise.reject(never)),
		]);
		assert.deepEqual(kinds, ["held", "not-tried"]);
		assert.equal(isHeld, false);
	});

	test("whose honest form does not work is not tried, and that matters", async () => {
		let runs = 0;
		const { kinds, isHeld } = await outcomesOf(
			[
				attackThat(async () => {
					runs++;
					return HELD;
				}),
			],
			targetThat(),
			{ handshake: () => Promise.reject(new Error("it does not work")) },
		);
		assert.deepEqual(kinds, ["not-tried"]);
		assert.equal(isHeld, false);
		assert.equal(runs, 0);
	});

	test("that needs nothing is tried where its group's honest form needs what nobody lent", async () => {
		const { kinds, isHeld } = await outcomesOf(
			[attackThat(async () => HELD)],
			targetThat(),
			{ handshake: () => Promise.reject(new NotTried("it needs a side")) },
		);
		assert.deepEqual(kinds, ["held"]);
		assert.equal(isHeld, true);
	});

	test("after all of which the honest form of its group has stopped working has broken it", async () => {
		let looks = 0;
		const { kinds, isHeld } = await outcomesOf(
			[attackThat(async () => HELD), attackThat(async () => HELD)],
			targetThat(),
			{
				handshake: async () => {
					if (++looks > 1) throw new Error("it works no longer");
				},
			},
		);
		assert.deepEqual(kinds, ["held", "broken"]);
		assert.equal(isHeld, false);
	});

	test("that waits comes after the others, beside those that wait too, and is told of in its place", async () => {
		const order: string[] = [];
		const { promise, resolve } = Promise.withResolvers<void>();
		const waits = (run: () => Promise<void>) =>
			attackThat(
				async () => {
					await run();
					order.push("waits");
					return HELD;
				},
				{ waits: true },
			);
		const other = attackThat(async () => {
			order.push("other");
			return { kind: "broken", what: "got it" };
		});
		const { kinds } = await outcomesOf([
			waits(() => promise),
			waits(async () => resolve()),
			other,
		]);
		assert.deepEqual(order, ["other", "waits", "waits"]);
		assert.deepEqual(kinds, ["held", "held", "broken"]);
	});
});

test("nothing at all that was tried is no success", async () => {
	const { isHeld } = await outcomesOf([]);
	assert.equal(isHeld, false);
	assert.equal(
		(
			await outcomesOf([
				attackThat(() => Promise.reject(new NotTried("it needs a side"))),
			])
		).isHeld,
		false,
	);
});
