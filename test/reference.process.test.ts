import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makePages, REFERENCE } from "../tools/reference.ts";

test("the pages of docs/reference say what the code has; renew them with: npx node tools/reference.ts", async () => {
	const pages = await makePages();
	assert.deepEqual(readdirSync(REFERENCE).sort(), [...pages.keys()].sort());
	for (const [name, text] of pages)
		assert.equal(readFileSync(join(REFERENCE, name), "utf8"), text, name);
});
