/* All that comes of what an owner orders of a mint that is wrong is what was written down of it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { tell, WRONG_MINT_TEXTS, writtenDown } from "./ecash-owner-story.ts";

describe("a story of an owner's ecash at a wrong mint goes as it was written down", () => {
	for (const text of WRONG_MINT_TEXTS)
		test(text, async () => {
			assert.equal(await tell(text), writtenDown(text));
		});
});
