import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { THEME_OF } from "../../sim/bug-themes.ts";
import { drawPlan, drawTheme, THEMES } from "../../sim/draw.ts";
import { INVARIANT_NAMES } from "../../sim/invariants/index.ts";
import { PLANTED, withPlanted } from "../../sim/planted.ts";
import { runPlan } from "../../sim/run.ts";
import { shrink } from "../../sim/shrink.ts";
import { simulate } from "../../sim/simulate.ts";
import { diagram, story } from "../../sim/story.ts";

/** As many as show that all goes on in them; `random-worlds` has many. */
const SEEDS = 5;

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

	test("money that an issuer has forgotten is over at last", async () => {
		const { failed, faults } = await simulate({
			...{ seed: 27, runs: 10, twiceEvery: 0 },
			draw: (seed) => drawTheme(seed, "forgotten"),
		});
		assert.equal(failed, undefined);
		assert.ok((faults["forgotten money"] ?? 0) > 0);
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
	test("those that are looked for in worlds of a theme are there, and so is the theme", () => {
		for (const [name, theme] of THEME_OF) {
			assert.ok(name in PLANTED, name);
			assert.ok(theme in THEMES, theme);
		}
	});

	test("planted ones have been found by each invariant, so that each can fail", () => {
		const page = new URL(
			"../../docs/internals/planted-bugs.md",
			import.meta.url,
		);
		const foundBy = new Set(
			readFileSync(page, "utf8")
				.split("\n")
				.map((line) => line.split(" | ")[2]),
		);
		assert.deepEqual(
			INVARIANT_NAMES.filter((name) => !foundBy.has(name)),
			[],
		);
	});

	for (const [name, { file }] of Object.entries(PLANTED))
		test(`${name} is still to be planted in ${file}`, () => {
			for (const [url, source] of withPlanted(name))
				assert.notEqual(source, readFileSync(new URL(url), "utf8"));
		});
});
