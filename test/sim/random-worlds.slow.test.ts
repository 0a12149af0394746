/*
 * Worlds that nobody has seen, for as long as there is time. What fails is told last, with the seed
 * that has it again: `npm run sim -- --seed N --runs 1`, or this test with TETRAD_SIM_SEED=N.
 */
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { env } from "node:process";
import { test } from "node:test";
import { drawPlan } from "../../sim/draw.ts";
import { simulate } from "../../sim/simulate.ts";
import { tellFailure } from "../../sim/tell.ts";

/** For how long new worlds are begun, in seconds. */
const SECONDS = Number(env["TETRAD_SIM_SECONDS"] ?? 120);

/** Behind all that tests name, and `npm run sim` takes nine digits. */
const FIRST_SEED = 10_000_000;
const LAST_SEED = 900_000_000;

/** A world of hundreds is passed over: it takes longer by itself than there is time, and a soak has them. */
const MOST_SIDES = 60;

/** So many worlds have somebody who buys something. */
const FEW = 20;

/** The run is to end while somebody waits for it. */
const SHRINKS = 40;

test("nothing is violated in random worlds", async (t) => {
	const first = Number(
		env["TETRAD_SIM_SEED"] ?? randomInt(FIRST_SEED, LAST_SEED),
	);
	const until = performance.now() + SECONDS * 1000;
	let [seed, worlds, bought, faults] = [first, 0, 0, 0];
	for (; worlds === 0 || performance.now() < until; seed++) {
		const plan = drawPlan(`${seed}`);
		if (plan.buyers + plan.merchants > MOST_SIDES) continue;
		const figures = await simulate({
			...{ seed, runs: 1, twiceEvery: 100 },
			draw: () => plan,
		});
		worlds++;
		const { failed } = figures;
		if (failed !== undefined) {
			const { invariant, what } = failed;
			const told = await tellFailure(plan, SHRINKS);
			assert.fail(
				`${told}\n\nSeed ${seed}: "${invariant}" does not hold: ${what}\nTo have it again: npm run sim -- --seed ${seed} --runs 1`,
			);
		}
		bought += figures.purchases.bought;
		for (const count of Object.values(figures.faults)) faults += count;
	}
	t.diagnostic(
		`${worlds} worlds of the seeds from ${first} to ${seed - 1}: ${bought} purchases bought, ${faults} faults`,
	);
	// A few may come to nothing.
	assert.ok(bought > 0 || worlds < FEW);
});
