import { setImmediate as nextTurn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

export interface BenchOptions {
	readonly rounds: number;
	/** Of a flood: half-open establishments a second that there are at least, where the machine has so much else to do that ten times what it can establish is little. */
	readonly atLeast?: number;
	/** Progress, for a person. */
	readonly tell: (line: string) => void;
}

export interface BenchResult {
	readonly report: unknown;
	readonly lines: readonly string[];
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as (options: {
	readonly type: "minor" | "major";
	/** Whether as little memory is kept as can be. */
	readonly flavor?: "regular" | "last-resort";
}) => void;

/**
 * Before each contestant's turn, so that nobody pays for what another left behind, and in it at its
 * end. The memory of arrays that a collection has found is given back behind it, by other threads
 * whose time is counted as well; a second collection waits for that.
 */
export function clearTheTable(): void {
	// A major collection would also throw compiled code away.
	for (let i = 0; i < 2; i++) collectGarbage({ type: "minor" });
}

/** All that nobody holds any more, which is given back to the system: what is freed late is collected the second time. */
export async function collectAll(): Promise<void> {
	for (let i = 0; i < 2; i++) {
		await nextTurn();
		collectGarbage({ type: "major", flavor: "last-resort" });
	}
}

/** CPU time of the whole process while `work` ran, in milliseconds. */
export async function cpuOf(work: () => Promise<void> | void): Promise<number> {
	const before = process.cpuUsage();
	await work();
	const { user, system } = process.cpuUsage(before);
	return (user + system) / 1000;
}

export function median(values: readonly number[]): number {
	const sorted = values.toSorted((a, b) => a - b);
	const middle = sorted.length >> 1;
	const upper = sorted[middle] ?? Number.NaN;
	return sorted.length % 2 === 1
		? upper
		: (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** The median of ratios taken pair by pair, so that a machine whose speed drifts does not decide. */
export function medianRatio(
	numerators: readonly number[],
	denominators: readonly number[],
): number {
	return median(numerators.map((value, i) => value / (denominators[i] ?? 1)));
}

export function round(value: number, digits = 3): number {
	return Number(value.toFixed(digits));
}
