/* What `npm run sim` does: many worlds, one after another, and what came of them. */
import { stdout } from "node:process";
import { findBugs } from "./bugs.ts";
import { REAL } from "./crypto.ts";
import { drawPlan, drawTheme, THEMES } from "./draw.ts";
import {
	exhaust,
	ONE_ECASH_PURCHASE,
	ONE_PURCHASE,
	type Part,
} from "./exhaustive.ts";
import { drawLarge } from "./plan.ts";
import { PLANTED } from "./planted.ts";
import { type Figures, simulate } from "./simulate.ts";
import { tellFailure, tellPlan } from "./tell.ts";

export function figuresText({
	faults,
	purchases,
	...figures
}: Figures): string {
	const kinds = Object.entries(faults).map(
		([kind, count]) => `${count} ${kind}`,
	);
	return [
		`${figures.seeds} worlds from seed ${figures.firstSeed} on, ${figures.runTwice} of them run twice`,
		`purchases: ${purchases.asked} asked for, ${purchases.bought} bought, ${purchases.refused} refused, ${purchases.unmet} without a tetrad; ${figures.payments} payments beside them`,
		`faults: ${kinds.join(", ") || "none"}`,
		`${figures.events} events in ${Math.round(figures.virtualHours)} virtual hours, ${figures.cpuSeconds} s of CPU; ${figures.persons} worlds ended with something for a person to do`,
	].join("\n");
}

const USAGE = `npm run sim -- [--seed N] [--runs N] [--json] [--tell N] [--bug NAME] [--bugs [--only NAMES] [--save]]
               [--theme NAME] [--large] [--exhaustive [--ecash] [--pairs] [--part K/N]] [--real-crypto]

  --seed N     the first seed; 1 unless given
  --runs N     how many seeds, one after another; 100 unless given
  --json       figures as one line of JSON, and nothing else
  --tell N     tells what happens with that seed, failing or not
  --theme NAME only worlds about that kind of trouble (sim/draw.ts)
  --large      only worlds of hundreds of sides
  --exhaustive one purchase, and everything that can go wrong in it once; with
               --ecash it is paid with ecash of a mint, and not with notes; with
               --pairs each two of these; with --part K/N the Kth of N parts of it,
               which can be run beside each other
  --real-crypto  with node:crypto in the place of stand-ins, and slower
  --bug NAME   plants that bug first (sim/planted.ts)
  --bugs       plants each bug, on all cores, and tells which seed finds it; with
               --only NAME,NAME these alone; with --save
               docs/internals/planted-bugs.md has the new table, or the lines of these

Exit code 0: everything held. 1: something did not. 2: the command was wrong.
`;

function areBugs(names: string | undefined): boolean {
	const all = names?.split(",") ?? [];
	return all.length > 0 && all.every((name) => PLANTED[name] !== undefined);
}

async function exhaustive(
	isPairs: boolean,
	part: Part,
	isEcash: boolean,
): Promise<number> {
	const { points, frames, questions, runs, bought, failed } = await exhaust(
		isEcash ? ONE_ECASH_PURCHASE : ONE_PURCHASE,
		isPairs,
		(done, of) => {
			if (stdout.isTTY) stdout.write(`\r${done} of ${of} runs`);
		},
		part,
	);
	stdout.write(
		`${stdout.isTTY ? "\r" : ""}One purchase with ${isEcash ? "ecash" : "notes"} has ${points} places to die at, ${frames} frames${isEcash ? ` and ${questions} questions to a mint` : ""} to lose: ${runs} runs, in ${bought} of which the goods came.\n`,
	);
	if (failed === undefined) return 0;
	stdout.write(`${await tellPlan(failed.plan)}\n`);
	return 1;
}

/** Answers with the exit code. */
export async function main(args: readonly string[]): Promise<number> {
	const given = new Map<string, string>();
	for (let at = 0; at < args.length; at++) {
		const flag = args[at] as string;
		if (
			[
				"--json",
				"--bugs",
				"--save",
				"--large",
				"--exhaustive",
				"--pairs",
				"--ecash",
				"--real-crypto",
			].includes(flag)
		)
			given.set(flag, "");
		else if (
			["--seed", "--runs", "--tell"].includes(flag) &&
			/^\d{1,9}$/.test(args[at + 1] ?? "")
		)
			given.set(flag, args[++at] as string);
		else if (
			flag === "--part" &&
			/^[1-9]\d{0,3}\/[1-9]\d{0,3}$/.test(args[at + 1] ?? "")
		)
			given.set(flag, args[++at] as string);
		else if (flag === "--only" && areBugs(args[at + 1]))
			given.set(flag, args[++at] as string);
		else if (flag === "--theme" && THEMES[args[at + 1] ?? ""] !== undefined)
			given.set(flag, args[++at] as string);
		else {
			stdout.write(USAGE);
			return 2;
		}
	}
	const theme = given.get("--theme");
	const draw = (seed: string) => {
		if (given.has("--large")) return drawLarge(seed);
		return theme === undefined ? drawPlan(seed) : drawTheme(seed, theme);
	};
	const tell = given.get("--tell");
	if (tell !== undefined) {
		stdout.write(`${await tellPlan(draw(tell))}\n`);
		return 0;
	}
	const runs = Number(given.get("--runs") ?? 100);
	if (given.has("--bugs")) {
		const names = given.get("--only")?.split(",") ?? Object.keys(PLANTED);
		return findBugs(names, runs, given.has("--save"));
	}
	const isJson = given.has("--json");
	const isReal = given.has("--real-crypto");
	if (given.has("--exhaustive")) {
		const [at = 1, of = 1] = (given.get("--part") ?? "1/1")
			.split("/")
			.map(Number);
		const isEcash = given.has("--ecash");
		return exhaustive(given.has("--pairs"), { at, of }, isEcash);
	}
	const figures = await simulate(
		{
			seed: Number(given.get("--seed") ?? 1),
			runs,
			draw,
			// What the real one draws by itself, no seed decides.
			twiceEvery: isReal ? 0 : 100,
			...(isReal ? { cryptography: REAL } : {}),
		},
		(soFar) => {
			if (!isJson && stdout.isTTY)
				stdout.write(
					`\r${soFar.seeds} worlds, ${soFar.purchases.bought} purchases`,
				);
		},
	);
	if (isJson) stdout.write(`${JSON.stringify(figures)}\n`);
	else stdout.write(`${stdout.isTTY ? "\r" : ""}${figuresText(figures)}\n`);
	const { failed } = figures;
	if (failed === undefined) return 0;
	if (!isJson) {
		stdout.write(
			`\nSeed ${failed.seed}: "${failed.invariant}" does not hold: ${failed.what}\n`,
		);
		stdout.write(`${await tellFailure(draw(String(failed.seed)))}\n`);
	}
	return 1;
}
