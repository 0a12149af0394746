/* How long whoever gave an order waits for a module that runs. */
import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { HomeLock, makePrivateFolder } from "../../src/device/home/index.ts";
import { isTakenDown } from "../../src/device/purse/index.ts";
import { temporaryFolder } from "../support/folders.ts";

const ORDER = "00".repeat(16).concat(".limits");

/** A home with one order, and how long that is waited for. */
async function homeWithOrder() {
	const folder = await temporaryFolder();
	const orders = join(folder.path, "orders");
	await makePrivateFolder(orders);
	const order = join(orders, ORDER);
	await writeFile(order, "an order", { mode: 0o600 });
	let waited = 0;
	return {
		path: folder.path,
		waited: () => waited,
		takeDown: () => rm(order),
		/** Whether it is taken down; `then` is what happens after so many milliseconds. */
		isTaken: (then?: { readonly ms: number; run(): unknown }) =>
			isTakenDown(folder.path, ORDER, async (ms) => {
				const isDue = waited < (then?.ms ?? 0);
				waited += ms;
				if (then !== undefined && isDue && waited >= then.ms) await then.run();
			}),
		[Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
	};
}

describe("an order", () => {
	test("is waited for while a process has the home, also when that is slow to look", async () => {
		await using home = await homeWithOrder();
		using _ = await HomeLock.take(home.path);
		const then = { ms: 9_000, run: home.takeDown };
		assert.deepEqual([await home.isTaken(then), home.waited()], [true, 9_000]);
	});

	test("that nobody takes down is given up in the end", async () => {
		await using home = await homeWithOrder();
		using _ = await HomeLock.take(home.path);
		assert.deepEqual([await home.isTaken(), home.waited()], [false, 10_000]);
	});

	test("is not waited for when nobody has the home", async () => {
		await using home = await homeWithOrder();
		assert.deepEqual([await home.isTaken(), home.waited()], [false, 0]);
		// What it said of this process is still there.
		(await HomeLock.take(home.path))[Symbol.dispose]();
		assert.deepEqual([await home.isTaken(), home.waited()], [false, 0]);
	});

	test("is waited for no longer when the process that has the home ends", async () => {
		await using home = await homeWithOrder();
		using lock = await HomeLock.take(home.path);
		const then = { ms: 500, run: () => lock[Symbol.dispose]() };
		assert.deepEqual([await home.isTaken(then), home.waited()], [false, 500]);
	});
});
