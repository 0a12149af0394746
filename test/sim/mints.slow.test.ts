import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { REAL } from "../../sim/crypto.ts";
import { drawPlan, drawTheme } from "../../sim/draw.ts";
import { MINT_THEMES } from "../../sim/draw-mints.ts";
import { isMintStep, type MintStep, QUIET_MINTS } from "../../sim/mint-plan.ts";
import { QUIET } from "../../sim/network.ts";
import { HOUR, inOrder, type Plan, type Step } from "../../sim/plan.ts";
import { runPlan } from "../../sim/run.ts";
import { simulate } from "../../sim/simulate.ts";
import { diagram, story } from "../../sim/story.ts";
import { MINT_FAULTS } from "../../src/mint/index.ts";

/** A buyer with a hundred of the ecash of a mint, and three things that it buys for some of that. */
function planOf(steps: readonly Step[] = []): Plan {
	const purchases = [1, 2, 3].map(
		(at): Step => ({
			...{ at: 1000 * at, kind: "buy", buyer: 0, merchant: 0 },
			item: at - 1,
		}),
	);
	return {
		...{ seed: "mints", buyers: 1, merchants: 1, issuers: 1 },
		...{ notes: [100], noteDays: 90, graceDays: 7, settleEveryMs: 0 },
		...{ network: QUIET, link: QUIET, syncMs: [1, 5] },
		mints: {
			...{ count: 1, inputFeePpk: 100, tokens: [150] },
			...{ sellsFor: ["ecash"], lockedMs: 6 * HOUR, network: QUIET_MINTS },
		},
		steps: inOrder([...purchases, ...steps]),
	};
}

/** What a fault is counted as, and steps with which it happens. */
const HAPPEN: Readonly<Record<string, readonly Step[]>> = {
	"question lost": [1, 2, 3].map(
		(at): Step => ({
			...{ at: 1000 * at - 1, kind: "lose-question", question: 1 },
			...{ device: "buyer-0-module", isAnswer: false },
		}),
	),
	"answer lost": [1, 2, 3].map(
		(at): Step => ({
			...{ at: 1000 * at - 1, kind: "lose-question", question: 1 },
			...{ device: "merchant-0-module", isAnswer: true },
		}),
	),
	"crash of a mint": [1, 2, 3].map(
		(point): Step => ({
			...{ at: 1000 * point - 1, kind: "mint-crash", mint: 0, point },
			downMs: 100,
		}),
	),
	"mint down": [{ at: 900, kind: "mint-down", mint: 0, forMs: 5000 }],
	"keys rotated": [
		{ at: 1020, kind: "rotate", mint: 0 },
		{ at: 2020, kind: "rotate", mint: 0, inputFeePpk: 0 },
	],
	"clock of a mint": [
		{ at: 0, kind: "mint-clock", mint: 0, aheadMs: 40 * 86_400_000 },
	],
	"mint: witness-forgotten": [
		{
			...{ at: 0, kind: "mint-fault", mint: 0 },
			fault: { kind: "witness-forgotten" },
		},
	],
	"token given twice": [
		{
			...{ at: 0, kind: "receive", side: "buyer-0", mint: 0 },
			...{ amount: 20, sharedWith: "merchant-0" },
		},
	],
	"send-ecash": [
		{
			...{ at: 2500, kind: "send-ecash", side: "buyer-0", mint: 0 },
			...{ amount: 20, to: "merchant-0", afterMs: 100 },
		},
	],
	"token redeemed outside": [
		{
			...{ at: 2500, kind: "send-ecash", side: "buyer-0", mint: 0 },
			...{ amount: 20, to: "outside", isPart: true, afterMs: 100 },
		},
		{ at: 3500, kind: "take-ecash-back", side: "buyer-0" },
	],
	"invoice not paid": [
		{
			...{ at: 2500, kind: "melt-ecash", side: "buyer-0", mint: 0 },
			...{ of: "outside", amount: 20, maxFee: 10 },
			...{ tries: [false], afterMs: 500 },
		},
	],
	"invoice paid": [
		{
			...{ at: 2500, kind: "mint-ecash", side: "merchant-0", mint: 0 },
			...{ amount: 20, onItsWayMs: 0 },
		},
		{
			...{ at: 3000, kind: "melt-ecash", side: "buyer-0", mint: 0 },
			...{ of: "another", amount: 20, maxFee: 10 },
			...{ tries: [true], afterMs: 0 },
		},
	],
	"restore-ecash": [
		{ at: 2500, kind: "restore-ecash", side: "buyer-0", mint: 0 },
	],
	"mints named": [{ at: 2500, kind: "name-mints", side: "buyer-0", mints: [] }],
};

