import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { drawPlan, drawTheme } from "../../sim/draw.ts";
import { PLANTED, withPlanted } from "../../sim/planted.ts";
import { runPlan } from "../../sim/run.ts";
import { shrink } from "../../sim/shrink.ts";
import { simulate } from "../../sim/simulate.ts";
import { diagram, story } from "../../sim/story.ts";

const SEEDS = 30;

describe("simulated worlds", () => {
	test("nothing is violated in the first few, and some of their purchases come to something", async () => {
		const { failed, purchases, faults } = await simulate({
			seed: 1,
			runs: SEEDS,
			twiceEvery: 0,
		});
		assert.equal(failed, undefined);
		assert.ok(purchases.bought > 0);
		assert.ok((faults["crash"] ?? 0) > 0);
	});

	test("the same seed is the same run, to the last byte, and another seed another", async () => {
		const [one, again, other] = [
			await runPlan(drawPlan("3")),
			await runPlan(drawPlan("3")),
			await runPlan(drawPlan("4")),
		];
		assert.equal(one.hash, again.hash);
		assert.notEqual(one.hash, other.hash);
	});

	test("a plan that fails is made as small as it can be", async () => {
		const plan = drawPlan("3");
		const { plan: small } = await shrink(plan, "too many", 400, {
			run: async (tried) => ({
				violation: tried.steps.some(({ kind }) => kind === "buy")
					? { invariant: "too many", what: "", at: 0 }
					: undefined,
			}),
		});
		assert.deepEqual(
			small.steps.map(({ kind }) => kind),
			["buy"],
		);
	});

	test("a run is told as a story and a diagram", async () => {
		const { told } = await runPlan(drawTheme("3", "limited"), {
			isTelling: true,
		});
		const asks = /buyer-\d-agent says "ask" to merchant-\d-agent/;
		assert.ok(asks.test(story(told)));
		assert.ok(/─ prepare ─/.test(diagram(told)));
	});
});

describe("planted bugs", () => {
	for (const [name, { file }] of Object.entries(PLANTED))
		test(`${name} is still to be planted in ${file}`, () => {
			for (const [url, source] of withPlanted(name))
				assert.notEqual(source, readFileSync(new URL(url), "utf8"));
		});
});
