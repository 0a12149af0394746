/* What modules do with a sale that is paid with ecash is what was written down of it: those who know of it say another thing. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PART_TEXTS, tell, writtenDown } from "./ecash-sale-story.ts";

describe("a story of a sale for ecash goes as it was written down", () => {
	for (const text of PART_TEXTS)
		test(text, async () => {
			assert.equal(await tell(text), writtenDown(text));
		});
});
