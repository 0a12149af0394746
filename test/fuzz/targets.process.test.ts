/* Every target in a process of its own, where structures and machines can be looked into. `npm run fuzz` does more. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../fuzz/main.ts", import.meta.url));

async function fuzz(...args: string[]) {
	const child = spawn(process.execPath, [MAIN, ...args], {
		stdio: ["ignore", "pipe", "pipe"],
	});
	const [said, complained, [code]] = await Promise.all([
		text(child.stdout),
		text(child.stderr),
		once(child, "close"),
	]);
	return { said, complained, code };
}

test("every target holds for its corpus and a few further inputs", async (t) => {
	const seed = 1 + Math.floor(Math.random() * 2 ** 30);
	t.diagnostic(`seed ${seed}`);
	const { said, complained, code } = await fuzz(
		...["--runs", "60", "--seed", `${seed}`, "--json"],
	);
	const lines = said.trim().split("\n");
	const found = lines.filter((line) => line.includes('"failed"'));
	assert.deepEqual(found, [], complained);
	assert.equal(code, 0, complained);
	const targets = lines.map((line) => JSON.parse(line));
	// What refuses all that it is given is hardly reached: its corpus lacks what our encoders make.
	for (const { target, taken, isNeverTaken } of targets)
		assert.equal(
			taken === 0,
			isNeverTaken,
			`${target}: ${taken} taken; npm run fuzz -- --record gives it a corpus`,
		);
	const names = targets.map(({ target }) => target as string);
	assert.ok(names.filter((name) => name.startsWith("structure ")).length > 100);
	assert.ok(names.includes("machines of a world"));
});

test("a few targets hold for ten seconds each, other ones each time", async (t) => {
	const seed = 1 + Math.floor(Math.random() * 2 ** 30);
	t.diagnostic(`npm run fuzz -- --some 5 --seed ${seed}`);
	const { said, complained, code } = await fuzz(
		...["--some", "5", "--seed", `${seed}`, "--json"],
	);
	const targets = said
		.trim()
		.split("\n")
		.map((line) => JSON.parse(line));
	const failed = targets.filter((target) => target.failed !== undefined);
	assert.deepEqual(failed, [], complained);
	assert.equal(code, 0, complained);
	assert.equal(new Set(targets.map(({ target }) => target)).size, 5);
	for (const { runs, inputs } of targets) assert.ok(runs > inputs);
});

test("a seed draws the same targets again", async () => {
	const draw = async (seed: string) => {
		const { said } = await fuzz("--some", "4", "--seed", seed, "--list");
		return said.trim().split("\n");
	};
	const [once, again, another] = await Promise.all(["7", "7", "8"].map(draw));
	assert.equal(once?.length, 4);
	assert.deepEqual(again, once);
	assert.notDeepEqual(another, once);
});

test("a wrong command is told so, with what there is", async () => {
	const wrong = await fuzz("--minutes", "none");
	assert.equal(wrong.code, 2);
	assert.match(wrong.complained, /--minutes takes a number.*npm run fuzz/s);
	const nobody = await fuzz("--target", "no such thing");
	assert.equal(nobody.code, 2);
});

test("one input is tried by itself", async () => {
	const { said, code } = await fuzz(
		...["--target", "frames of a stream", "--input", "AQAAAAA="],
	);
	assert.equal(code, 0);
	assert.match(said, /frames of a stream: taken/);
});
