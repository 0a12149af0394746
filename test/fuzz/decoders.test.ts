/* Every decoder with all that is known of it, and a little that is not. `npm run fuzz` does more. */
import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { after, describe, test } from "node:test";
import { machines, notThere, withoutTarget } from "../../fuzz/completeness.ts";
import { readCorpus } from "../../fuzz/corpus.ts";
import { decoderTargets, scratch } from "../../fuzz/decoders.ts";
import { fuzz } from "../../fuzz/fuzzing.ts";
import { MACHINES } from "../../fuzz/machines.ts";

const folder = scratch();
after(folder.remove);
// The structures have targets of their own, which are there only in a process of their own.
const targets = (await decoderTargets(folder.path)).filter(
	({ name }) => !name.startsWith("structure "),
);
const covered = targets.flatMap(({ covers }) => covers);
const seed = Math.floor(Math.random() * 2 ** 31);

/** Inputs of each target beside its corpus. */
const RUNS = 40;

describe("fuzzing", () => {
	test("has a target for every decoder of what others write", () => {
		assert.deepEqual(withoutTarget(covered), []);
		assert.deepEqual(notThere(covered), []);
	});

	test("has every machine", () => {
		assert.deepEqual(machines().toSorted(), [...MACHINES].toSorted());
	});

	test("has a corpus that is small", () => {
		const corpus = new URL("../../fuzz/corpus/", import.meta.url);
		const bytes = readdirSync(corpus).reduce(
			(sum, name) => sum + statSync(new URL(name, corpus)).size,
			0,
		);
		assert.ok(bytes < 300_000, `${bytes} bytes`);
	});
});

describe(`whatever stands in its place (seed ${seed})`, () => {
	for (const target of targets)
		test(`a ${target.name} is read, or refused as it should`, async () => {
			const corpus = readCorpus(target.name);
			const { failed, taken } = await fuzz(target, {
				seed,
				corpus,
				runs: corpus.length + target.seeds.length + RUNS,
			});
			if (failed !== undefined)
				assert.fail(
					`${(failed.error as Error).stack}\nnpm run fuzz -- --target "${target.name}" --input ${Buffer.from(failed.input).toString("base64")}`,
				);
			assert.equal(taken > 0, target.isNeverTaken !== true, `${taken} taken`);
		});
});
