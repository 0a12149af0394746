/* What four devices do in a tetrad, whatever goes wrong, is what was written down of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { TEXTS, tell, writtenDown } from "./tetrad-story.ts";

for (const text of TEXTS)
	test(`tetrads go as they were written down (${text.how}, ${text.part})`, async () => {
		assert.equal(await tell(text), writtenDown(text));
	});
