import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

test("examples/one-process.ts runs", () => {
	const path = join(ROOT, "examples", "one-process.ts");
	const said = execFileSync(process.execPath, [path], { encoding: "utf8" });
	const [one, two, three, four, many, code] = said.trim().split("\n");
	assert.deepEqual([one, two, three, four], Array(4).fill("hello"));
	assert.equal(many, "1000 messages");
	const [atA, atY] = code?.split(" = ") ?? [];
	assert.ok(atA && atA === atY);
});

test("examples/buying-agent.test.ts passes", () => {
	const path = join(ROOT, "examples", "buying-agent.test.ts");
	const { NODE_TEST_CONTEXT: _, ...env } = process.env;
	const args = ["--test", "--test-reporter=tap", path];
	const said = execFileSync(process.execPath, args, { encoding: "utf8", env });
	assert.match(said, /^# pass 3$/m);
	assert.match(said, /^# fail 0$/m);
});
