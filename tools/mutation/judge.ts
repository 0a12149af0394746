/*
 * Whether the tests notice a mutant. Only tests that reach it run, those first that are named like
 * its source or are of its room, and the cheapest ones of these first, in a process for a few of
 * them, until one fails.
 */
import { readFileSync, rmSync } from "node:fs";
import type { Mutant } from "./mutants.ts";
import { ENDS, entryOf, FIRST_TEST, hrefOf, runNode } from "./processes.ts";

/** How a mutant was noticed, or that it was not. */
export type Verdict =
	/** By a test; or by the files that were loaded, before a test. */
	| { readonly kind: "killed"; readonly by: string }
	/** It went on for ever, or waits for ever. */
	| { readonly kind: "timed-out" }
	/** Out of so many tests so many ran: no more were run when these had taken too long. */
	| { readonly kind: "survived"; readonly ran: number; readonly of: number }
	/** No test reaches it. */
	| { readonly kind: "unreached" };

/** A test that reaches a mutant. CPU seconds are those with nothing changed, while every call was counted. */
export interface ReachingTest {
	readonly file: string;
	/** As Node's runner says it, with the suites that it is in. */
	readonly name: string;
	readonly seconds: number;
	/** Of its file, once for all of its tests. */
	readonly loadingSeconds: number;
	/** Whether its file says the name of the constant, function or class that the mutant is in. */
	readonly isNaming: boolean;
	/** Whether its file has a word in its name that is in the name of the source, too. */
	readonly isNamed: boolean;
	/** Whether it is a test of the mutant's own room. */
	readonly isOfRoom: boolean;
	/** Whether it reaches the mutant itself, and not its file while that is loaded. */
	readonly isOwn: boolean;
}

export interface JudgeOptions {
	readonly root: string;
	/** For the files that bring several tests into one process. */
	readonly folder: string;
	/** Tests are not run any more when with the next one they would take more CPU seconds. */
	readonly mostSeconds: number;
}

/** So much CPU time more than with nothing changed, while every call was counted, is a loop without an end, however busy the machine is. */
const PATIENCE = { factor: 3, seconds: 4 };

/** CPU seconds of the first process, and by how much the next one has more. */
const BATCH = { seconds: 0.5, factor: 4 };

/** A mutant that eats memory dies of it before the machine does. */
const HEAP = "--max-old-space-size=1536";

export class MutationJudge {
	readonly #options: JudgeOptions;
	/** Whether a test passes without the others of its file, nothing changed. */
	readonly #alone = new Map<string, Promise<boolean>>();
	/** How many mutants a test has noticed in this run. */
	readonly #noticed = new Map<string, number>();

	constructor(options: JudgeOptions) {
		this.#options = options;
	}

