/* The limits of the rooms that hold keys and money are those of docs/internals/limits.md. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { limitsText, writtenDown } from "./limits-text.ts";

test("limits change only where they are written down", async () => {
	assert.equal(await limitsText(), writtenDown());
});
