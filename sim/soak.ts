/* Seeds after seeds, in as many processes as there are cores, until there are enough. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Figures, together } from "./simulate.ts";

/** What a process is asked to run. */
export interface Range {
	readonly seed: number;
	readonly runs: number;
}

export interface SoakOptions {
	/** The first seed. */
	readonly seed: number;
	readonly workers: number;
	/** Whether it has been enough; asked when a few more seeds have been run. */
	readonly isEnough: (figures: Figures) => boolean;
	/** Stops it with what there is. */
	readonly signal: AbortSignal;
	/** Arguments of each process. */
	readonly args?: readonly string[];
}

const WORKER = fileURLToPath(new URL("./soak-worker.ts", import.meta.url));

/** Seeds that a process runs at a time: a second of work, unless there is a large world among them. */
const SEEDS_AT_A_TIME = 4;

const NOTHING: Figures = {
	firstSeed: Number.POSITIVE_INFINITY,
	seeds: 0,
	purchases: { asked: 0, unmet: 0, bought: 0, refused: 0 },
	payments: 0,
	faults: {},
	events: 0,
	virtualHours: 0,
	persons: 0,
	runTwice: 0,
	cpuSeconds: 0,
	failed: undefined,
};

/** What a soak came to. Each seed is the run that it is alone. Throws when a process dies of itself. */
export async function soak(
	{ seed, workers, isEnough, signal, args = [] }: SoakOptions,
	progress: (figures: Figures) => void = () => {},
): Promise<Figures> {
	let next = seed;
	let all = NOTHING;
	const children = new Set<ChildProcess>();
	const over = new AbortController();
	const end = () => {
		over.abort();
		for (const child of children) child.kill("SIGKILL");
	};
	const work = async (): Promise<void> => {
		const child = fork(WORKER, [...args], { execArgv: [...EXEC_ARGV] });
		children.add(child);
		try {
			while (!over.signal.aborted && !isEnough(all)) {
				const range = { seed: next, runs: SEEDS_AT_A_TIME };
				next += range.runs;
				const figures = await run(child, range, over.signal);
				if (figures === undefined) return;
				all = together(all, figures);
				progress(all);
				if (figures.failed !== undefined) end();
			}
		} finally {
			children.delete(child);
			child.kill("SIGKILL");
		}
	};
	signal.addEventListener("abort", end, { once: true });
	try {
		await Promise.all(Array.from({ length: workers }, work));
	} finally {
		signal.removeEventListener("abort", end);
		end();
	}
	return all.seeds === 0 ? { ...all, firstSeed: seed } : all;
}

/** What is young dies in one collection, where there is room for all of it. */
const EXEC_ARGV: readonly string[] = ["--max-semi-space-size=32"];

/** Nothing when it is over by then. */
function run(
	child: ChildProcess,
	range: Range,
	over: AbortSignal,
): Promise<Figures | undefined> {
	const { promise, resolve, reject } = Promise.withResolvers<
		Figures | undefined
	>();
	const heard = (figures: unknown) => resolve(figures as Figures);
	const ended = () => {
		if (over.aborted) resolve(undefined);
		else
			reject(
				new Error(
					`the process that ran seeds ${range.seed} to ${range.seed + range.runs - 1} ended by itself`,
				),
			);
	};
	child.once("message", heard);
	child.once("exit", ended);
	if (child.connected) child.send(range);
	else ended();
	return promise.finally(() => {
		child.off("message", heard);
		child.off("exit", ended);
	});
}
