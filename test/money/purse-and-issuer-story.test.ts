/* All that purses and an issuer do in one long story is what was written down of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { tell, writtenDown } from "./purse-and-issuer-story.ts";

test("a story of purses and their issuer goes as it was written down", async () => {
	assert.equal(await tell(), writtenDown());
});
