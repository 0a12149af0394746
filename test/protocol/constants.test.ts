/* What is exported that is plain data is what was written down of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { constants, writtenDown } from "./constants-text.ts";

test("words, lists and tables of session, tetrad, money and trade are those that were written down", async () => {
	assert.equal(await constants(), writtenDown());
});
