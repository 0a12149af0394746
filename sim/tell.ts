/* What happened in a world, for a person to read. */
import type { Plan } from "./plan.ts";
import { type Result, runPlan } from "./run.ts";
import { planText, shrink } from "./shrink.ts";
import { diagram, story } from "./story.ts";
import { PREPARING_MS, WELL_AGAIN } from "./world.ts";

/** Runs that making a failing plan small may take. */
const MAX_SHRINKS = 400;

/** How long that may take: a world of hundreds of sides takes seconds. */
const SHRINKING_MS = 600_000;

/** What comes after that is the same again and again. */
const TOLD_REST_MS = 4_000;

/** Lines of a story; what came before them is left out. */
const MAX_TOLD = 300;

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

/** Tells what happens in the world of a plan, failing or not. */
export async function tellPlan(plan: Plan): Promise<string> {
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
