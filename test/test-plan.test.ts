import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { findTests, growth, isForEveryDay, plan } from "../tools/test-plan.ts";
import { temporaryFolder } from "./support/folders.ts";

describe("the plan of a test run", () => {
	test("finds every test file, and nothing else", async () => {
		await using folder = await temporaryFolder();
		mkdirSync(join(folder.path, "test", "wire"), { recursive: true });
		for (const name of ["b.test.ts", "wire/a.process.test.ts", "support.ts"])
			writeFileSync(join(folder.path, "test", name), "");
		assert.deepEqual(findTests(folder.path), [
			"test/b.test.ts",
			"test/wire/a.process.test.ts",
		]);
	});

	test("gives a process to each file that starts some, and begins with the longest", () => {
		const files = ["a.test.ts", "b.process.test.ts", "c.process.test.ts"];
		const costs = {
			"a.test.ts": 2,
			"b.process.test.ts": 1,
			"c.process.test.ts": 3,
		};
		assert.deepEqual(plan(files, costs, 2), [
			["c.process.test.ts"],
			["a.test.ts"],
			["b.process.test.ts"],
		]);
	});

	test("leaves processes and what is slow out of the verdict of every day", () => {
		const files = ["a.test.ts", "b.process.test.ts", "c.slow.test.ts"];
		assert.deepEqual(files.filter(isForEveryDay), ["a.test.ts"]);
	});

	test("spreads the others evenly, and leaves none out", () => {
		const costs = { a: 5, b: 4, c: 3, d: 3, e: 1 };
		const jobs = plan(Object.keys(costs), costs, 2);
		assert.deepEqual(jobs, [
			["b", "c", "e"],
			["a", "d"],
		]);
		assert.deepEqual(plan(["new"], {}, 2), [["new"]]);
	});

	test("shows which files cost much more than was recorded, or are new", () => {
		const recorded = { same: 4, little: 0.1, more: 2, gone: 1 };
		const measured = { same: 5.9, little: 0.5, more: 3.1, new: 1 };
		assert.deepEqual(growth(recorded, measured), [
			"CPU seconds that grew:",
			" before      now  file",
			"     2.0      3.1  more",
			"1 files are not in test/cpu.json yet: new",
		]);
		assert.deepEqual(growth(recorded, { same: 4 }), []);
	});
});
