/* What `npm run soak` does. */
import { availableParallelism } from "node:os";
import { stdout } from "node:process";
import { provenance } from "../tools/provenance.ts";
import { figuresText } from "./command.ts";
import { drawPlan } from "./draw.ts";
import type { Figures } from "./simulate.ts";
import { soak } from "./soak.ts";
import {
	answered,
	failureText,
	keep,
	kept,
	type Soaked,
	seedAfter,
} from "./soak-kept.ts";
import { tellFailure } from "./tell.ts";

const USAGE = `npm run soak -- --purchases N | --hours H
                [--seed N] [--workers N] [--failures N] [--json]
                [--save] [--more] [--bug NAME]

  --purchases N  until so many purchases were bought or refused
  --hours H      for so many hours, as 0.5 or 8
  --seed N       the first seed; 1 unless given
  --workers N    processes; as many as there are cores unless given
  --failures N   goes on until so many seeds have failed; 1 unless given
  --json         what it came to as one line of JSON, and nothing else
  --save         keeps what it came to, in the place of what was kept, and writes
                 it into docs/internals/soak.md
  --more         begins behind the seeds of what is kept, and adds to it
  --bug NAME     plants that bug first (sim/planted.ts)

Ctrl-C stops it, and it says what it has. It stops by itself at the first seed
in whose world something does not hold, or at as many as were said, and tells
what happened in the first.

Exit code 0: everything held. 1: something did not, or it was stopped before
its time. 2: the command was wrong.
`;

const HOUR_MS = 3_600_000;

/** How often a line tells how far it is, in milliseconds, where there is no terminal. */
const TOLD_EVERY_MS = 60_000;

interface Wanted {
	readonly purchases: number;
	readonly hours: number;
	readonly seed: number;
	readonly workers: number;
	readonly mostFailures: number;
	readonly isJson: boolean;
	/** What is kept of it: nothing, it alone, or it beside what was kept before. */
	readonly keeping: "nothing" | "anew" | "more";
}

const NUMBERS: readonly string[] = [
	...["--purchases", "--hours", "--seed", "--workers", "--failures"],
];

function wantedBy(args: readonly string[]): Wanted | undefined {
	const numbers = new Map<string, number>();
	const flags = new Set<string>();
	for (let at = 0; at < args.length; at++) {
		const flag = args[at] as string;
		if (["--json", "--save", "--more"].includes(flag)) flags.add(flag);
		else if (
			NUMBERS.includes(flag) &&
			(flag === "--hours" ? /^\d{1,4}(\.\d{1,4})?$/ : /^\d{1,9}$/).test(
				args[at + 1] ?? "",
			)
		)
			numbers.set(flag, Number(args[++at]));
		else return undefined;
	}
	const workers = numbers.get("--workers") ?? availableParallelism();
	const mostFailures = numbers.get("--failures") ?? 1;
	if (numbers.has("--purchases") === numbers.has("--hours")) return undefined;
	if (workers === 0 || mostFailures === 0) return undefined;
	const isMore = flags.has("--more");
	if (isMore && (numbers.has("--seed") || flags.has("--save")))
		return undefined;
	return {
		purchases: numbers.get("--purchases") ?? Number.POSITIVE_INFINITY,
		hours: numbers.get("--hours") ?? Number.POSITIVE_INFINITY,
		seed: isMore ? seedAfter(kept()) : (numbers.get("--seed") ?? 1),
		workers,
		mostFailures,
		isJson: flags.has("--json"),
		keeping: isMore ? "more" : flags.has("--save") ? "anew" : "nothing",
	};
}

