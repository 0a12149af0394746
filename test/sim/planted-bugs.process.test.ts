import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { findBug } from "../../sim/bugs.ts";

describe("planted bugs", () => {
	for (const name of [
		"nonce-twice",
		"role-left-out",
		"transcript-without-module",
	])
		test(`${name} is found in the first worlds`, async () => {
			const { invariant } = await findBug(name, 3);
			assert.notEqual(invariant, undefined);
		});
});
