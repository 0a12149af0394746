/* What things cost in calls, frames, bytes, writes and allocations, against what was kept: no machine is faster or slower at that. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { type Costs, countCosts, dearer } from "../bench/counts.ts";

const KEPT = new URL("../bench/results/counts.json", import.meta.url);
const { counts }: { readonly counts: Costs } = JSON.parse(
	readFileSync(KEPT, "utf8"),
);

describe("costs that no machine changes", () => {
	test("none is more than twice what it was when it was kept", async () => {
		// `npm run bench -- counts --save` keeps those of today.
		assert.deepEqual(dearer(await countCosts(), counts), []);
	});

	test("one that has more than doubled is told, with both figures, and so is one that is counted no more", () => {
		const kept = { "a purchase": { frames: 30, bytes: 100 } };
		assert.deepEqual(
			dearer({ "a purchase": { frames: 60, bytes: 201 } }, kept),
			["a purchase: bytes 201, was 100"],
		);
		assert.deepEqual(dearer({}, kept), ["a purchase: is counted no more"]);
	});

	test("a new kind of call counts from nothing", () => {
		const kept = { "a purchase": { frames: 30 } };
		assert.deepEqual(dearer({ "a purchase": { frames: 30, sign: 1 } }, kept), [
			"a purchase: sign 1, was 0",
		]);
	});
});
