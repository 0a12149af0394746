/* The tables of stores are those that were written down: what is on disks already is read by them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SCHEMAS, schemaText, writtenDown } from "./tables-text.ts";

test("tables change only where they are written down, for stores that are there have them", () => {
	const sections = writtenDown().trimEnd().split("\n\n");
	assert.deepEqual(SCHEMAS.map(schemaText), sections);
});
