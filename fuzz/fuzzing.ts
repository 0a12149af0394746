/* One target after another: inputs near those of its corpus, for so many runs or so long. */
import fc from "fast-check";
import { inputsNear } from "./mutations.ts";
import { cpuMs, type Target, tryOne } from "./target.ts";

export interface FuzzOptions {
	readonly seed: number;
	/** What is known of the target already. */
	readonly corpus: readonly Uint8Array[];
	/** So many inputs, or as many as are tried in so many milliseconds, or in so many of CPU time. */
	readonly runs?: number;
	readonly forMs?: number;
	readonly forCpuMs?: number;
	/** How many blocks were reached that no input had reached since it was asked last; keeps inputs that reach some. */
	readonly freshBlocks?: () => number;
}

/** What came of a target. */
export interface Fuzzed {
	readonly target: string;
	readonly runs: number;
	/** Of these so many were taken, and all others refused. */
	readonly taken: number;
	/** Inputs that reached what those of the corpus do not. */
	readonly kept: readonly Uint8Array[];
	readonly failed: Failed | undefined;
}

/** An input for which something does not hold, as small as it could be made. */
export interface Failed {
	readonly input: Uint8Array;
	readonly error: unknown;
	/** Of fast-check: with the same corpus they give the same input. */
	readonly seed: number;
	readonly path: string;
}

/** So many inputs share a corpus; then what was kept joins it. */
const BATCH = 250;

export async function fuzz(
	target: Target,
	{
		seed,
		corpus,
		runs: most = Number.MAX_SAFE_INTEGER,
		forMs = Number.POSITIVE_INFINITY,
		forCpuMs = Number.POSITIVE_INFINITY,
		freshBlocks,
	}: FuzzOptions,
): Promise<Fuzzed> {
	const until = performance.now() + forMs;
	const untilCpu = cpuMs() + forCpuMs;
	const isLate = () => performance.now() >= until || cpuMs() >= untilCpu;
	const all = [...corpus, ...target.seeds];
	const kept: Uint8Array[] = [];
	let [runs, taken] = [0, 0];
	const result = (failed?: Failed): Fuzzed => ({
		target: target.name,
		...{ runs, taken, kept, failed },
	});

	for (const input of all)
		try {
			if (await tryOne(target, input)) taken++;
			runs++;
		} catch (error) {
			return result({ input, error, seed, path: "" });
		}
	freshBlocks?.();
	const tokens = (target.tokens ?? []).map((token) => Buffer.from(token));
	for (let batch = 0; runs < most && !isLate(); batch++) {
		const found: Uint8Array[] = [];
		const judged = await fc.check(
			fc.asyncProperty(inputsNear(all, tokens), async (input) => {
				// What is left of a batch when the time is over is not tried, and nothing is shrunk then.
				if (isLate()) return;
				runs++;
				if (await tryOne(target, input)) taken++;
				if (freshBlocks !== undefined && freshBlocks() > 0) found.push(input);
			}),
			{
				seed: (seed + batch) | 0,
				numRuns: Math.max(1, Math.min(BATCH, most - runs)),
			},
		);
		const [input] = judged.counterexample ?? [];
		if (judged.failed && input !== undefined)
			return result({
				input,
				error: judged.errorInstance,
				seed: judged.seed,
				path: judged.counterexamplePath ?? "",
			});
		kept.push(...found);
		all.push(...found);
	}
	return result();
}

/** Few and small ones of some inputs that reach all blocks that they reach together, the most valuable first. */
export async function minimised(
	target: Target,
	inputs: readonly Uint8Array[],
	blocks: { readonly fresh: () => number; readonly forget: () => void },
): Promise<readonly Uint8Array[]> {
	const judged: { readonly input: Uint8Array; readonly isTaken: boolean }[] =
		[];
	for (const input of inputs)
		judged.push({ input, isTaken: await tryOne(target, input) });
	// What is taken is worth more: from there most is reached.
	judged.sort(
		(a, b) =>
			Number(b.isTaken) - Number(a.isTaken) || a.input.length - b.input.length,
	);
	blocks.forget();
	const left: Uint8Array[] = [];
	for (const { input } of judged) {
		await tryOne(target, input);
		if (blocks.fresh() > 0) left.push(input);
	}
	return left;
}