/** All but faults, and what is lost in one purchase alone. */
const KINDS: readonly MintStep["kind"][] = [
	"mint-clear",
	"mint-down",
	"mint-crash",
	"mint-clock",
	"rotate",
	"receive",
	"name-mints",
	"send-ecash",
	"take-ecash-back",
	"mint-ecash",
	"melt-ecash",
	"restore-ecash",
	"order-ecash-again",
];

describe("purchases with ecash in simulated worlds", () => {
	test("come to something, and their steps are told", async () => {
		const { bought, violation, told } = await runPlan(planOf(), {
			isTelling: true,
		});
		assert.equal(violation, undefined);
		assert.equal(bought, 3);
		const claims = /merchant-0-module says "lockClaimed" to buyer-0-module/;
		assert.match(story(told), claims);
		assert.match(diagram(told), /─ \/v1\/swap ─/);
	});

	test("are the same with the cryptography of mints", async () => {
		const { bought, violation } = await runPlan(planOf(), {
			cryptography: REAL,
		});
		assert.equal(violation, undefined);
		assert.equal(bought, 3);
	});

	for (const [kind, steps] of Object.entries(HAPPEN))
		test(`"${kind}" happens, and nothing is violated by it`, async () => {
			const { violation, faults } = await runPlan(planOf(steps));
			assert.equal(violation, undefined);
			assert.ok((faults.get(kind) ?? 0) > 0);
		});

	test("come back when their mint has shown the refund wrongly for a while", async () => {
		const { violation, faults } = await runPlan(
			planOf([
				{
					...{ at: 0, kind: "crash", device: "merchant-0-module" },
					...{ table: "ecash_sold", point: 1, downMs: 6 * HOUR + 60_000 },
				},
				{
					...{ at: 6 * HOUR - 60_000, kind: "mint-fault", mint: 0 },
					fault: { kind: "amount-wrong" },
				},
				{ at: 7 * HOUR, kind: "mint-clear", mint: 0 },
			]),
		);
		assert.equal(violation, undefined);
		assert.equal(faults.get("mint: amount-wrong"), 1);
	});

	for (const name of Object.keys(MINT_THEMES)) {
		test(`violate nothing in the first worlds of "${name}"`, async () => {
			const { failed, purchases } = await simulate({
				...{ seed: 1, runs: 3, twiceEvery: 0 },
				draw: (seed) => drawTheme(seed, name),
			});
			assert.equal(failed, undefined);
			assert.ok(purchases.asked > 0);
		});

		test(`"${name}" is the same run again, to the last byte`, async () => {
			const [one, again] = [
				await runPlan(drawTheme("7", name)),
				await runPlan(drawTheme("7", name)),
			];
			assert.equal(one.hash, again.hash);
		});
	}

	test("are with all that can happen to mints, drawn by some seed", () => {
		const drawn = new Set(
			Array.from({ length: 1000 }, (_, seed) =>
				drawPlan(String(seed))
					.steps.filter(isMintStep)
					.map((step) =>
						step.kind === "mint-fault" ? step.fault.kind : step.kind,
					),
			).flat(),
		);
		for (const kind of [...Object.keys(MINT_FAULTS), ...KINDS])
			assert.ok(drawn.has(kind as never), kind);
	});
});
