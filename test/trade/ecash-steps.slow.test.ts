/* Whatever of what a mint is asked goes wrong, what comes of it is what was written down. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ACT_NAMES, tellPart, writtenAct } from "./ecash-steps.ts";

for (const name of ACT_NAMES)
	describe(`${name}: what comes of it is what was written down`, () => {
		for (const [number, written] of writtenAct(name))
			test(`when request ${number} goes wrong`, async () => {
				assert.equal(await tellPart(name, number), written);
			});
	});
