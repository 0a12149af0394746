/* What is left of secrets in memory, also when something is broken off, is what was written down of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { tell, writtenDown } from "./secrets-left.ts";

test("no other secrets are left of tetrads, links and pairings than were written down", async () => {
	assert.equal(await tell(), writtenDown());
});
