import assert from "node:assert/strict";
import { test } from "node:test";
import {
	exhaust,
	ONE_ECASH_PURCHASE,
	ONE_PURCHASE,
} from "../../sim/exhaustive.ts";

test("one purchase loses nothing wherever a device dies, and whichever frame is lost", async () => {
	const { failed, points, frames, runs, bought } = await exhaust(
		ONE_PURCHASE,
		false,
	);
	assert.equal(failed?.violation, undefined);
	// Each place, and each frame with its connection and without.
	assert.equal(runs, points + 2 * frames);
	assert.ok(
		points >= 200 && frames >= 50,
		`${points} places, ${frames} frames`,
	);
	assert.ok(bought > 0 && bought < runs);
});

test("one purchase with ecash loses nothing wherever a device or the mint dies, and whatever is lost between them", async () => {
	const { failed, points, frames, questions, runs, bought } = await exhaust(
		ONE_ECASH_PURCHASE,
		false,
	);
	assert.equal(failed?.violation, undefined);
	// Each question and each answer, at once and in the end.
	assert.equal(runs, points + 2 * frames + 4 * questions);
	assert.ok(
		points >= 200 && frames >= 50 && questions >= 2,
		`${points} places, ${frames} frames, ${questions} questions`,
	);
	assert.ok(bought > 0 && bought < runs);
});
