import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { QUIET } from "../../sim/network.ts";
import { drawLarge } from "../../sim/plan.ts";
import { runPlan } from "../../sim/run.ts";

describe("a large simulated world", () => {
	test("of two hundred sides and more, through tetrads that stand, violates nothing", async () => {
		const plan = drawLarge("1");
		assert.ok(plan.buyers + plan.merchants >= 180);
		const buying = plan.steps.filter(({ kind }) => kind === "buy");
		const { violation, bought } = await runPlan({
			...plan,
			buyers: 180,
			merchants: 20,
			issuers: 1,
			// Not the first ones, which are of one or two buyers.
			steps: buying.filter((_, at) => at % 18 === 0).slice(0, 150),
		});
		assert.equal(violation, undefined);
		assert.ok(bought > 0);
	});

	test("buys many things through one tetrad, at once and one after another, for less than a tetrad each", async () => {
		const world = (standingMs: number) => ({
			...drawLarge("1"),
			...{ buyers: 1, merchants: 1, issuers: 1, notes: [2000], standingMs },
			...{ network: QUIET, link: QUIET, settleEveryMs: 0 },
			steps: Array.from({ length: 20 }, (_, at) => ({
				...{ at: 500 * Math.floor(at / 4), kind: "buy" as const },
				...{ buyer: 0, merchant: 0, item: at % 3, isShared: true },
			})),
		});
		const [standing, alone] = [
			await runPlan(world(30_000)),
			await runPlan(world(0)),
		];
		assert.equal(standing.violation, undefined);
		assert.equal(standing.bought, 20);
		assert.equal(alone.bought, 20);
		assert.ok(standing.events < alone.events);
	});
});
