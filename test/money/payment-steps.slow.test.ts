/* Whatever of what is done with notes goes wrong, what comes of it is what was written down. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ACT_NAMES, PARTS, tellPart, writtenAct } from "./payment-steps.ts";

for (const name of ACT_NAMES)
	describe(`${name}: what comes of it is what was written down`, () => {
		for (const part of PARTS)
			test(`when what ${part}`, async () => {
				assert.equal(await tellPart(name, part), writtenAct(name).get(part));
			});
	});
