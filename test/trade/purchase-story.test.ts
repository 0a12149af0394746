/* What the modules of a buyer and of a merchant do in purchases is what was written down of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { TEXTS, tell, writtenDown } from "./purchase-story.ts";

for (const text of TEXTS)
	test(`purchases go as they were written down (${text.rail}, ${text.part})`, async () => {
		assert.equal(await tell(text), writtenDown(text));
	});
