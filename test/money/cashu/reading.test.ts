/* Whatever mints and strangers write is read as it was written down. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { tell, writtenDown } from "./reading.ts";

test("what mints and strangers write is read as it was written down", () => {
	assert.equal(tell(), writtenDown());
});
