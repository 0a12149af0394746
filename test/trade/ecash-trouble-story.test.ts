/* What modules do with a sale that is paid with ecash is what was written down of it: the mint is wrong, or a store is full. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { TROUBLE_TEXTS, tell, writtenDown } from "./ecash-sale-story.ts";

describe("a story of a sale for ecash goes as it was written down", () => {
	for (const text of TROUBLE_TEXTS)
		test(text, async () => {
			assert.equal(await tell(text), writtenDown(text));
		});
});
