/* What purses and their issuer do when one thing of one message is another one is what was written down of it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CHANGED_TEXTS, tell, writtenDown } from "./changed-messages.ts";

describe("a changed message has the consequences that were written down", () => {
	for (const text of CHANGED_TEXTS)
		test(text, async () => {
			assert.equal(await tell(text), writtenDown(text));
		});
});
