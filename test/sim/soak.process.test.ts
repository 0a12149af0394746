import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { execPath } from "node:process";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { kept, type Soaked, seedAfter, soakPage } from "../../sim/soak-kept.ts";

const MAIN = fileURLToPath(new URL("../../sim/soak-main.ts", import.meta.url));

function soaking(...args: readonly string[]) {
	const child = spawn(execPath, [MAIN, ...args], {
		stdio: ["ignore", "pipe", "inherit"],
	});
	const over = new Promise<number | null>((resolve) =>
		child.once("exit", (code) => resolve(code)),
	);
	return { child, over };
}

describe("npm run soak", () => {
	test("goes on until there are as many purchases as were wanted, in several processes", async () => {
		const { child, over } = soaking(
			"--purchases",
			"5",
			"--workers",
			"2",
			"--json",
		);
		const { purchases, failed, isWhole, workers } = JSON.parse(
			await text(child.stdout),
		);
		assert.equal(await over, 0);
		assert.equal(failed, undefined);
		assert.ok(purchases.bought + purchases.refused >= 5);
		assert.deepEqual([isWhole, workers], [true, 2]);
	});

	test("stops at the first seed that fails, and tells what happened and how to have it again", async () => {
		const { child, over } = soaking(
			...["--purchases", "1000000", "--workers", "1", "--bug", "nonce-twice"],
		);
		const said = await text(child.stdout);
		assert.equal(await over, 1);
		assert.match(said, /Seed 1: "no nonce is used twice" does not hold/);
		assert.match(said, /npm run sim -- --seed 1 --runs 1/);
		assert.match(said, /Shrunk from/);
	});

	test("goes on until as many seeds have failed as were said, and names each", async () => {
		const { child, over } = soaking(
			...["--purchases", "1000000", "--workers", "1", "--bug", "nonce-twice"],
			...["--failures", "3", "--json"],
		);
		const { failures, failed, isWhole } = JSON.parse(await text(child.stdout));
		assert.equal(await over, 1);
		assert.deepEqual(
			failures.map(({ seed }: { seed: number }) => seed),
			[1, 2, 3],
		);
		assert.deepEqual(failed, failures[0]);
		assert.equal(isWhole, false);
	});

	test("says what it has when it is interrupted", async () => {
		const { child, over } = soaking("--hours", "1", "--workers", "1");
		let said = "";
		for await (const part of child.stdout) {
			// What it begins with says that it can be stopped from then on.
			if (said === "") child.kill("SIGINT");
			said += part;
		}
		assert.equal(await over, 1);
		assert.match(said, /It was to be 1 hours, and was stopped before/);
		assert.match(said, /worlds from seed 1 on/);
	});

	test("wants to know how long", async () => {
		const { child, over } = soaking("--seed", "1");
		const said = await text(child.stdout);
		assert.equal(await over, 2);
		assert.match(said, /--purchases N {2}until/);
	});

	test("goes on only behind what is kept", async () => {
		const { child, over } = soaking("--hours", "1", "--more", "--seed", "1");
		await text(child.stdout);
		assert.equal(await over, 2);
	});
});

describe("what is kept of soaks", () => {
	test("is what the page says", async () => {
		const page = new URL("../../docs/internals/soak.md", import.meta.url);
		assert.equal(await readFile(page, "utf8"), soakPage(kept()));
	});

	test("is added up, and gone on with behind the last seed that was begun", () => {
		const [one] = kept();
		assert.ok(one);
		const other: Soaked = {
			...one,
			...{ commit: "c0ffee", firstSeed: one.nextSeed, nextSeed: 900_000 },
			failures: [{ seed: 5, invariant: "one id, one effect", what: "two" }],
		};
		assert.equal(seedAfter([one, other]), 900_000);
		assert.equal(seedAfter([]), 1);
		const page = soakPage([one, other]);
		assert.match(page, new RegExp(`worlds \\| ${2 * one.seeds} `));
		assert.match(
			page,
			/\| c0ffee \| Seed 5: "one id, one effect" does not hold: two \|/,
		);
	});
});
