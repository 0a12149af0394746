import assert from "node:assert/strict";
import { test } from "node:test";
import { exhaust } from "../../sim/exhaustive.ts";

test("one purchase loses nothing wherever a device dies, and whichever frame is lost", async () => {
	const { failed, points, frames, runs, bought } = await exhaust(false);
	assert.equal(failed?.violation, undefined);
	// Each place, and each frame with its connection and without.
	assert.equal(runs, points + 2 * frames);
	assert.ok(
		points >= 200 && frames >= 50,
		`${points} places, ${frames} frames`,
	);
	assert.ok(bought > 0 && bought < runs);
});
