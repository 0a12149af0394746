/* What `npm run soak` does. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { stdout, version } from "node:process";
import { fileURLToPath } from "node:url";
import { figuresText, tellFailure } from "./command.ts";
import { drawPlan } from "./draw.ts";
import type { Failure, Figures } from "./simulate.ts";
import { type SoakFigures, soak } from "./soak.ts";

const USAGE = `npm run soak -- --purchases N | --hours H
                [--seed N] [--workers N] [--failures N] [--json] [--save]
                [--bug NAME]

  --purchases N  until so many purchases were bought or refused
  --hours H      for so many hours, as 0.5 or 8
  --seed N       the first seed; 1 unless given
  --workers N    processes; as many as there are cores unless given
  --failures N   goes on until so many seeds have failed; 1 unless given
  --json         what it came to as one line of JSON, and nothing else
  --save         writes what it came to into docs/internals/soak.md
  --bug NAME     plants that bug first (sim/planted.ts)

Ctrl-C stops it, and it says what it has. It stops by itself at the first seed
in whose world something does not hold, or at as many as were said, and tells
what happened in the first.

Exit code 0: everything held. 1: something did not, or it was stopped before
its time. 2: the command was wrong.
`;

/** How a soak was made, and what it came to. */
interface Soaked extends SoakFigures {
	/** How many were to be bought or refused, or for how many hours it was to go on. */
	readonly wanted: string;
	readonly isWhole: boolean;
	readonly wallSeconds: number;
	readonly workers: number;
	readonly machine: string;
	readonly node: string;
	readonly commit: string;
	readonly day: string;
}

const SAVED = new URL("../docs/internals/soak.md", import.meta.url);

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
	readonly isSaved: boolean;
}

const NUMBERS: readonly string[] = [
	...["--purchases", "--hours", "--seed", "--workers", "--failures"],
];

function wantedBy(args: readonly string[]): Wanted | undefined {
	const numbers = new Map<string, number>();
	const flags = new Set<string>();
	for (let at = 0; at < args.length; at++) {
		const flag = args[at] as string;
		if (["--json", "--save"].includes(flag)) flags.add(flag);
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
	return {
		purchases: numbers.get("--purchases") ?? Number.POSITIVE_INFINITY,
		hours: numbers.get("--hours") ?? Number.POSITIVE_INFINITY,
		seed: numbers.get("--seed") ?? 1,
		workers,
		mostFailures,
		isJson: flags.has("--json"),
		isSaved: flags.has("--save"),
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
	const figures = await soak(options, (soFar) => {
		if (isJson || (!stdout.isTTY && elapsed() < toldAt + TOLD_EVERY_MS)) return;
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
		...here(),
	};
	if (isJson) stdout.write(`${JSON.stringify(soaked)}\n`);
	else stdout.write(`${stdout.isTTY ? "\r\x1b[K" : ""}${text(soaked)}\n`);
	if (wanted.isSaved) writeFileSync(SAVED, page(soaked));
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

function failureText({ seed, invariant, what }: Failure): string {
	return `Seed ${seed}: "${invariant}" does not hold: ${what}`;
}

function answered({ purchases }: Figures): number {
	return purchases.bought + purchases.refused;
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

/** Where and of what it was made. */
function here(): Pick<Soaked, "machine" | "node" | "commit" | "day"> {
	const git = (...args: readonly string[]): string => {
		try {
			const cwd = fileURLToPath(new URL("..", import.meta.url));
			return execFileSync("git", args, { cwd, encoding: "utf8" }).trim();
		} catch {
			return "";
		}
	};
	const commit = git("rev-parse", "--short=12", "HEAD") || "unknown";
	const isChanged = git("status", "--porcelain", "src", "sim") !== "";
	const model = cpus()[0]?.model ?? "unknown";
	return {
		machine: `${availableParallelism()} cores, ${model}`,
		node: version,
		commit: isChanged ? `${commit}, with changes` : commit,
		day: new Date().toISOString().slice(0, 10),
	};
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

function page(soaked: Soaked): string {
	const { failures, purchases, faults } = soaked;
	const rows = [
		["day", soaked.day],
		["commit", soaked.commit],
		["machine", soaked.machine],
		["Node", soaked.node],
		[
			"wanted",
			soaked.isWhole ? soaked.wanted : `${soaked.wanted}, stopped before`,
		],
		["first seed", soaked.firstSeed],
		["worlds", soaked.seeds],
		["of these run twice, with the same trace", soaked.runTwice],
		["purchases asked for", purchases.asked],
		["bought", purchases.bought],
		["refused", purchases.refused],
		["came to nothing, since no tetrad came about", purchases.unmet],
		["payments beside purchases", soaked.payments],
		["events", soaked.events],
		["virtual hours", Math.round(soaked.virtualHours)],
		["worlds that ended with something for a person to do", soaked.persons],
		["CPU, s", Math.round(soaked.cpuSeconds)],
		["time, s", soaked.wallSeconds],
		["CPU for each purchase, ms", each(soaked)],
		["purchases an hour", perHour(soaked)],
		[
			"violations",
			failures.length === 0 ? "none" : failures.map(failureText).join("; "),
		],
	];
	return `# The last soak

\`npm run soak -- --save\` has written this page; do not edit it. [sim/README.md](../../sim/README.md) says what is simulated and what must hold. Each seed is the same run on any machine at this commit: \`npm run sim -- --seed N --runs 1\`. Purchases that are none of the rest were cut short by the death of their agent; what was begun of them came to its end when it was started again.

| what | how much |
|---|---|
${table(rows)}

| fault | how often |
|---|---|
${table(Object.entries(faults))}
`;
}

function table(rows: readonly (readonly (string | number)[])[]): string {
	return rows
		.map(
			(cells) => `| ${cells.map(String).join(" | ").replaceAll("\n", " ")} |`,
		)
		.join("\n");
}
