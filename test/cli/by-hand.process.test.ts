import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { GuideWorld } from "../support/guides.ts";

test("by-hand.md sets up two sides, sends a file, pays, sells and buys", async () => {
	await using world = await GuideWorld.make();
	const said = await world.follow("docs/guides/by-hand.md");
	for (const expected of [
		/12\.50/,
		/it balances/,
		/bob sold "photo\.jpg" to alice for 420/,
	])
		assert.match(said, expected);
	for (const [name, text] of [
		["inbox/order.pdf", "one of these, please\n"],
		["bought.jpg", "a harbour\n"],
	] as const)
		assert.equal(await readFile(world.path("here", name), "utf8"), text);
});
