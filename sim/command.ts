/* What `npm run sim` does: many worlds, one after another, and what came of them. */
import { stdout } from "node:process";
import { findBugs } from "./bugs.ts";
import { REAL } from "./crypto.ts";
import { drawPlan, drawTheme, THEMES } from "./draw.ts";
import { exhaust, type Part } from "./exhaustive.ts";
import { drawLarge, type Plan } from "./plan.ts";
import { type Result, runPlan } from "./run.ts";
import { planText, shrink } from "./shrink.ts";
import { type Figures, simulate } from "./simulate.ts";
import { diagram, story } from "./story.ts";
import { PREPARING_MS, WELL_AGAIN } from "./world.ts";

/** Tells of a seed that failed: the smallest plan that fails as it does, what happened, and who sent what to whom. */
export async function tellFailure(
	plan: Plan,
	maxShrinks: number = MAX_SHRINKS,
): Promise<string> {
	const { violation } = await runPlan(plan);
	if (violation === undefined)
		return "It violates nothing when it is run again: something in it is not simulated.";
	const { plan: small, runs } = await shrink(
		plan,
		violation.invariant,
		maxShrinks,
		{ untilMs: Date.now() + SHRINKING_MS },
	);
	return `Shrunk from ${plan.steps.length} steps to ${small.steps.length} in ${runs} runs.\n\n${await tellPlan(small)}`;
}

async function tellPlan(plan: Plan): Promise<string> {
	const { told, violation }: Result = await runPlan(plan, { isTelling: true });
	const wellAgain = told.find(({ what }) => what === WELL_AGAIN)?.at;
	const work = told
		.filter(
			({ at }) =>
				at >= PREPARING_MS &&
				!(wellAgain !== undefined && at > wellAgain + TOLD_REST_MS),
		)
		.slice(-MAX_TOLD);
	return [
		"The plan:",
		planText(plan),
		"",
		"What happened:",
		story(work),
		"",
		"Who sent what to whom:",
		diagram(work),
		"",
		violation === undefined
			? "Everything held."
			: `"${violation.invariant}" does not hold: ${violation.what}`,
	].join("\n");
}

/** Runs that making a failing plan small may take. */
const MAX_SHRINKS = 400;

/** How long that may take: a world of hundreds of sides takes seconds. */
const SHRINKING_MS = 600_000;

/** What comes after that is the same again and again. */
const TOLD_REST_MS = 4_000;

/** Lines of a story; what came before them is left out. */
const MAX_TOLD = 300;

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

const USAGE = `npm run sim -- [--seed N] [--runs N] [--json] [--tell N] [--bug NAME] [--bugs [--save]]
               [--theme NAME] [--large] [--exhaustive [--pairs] [--part K/N]] [--real-crypto]

  --seed N     the first seed; 1 unless given
  --runs N     how many seeds, one after another; 100 unless given
  --json       figures as one line of JSON, and nothing else
  --tell N     tells what happens with that seed, failing or not
  --theme NAME only worlds about that kind of trouble (sim/draw.ts)
  --large      only worlds of hundreds of sides
  --exhaustive one purchase, and everything that can go wrong in it once; with
               --pairs each two of these; with --part K/N the Kth of N parts of it,
               which can be run beside each other
  --real-crypto  with node:crypto in the place of stand-ins, and slower
  --bug NAME   plants that bug first (sim/planted.ts)
  --bugs       plants each bug, on all cores, and tells which seed finds it; with
               --save docs/internals/planted-bugs.md has the new table

Exit code 0: everything held. 1: something did not. 2: the command was wrong.
`;

async function exhaustive(isPairs: boolean, part: Part): Promise<number> {
	const { points, frames, runs, bought, failed } = await exhaust(
		isPairs,
		(done, of) => {
			if (stdout.isTTY) stdout.write(`\r${done} of ${of} runs`);
		},
		part,
	);
	stdout.write(
		`${stdout.isTTY ? "\r" : ""}One purchase has ${points} places to die at and ${frames} frames to lose: ${runs} runs, in ${bought} of which the goods came.\n`,
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
	if (given.has("--bugs")) return findBugs(runs, given.has("--save"));
	const isJson = given.has("--json");
	const isReal = given.has("--real-crypto");
	if (given.has("--exhaustive")) {
		const [at = 1, of = 1] = (given.get("--part") ?? "1/1")
			.split("/")
			.map(Number);
		return exhaustive(given.has("--pairs"), { at, of });
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
