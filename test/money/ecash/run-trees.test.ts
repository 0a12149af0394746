/* Every way that a request to a mint can go comes to what was written down. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RUN_NAMES, tellRun, writtenDown } from "./run-trees.ts";

describe("a request to a mint goes as it was written down, whatever it answers", () => {
	for (const name of RUN_NAMES)
		test(name, () => {
			assert.equal(tellRun(name), writtenDown(name));
		});
});
