/* Seeds after seeds, in as many processes as there are cores, until there are enough. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Failure, type Figures, NOTHING, together } from "./simulate.ts";

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
	/** It ends when so many seeds have failed. */
	readonly mostFailures: number;
	/** Stops it with what there is. */
	readonly signal: AbortSignal;
	/** Arguments of each process. */
	readonly args?: readonly string[];
}

const WORKER = fileURLToPath(new URL("./soak-worker.ts", import.meta.url));

/** Seeds that a process runs at a time: a second of work, unless there is a large world among them. */
const SEEDS_AT_A_TIME = 4;

/** What a soak came to. */
export interface SoakFigures extends Figures {
	/** In the order in which they were met. */
	readonly failures: readonly Failure[];
	/** The first that no process has begun. */
	readonly nextSeed: number;
}

/** Runs seeds until it is enough, and tells of what there is so far, and of a seed that has just failed. Each seed is the run that it is alone. Throws when a process dies of itself. */
export async function soak(
	{ seed, workers, isEnough, mostFailures, signal, args = [] }: SoakOptions,
	progress: (figures: Figures, failed?: Failure) => void = () => {},
): Promise<SoakFigures> {
	let next = seed;
	/** What a seed that failed has left of the seeds beside it. */
	const left: Range[] = [];
	const failures: Failure[] = [];
	let all = NOTHING;
	const range = (): Range => {
		const before = left.pop();
		if (before !== undefined) return before;
		next += SEEDS_AT_A_TIME;
		return { seed: next - SEEDS_AT_A_TIME, runs: SEEDS_AT_A_TIME };
	};
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
				const asked = range();
				const figures = await run(child, asked, over.signal);
				if (figures === undefined) return;
				all = together(all, figures);
				const { failed } = figures;
				progress(all, failed);
				if (failed === undefined) continue;
				failures.push(failed);
				if (failures.length >= mostFailures) end();
				const after = failed.seed + 1;
				const runs = asked.seed + asked.runs - after;
				if (runs > 0) left.push({ seed: after, runs });
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
	const firstSeed = all.seeds === 0 ? seed : all.firstSeed;
	return { ...all, firstSeed, failures, nextSeed: next };
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
