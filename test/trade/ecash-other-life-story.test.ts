/* All that comes of what an owner orders of a mint that answers otherwise, or after a purse was put back, is what was written down of it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OTHER_LIFE_TEXTS, tell, writtenDown } from "./ecash-owner-story.ts";

describe("a story of an owner's ecash in another life goes as it was written down", () => {
	for (const text of OTHER_LIFE_TEXTS)
		test(text, async () => {
			assert.equal(await tell(text), writtenDown(text));
		});
});
