/* The simulator as a test of mutants: a few worlds in which everything has to hold. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { simulate } from "../../sim/simulate.ts";

test("simulated worlds hold", async () => {
	const { failed } = await simulate({ seed: 1, runs: 20, twiceEvery: 0 });
	assert.equal(failed, undefined);
});
