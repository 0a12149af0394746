/* A few rounds of the crash harness, and the proof that it finds loss. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { crash, NoCompiler } from "../../crash/crash.ts";
import { MACHINES } from "../../crash/world.ts";

const ROUNDS = 2;

/** In its round a buyer's machine loses all that was not synced, when there is much of it. */
const LYING = 41;

/** Disks that keep what was not synced, as they may, are not found to lie: each of these is tried. */
const ROUNDS_OF_LIARS = 8;

describe("the crash harness", () => {
	test("loses nothing when processes are killed and power is cut", async (t) => {
		const options = { seed: 1, rounds: ROUNDS };
		const { figures, failure } = await crash({
			...options,
			hasPower: true,
		}).catch((thrown: unknown) => {
			if (!(thrown instanceof NoCompiler) || process.env["CI"] === "true")
				throw thrown;
			t.diagnostic(`no power is cut: ${thrown.message}`);
			return crash({ ...options, hasPower: false });
		});
		assert.equal(failure, undefined, inspect(failure, { depth: 6 }));
		assert.equal(figures.rounds, ROUNDS);
		assert.ok(figures.kills >= ROUNDS, inspect(figures));
		assert.ok(figures.purchases >= 5 * ROUNDS, inspect(figures));
	});

	test("finds that disks lie", async (t) => {
		let found: Awaited<ReturnType<typeof crash>>;
		try {
			const rounds = ROUNDS_OF_LIARS;
			const options = { seed: LYING, rounds, hasPower: true };
			found = await crash({ ...options, liars: MACHINES });
		} catch (thrown) {
			if (!(thrown instanceof NoCompiler) || process.env["CI"] === "true")
				throw thrown;
			return t.skip(thrown.message);
		}
		const { failure } = found;
		assert.ok(failure !== undefined, inspect(found));
		rmSync(failure.folder, { recursive: true, force: true });
	});
});