/** Answers with the exit code. `planted` is what plants a bug in each process. */
export async function main(
	args: readonly string[],
	planted: readonly string[],
): Promise<number> {
	const wanted = wantedBy(args);
	if (wanted === undefined) {
		stdout.write(USAGE);
		return 2;
	}
	const { seed, workers, mostFailures, isJson } = wanted;
	const begun = Date.now();
	const elapsed = () => Date.now() - begun;
	const isEnough = (figures: Figures) =>
		answered(figures) >= wanted.purchases ||
		elapsed() >= wanted.hours * HOUR_MS;
	const stop = new AbortController();
	const onInterrupt = () => stop.abort();
	process.once("SIGINT", onInterrupt);
	if (!isJson)
		stdout.write(
			`Seeds from ${seed} on, in ${workers} processes. Ctrl-C stops it.\n`,
		);
	let toldAt = 0;
	const options = {
		...{ seed, workers, isEnough, mostFailures },
		...{ signal: stop.signal, args: planted },
	};
	const figures = await soak(options, (soFar, failed) => {
		if (isJson) return;
		if (failed !== undefined && mostFailures > 1)
			stdout.write(`${stdout.isTTY ? "\r\x1b[K" : ""}${failureText(failed)}\n`);
		if (!stdout.isTTY && elapsed() < toldAt + TOLD_EVERY_MS) return;
		toldAt = elapsed();
		const line = progressText(soFar, wanted, toldAt);
		stdout.write(stdout.isTTY ? `\r${line}\x1b[K` : `${line}\n`);
	});
	process.off("SIGINT", onInterrupt);
	const soaked: Soaked = {
		...figures,
		wanted:
			wanted.hours === Number.POSITIVE_INFINITY
				? `${wanted.purchases} purchases`
				: `${wanted.hours} hours`,
		isWhole: isEnough(figures),
		wallSeconds: Math.round(elapsed() / 1000),
		workers,
		...provenance("src", "sim"),
	};
	if (isJson) stdout.write(`${JSON.stringify(soaked)}\n`);
	else stdout.write(`${stdout.isTTY ? "\r\x1b[K" : ""}${text(soaked)}\n`);
	if (wanted.keeping !== "nothing")
		keep([...(wanted.keeping === "more" ? kept() : []), soaked]);
	const [failed] = figures.failures;
	if (failed === undefined) return soaked.isWhole ? 0 : 1;
	if (!isJson) {
		const lines = figures.failures.map(failureText).join("\n");
		stdout.write(
			`\n${lines}\nTo have it again: npm run sim -- --seed ${failed.seed} --runs 1\n`,
		);
		stdout.write(`${await tellFailure(drawPlan(String(failed.seed)))}\n`);
	}
	return 1;
}

function progressText(
	soFar: Figures,
	{ purchases, hours }: Wanted,
	elapsedMs: number,
): string {
	const done = answered(soFar);
	const rate = done / elapsedMs;
	const leftMs =
		hours === Number.POSITIVE_INFINITY
			? (purchases - done) / rate
			: hours * HOUR_MS - elapsedMs;
	const failed = soFar.failed === undefined ? "" : ", with failures";
	return `${done} purchases in ${soFar.seeds} worlds${failed}, ${Math.round(rate * HOUR_MS)} an hour, ${minutes(leftMs)} left`;
}

function minutes(milliseconds: number): string {
	return `${Math.max(0, Math.ceil(milliseconds / 60_000))} min`;
}

function text(soaked: Soaked): string {
	const { wallSeconds, workers, machine, commit, isWhole, wanted } = soaked;
	return [
		...(isWhole ? [] : [`It was to be ${wanted}, and was stopped before.`]),
		figuresText(soaked),
		`${wallSeconds} s in ${workers} processes: ${perHour(soaked)} purchases an hour, ${each(soaked)} ms of CPU for each`,
		`${machine}; commit ${commit}`,
	].join("\n");
}

function perHour(soaked: Soaked): number {
	return Math.round(
		(answered(soaked) / Math.max(1, soaked.wallSeconds)) * 3600,
	);
}

/** CPU of one purchase, in milliseconds. */
function each(soaked: Soaked): string {
	const { cpuSeconds } = soaked;
	return ((cpuSeconds * 1000) / Math.max(1, answered(soaked))).toFixed(2);
}
