/* All that comes of what an owner orders of a mint is what was written down of it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OWNER_TEXTS, tell, writtenDown } from "./ecash-owner-story.ts";

describe("a story of an owner's ecash goes as it was written down", () => {
	for (const text of OWNER_TEXTS)
		test(text, async () => {
			assert.equal(await tell(text), writtenDown(text));
		});
});
