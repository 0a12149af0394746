/* All that a buyer's and a merchant's agent do in many purchases is what was written down of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { tell, writtenDown } from "./agent-story.ts";

test("purchases between two agents go as they were written down", async () => {
	assert.equal(await tell(), writtenDown());
});
