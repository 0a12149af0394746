/* The simulator as tests of mutants: a few worlds, a test each, in which everything has to hold. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { simulate } from "../../sim/simulate.ts";

const WORLDS = 12;

for (let seed = 1; seed <= WORLDS; seed++)
	test(`simulated world ${seed} holds`, async () => {
		const { failed } = await simulate({ seed, runs: 1, twiceEvery: 0 });
		assert.equal(failed, undefined);
	});
