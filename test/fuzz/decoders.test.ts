/* Every decoder with all that is known of it, and a little that is not. `npm run fuzz` does more. */
import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { after, describe, test } from "node:test";
import { Campaign, pageOf } from "../../fuzz/campaign.ts";
import { machines, notThere, withoutTarget } from "../../fuzz/completeness.ts";
import { readCorpus } from "../../fuzz/corpus.ts";
import { decoderTargets, scratch } from "../../fuzz/decoders.ts";
import { type Fuzzed, fuzz } from "../../fuzz/fuzzing.ts";
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

describe("the page of a run", () => {
	const target = { name: "", covers: [], seeds: [], take: () => {} };
	const ofRun = (targets: number) =>
		new Campaign(targets, 7, { machine: "", node: "", commit: "", day: "" });
	const cell = (campaign: Campaign, what: string) =>
		pageOf(campaign)
			.split("\n")
			.find((line) => line.startsWith(`| ${what} |`))
			?.split("|")[2]
			?.trim();
	const done = (name: string, runs: number, taken: number): Fuzzed => ({
		...{ target: name, runs, taken, kept: [], failed: undefined },
	});

	test("says that the run was cut off, until all targets are there", () => {
		const campaign = ofRun(2);
		campaign.add(target, done("a", 9, 3), 1, Uint8Array.of(1, 0));
		assert.equal(cell(campaign, "targets"), "1 of 2, then it was cut off");
		campaign.add(target, done("b", 8, 3), 1, Uint8Array.of(1, 0));
		assert.equal(cell(campaign, "targets"), "2");
	});

	test("names what had the fewest inputs, what took none, and what did not hold", () => {
		const failed = { input: Uint8Array.of(), error: "", seed: 7, path: "" };
		const campaign = ofRun(4);
		const reached = Uint8Array.of(1, 0, 0, 1);
		campaign.add(target, done("a", 9, 3), 1, reached);
		campaign.add(target, done("b", 5, 0), 1, reached);
		campaign.add(
			{ ...target, isNeverTaken: true },
			done("c", 6, 0),
			...([1, reached] as const),
		);
		campaign.add(target, { ...done("d", 7, 1), failed }, 1, reached);
		assert.equal(cell(campaign, "fewest inputs of a target"), "5: b");
		assert.equal(cell(campaign, "what took no input, and should"), "b");
		assert.equal(cell(campaign, "what did not hold"), "d");
		assert.equal(cell(campaign, "of these reached"), "2, 50.0 %");
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
