/*
 * Loaded before tests: which mutants each test reaches, as V8 counts it, and the CPU time of each
 * test. Nothing is changed. Types are stripped in place, so offsets are those of the source.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { Session } from "node:inspector";
import { afterEach, beforeEach } from "node:test";
import { FIRST_TEST } from "./processes.ts";
import type { RecordedReach, RecordingOrder } from "./reach.ts";

interface Range {
	readonly startOffset: number;
	readonly endOffset: number;
	readonly count: number;
}

interface Script {
	readonly url: string;
	readonly functions: readonly { readonly ranges: readonly Range[] }[];
}

const { places, into }: RecordingOrder = JSON.parse(
	readFileSync(process.env["TETRAD_REACH"] ?? "", "utf8"),
);
const session = new Session();
session.connect();
session.post("Profiler.enable");
session.post("Profiler.startPreciseCoverage", {
	callCount: true,
	detailed: true,
});

/** The first place of a sorted list that is not before an offset. */
function firstFrom(sorted: readonly number[], offset: number): number {
	let [low, high] = [0, sorted.length];
	while (low < high) {
		const middle = (low + high) >> 1;
		if ((sorted[middle] as number) < offset) low = middle + 1;
		else high = middle;
	}
	return low;
}

/** What has run since it was last asked: source by source, a bit for each place. */
function taken(): Readonly<Record<string, string>> {
	const reached: Record<string, string> = {};
	session.post("Profiler.takePreciseCoverage", (failure, coverage) => {
		if (failure !== null) throw failure;
		for (const { url, functions } of coverage.result as readonly Script[]) {
			const here = places[url];
			if (here === undefined) continue;
			// The innermost range around a place says whether it has run; outer ones come first.
			const ranges = functions
				.flatMap((one) => one.ranges)
				.toSorted(
					(a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset,
				);
			const bits = new Uint8Array(here.length);
			for (const { startOffset, endOffset, count } of ranges)
				bits.fill(
					count > 0 ? 1 : 0,
					firstFrom(here, startOffset),
					firstFrom(here, endOffset),
				);
			if (bits.includes(1)) reached[url] = bits.join("");
		}
	});
	return reached;
}

const cpuSeconds = () => {
	const { user, system } = process.cpuUsage();
	return (user + system) / 1e6;
};

const recorded: {
	loading: RecordedReach["loading"] | undefined;
	tests: RecordedReach["tests"][number][];
} = { loading: undefined, tests: [] };
let start = 0;

beforeEach(() => {
	recorded.loading ??= { seconds: cpuSeconds(), reached: taken() };
	start = cpuSeconds();
});

afterEach((context) => {
	const seconds = cpuSeconds() - start;
	const { name, fullName } = context as {
		readonly name: string;
		readonly fullName: string;
	};
	if (name === FIRST_TEST) return;
	recorded.tests.push({ name: fullName, seconds, reached: taken() });
});

process.on("exit", () => writeFileSync(into, JSON.stringify(recorded)));
