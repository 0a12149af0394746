/* What both ends of links and of pairings do, whatever goes wrong, is what was written down of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { tell, WIRES, writtenDown } from "./link-story.ts";

for (const kind of WIRES)
	test(`both ends of a ${kind} do what was written down`, async () => {
		assert.equal(await tell(kind), writtenDown(kind));
	});