	async judge(
		mutant: Mutant,
		reaching: readonly ReachingTest[],
	): Promise<Verdict> {
		if (reaching.length === 0) return { kind: "unreached" };
		const { mostSeconds } = this.#options;
		let left = inOrder(reaching, mostSeconds, this.#noticed);
		let seconds = 0;
		let most = BATCH.seconds;
		let ran = 0;
		while (left.length > 0) {
			const batch = nextBatch(left, Math.min(most, mostSeconds - seconds));
			const end = await this.#run(batch.tests, batch.seconds, mutant);
			switch (end.kind) {
				case "failed": {
					const by = batch.tests.find(({ name }) => name === end.by);
					if (by === undefined) return { kind: "killed", by: "loading" };
					const alone = by.loadingSeconds + by.seconds;
					if (
						(await this.#passesAlone(by)) &&
						(await this.#run([by], alone, mutant)).kind !== "passed"
					) {
						const before = this.#noticed.get(by.name) ?? 0;
						this.#noticed.set(by.name, before + 1);
						return { kind: "killed", by: by.name };
					}
					// It wants what the tests before it leave behind, or fails at times: it says nothing here.
					left.unshift(...batch.tests.filter((test) => test !== by));
					continue;
				}
				case "timed-out":
					// So may the same tests with nothing changed, where the machine is too busy.
					if ((await this.#run(batch.tests, batch.seconds)).kind === "passed")
						return { kind: "timed-out" };
					continue;
				case "passed":
					ran += batch.tests.length;
					seconds += batch.seconds;
					most *= BATCH.factor;
					// What only dear tests reach has been judged by one of them by now.
					left = left.filter((test) => costOf(test) <= mostSeconds - seconds);
			}
		}
		return { kind: "survived", ran, of: reaching.length };
	}

	#passesAlone(test: ReachingTest): Promise<boolean> {
		const known = this.#alone.get(test.name);
		if (known !== undefined) return known;
		const alone = test.loadingSeconds + test.seconds;
		const passes = this.#run([test], alone).then(
			({ kind }) => kind === "passed",
		);
		this.#alone.set(test.name, passes);
		return passes;
	}

	/** Some tests, one after another in one process, with the mutant or with nothing changed. */
	async #run(
		tests: readonly ReachingTest[],
		seconds: number,
		mutant?: Mutant,
	): Promise<
		| { readonly kind: "passed" }
		| { readonly kind: "timed-out" }
		| { readonly kind: "failed"; readonly by: string | undefined }
	> {
		const { root, folder } = this.#options;
		const entry = entryOf(root, folder, [
			...new Set(tests.map(({ file }) => file)),
		]);
		const failedTest = `${entry}.failed`;
		const { code, signal } = await runNode({
			root,
			args: [
				HEAP,
				...[FIRST_TEST, ...tests.map(({ name }) => patternOf(name))].map(
					(pattern) => `--test-name-pattern=${pattern}`,
				),
				`--import=${hrefOf(root, "tools/mutation/plant.ts")}`,
				entry,
			],
			env: {
				TETRAD_MUTANT: mutant && JSON.stringify(mutant),
				TETRAD_FAILED_TEST: failedTest,
			},
			mostSeconds: Math.ceil(seconds * PATIENCE.factor + PATIENCE.seconds),
		});
		const by = readIfThere(failedTest);
		rmSync(entry);
		rmSync(failedTest, { force: true });
		if (code === 0) return { kind: "passed" };
		const isLate = signal === "SIGXCPU" || signal === "SIGKILL";
		if (isLate || code === ENDS.idle) return { kind: "timed-out" };
		return { kind: "failed", by };
	}
}

/** A test that costs a greater part of the time that there is comes after all others. */
const DEAR = 0.25;

/**
 * The likeliest and cheapest first: those of files that name what is mutated, those that have
 * noticed most mutants in this run, those of files that are named like its source or are of its
 * room; and of each file some before more of any, since tests of one file are much alike. What is
 * mutated while files are loaded may be used in any room.
 */
function inOrder(
	reaching: readonly ReachingTest[],
	mostSeconds: number,
	noticed: ReadonlyMap<string, number>,
): ReachingTest[] {
	const ofFile = new Map<string, number>();
	const first = (a: boolean, b: boolean) => Number(b) - Number(a);
	return reaching
		.toSorted((a, b) => a.seconds - b.seconds)
		.map((test) => {
			const round = ofFile.get(test.file) ?? 0;
			ofFile.set(test.file, round + 1);
			return { ...test, round, isDear: test.seconds > DEAR * mostSeconds };
		})
		.toSorted(
			(a, b) =>
				first(a.isOwn, b.isOwn) ||
				first(!a.isDear, !b.isDear) ||
				first(a.isNaming, b.isNaming) ||
				(noticed.get(b.name) ?? 0) - (noticed.get(a.name) ?? 0) ||
				(a.isOwn ? 0 : a.round - b.round) ||
				first(a.isNamed, b.isNamed) ||
				first(a.isOfRoom, b.isOfRoom) ||
				a.round - b.round,
		);
}

/** Of what loading a file costs alone, so much is left when others are loaded: they share most modules. */
const SHARED_LOADING = 0.15;

/** In CPU seconds, beside other tests in one process. */
const costOf = ({ seconds, loadingSeconds }: ReachingTest) =>
	seconds + SHARED_LOADING * loadingSeconds;

/** Takes the next tests off the list: one at least. */
function nextBatch(left: ReachingTest[], most: number) {
	const tests: ReachingTest[] = [];
	const files = new Set<string>();
	let seconds = 0;
	for (let next = left[0]; next !== undefined; next = left[0]) {
		const share = files.size === 0 ? 1 : SHARED_LOADING;
		const loading = files.has(next.file) ? 0 : next.loadingSeconds * share;
		if (tests.length > 0 && seconds + loading + next.seconds > most) break;
		left.shift();
		tests.push(next);
		files.add(next.file);
		seconds += loading + next.seconds;
	}
	return { tests, seconds };
}

/** The runner puts a blank between the names of suites and tests where it matches patterns, and ` > ` where it says them. */
function patternOf(name: string): string {
	const text = name.replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
	return `/^${text.replaceAll(" > ", " (?:> )?")}$/u`;
}

function readIfThere(path: string): string | undefined {
	try {
		return readFileSync(path, "utf8");
	} catch (thrown) {
		if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return undefined;
		throw thrown;
	}
}
