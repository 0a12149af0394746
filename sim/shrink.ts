/* Makes a failing plan small: what it can do without, it does without. */

import { QUIET_MINTS } from "./mint-plan.ts";
import { QUIET } from "./network.ts";
import { inOrder, type Plan, type Step } from "./plan.ts";
import { type Result, runPlan } from "./run.ts";

const DAY_MS = 86_400_000;

export interface Shrunk {
	readonly plan: Plan;
	/** So many runs it took. */
	readonly runs: number;
}

/** A plan that still violates that invariant, after at most so many runs. */
export async function shrink(
	plan: Plan,
	invariant: string,
	maxRuns: number,
	{
		run = runPlan,
		untilMs = Number.POSITIVE_INFINITY,
	}: {
		readonly run?: (plan: Plan) => Promise<Pick<Result, "violation">>;
		/** No run begins after that, in milliseconds since the epoch. */
		readonly untilMs?: number;
	} = {},
): Promise<Shrunk> {
	let best = plan;
	let runs = 0;
	const isOver = () => runs >= maxRuns || Date.now() >= untilMs;
	const keep = async (tried: Plan): Promise<boolean> => {
		if (isOver()) return false;
		runs++;
		const { violation } = await run(tried);
		if (violation?.invariant !== invariant) return false;
		best = tried;
		return true;
	};
	for (const easier of [
		{ network: QUIET, link: QUIET },
		{ network: QUIET },
		{ link: QUIET },
		{ syncMs: [1, 1] as const },
		// Whoever meets no issuer for days loses what is not deposited, for that reason alone.
		...((plan.steps.at(-1)?.at ?? 0) < DAY_MS ? [{ settleEveryMs: 0 }] : []),
		{ standingMs: 0 },
		...(best.mints === undefined
			? []
			: [
					{ mints: { ...best.mints, network: QUIET_MINTS } },
					{ mints: { ...best.mints, network: QUIET_MINTS, inputFeePpk: 0 } },
				]),
		{ resumes: false },
	])
		await keep({ ...best, ...easier });
	for (let size = Math.ceil(best.steps.length / 2); size >= 1; ) {
		let hasShrunk = false;
		for (let at = 0; at < best.steps.length && !isOver(); ) {
			const steps = best.steps.toSpliced(at, size);
			if (await keep({ ...best, steps })) hasShrunk = true;
			else at += size;
		}
		if (hasShrunk) await keep(withFewer(best));
		if (size === 1 && !hasShrunk) break;
		size = size === 1 ? 1 : Math.ceil(size / 2);
		if (isOver()) break;
	}
	// Nobody waits for what happens later than it has to.
	for (const divisor of [1000, 10])
		await keep({
			...best,
			steps: inOrder(best.steps.map((step) => sooner(step, divisor))),
		});
	for (const issuers of [1])
		if (best.issuers > issuers) await keep({ ...best, issuers });
	return { plan: best, runs };
}

/** Without those sides behind the others that no step is about. */
function withFewer(plan: Plan): Plan {
	const most = (name: "buyer" | "merchant") =>
		1 +
		Math.max(
			0,
			...plan.steps.flatMap((step) => [
				...(name in step
					? [Number((step as Readonly<Record<string, unknown>>)[name])]
					: []),
				...[...JSON.stringify(step).matchAll(NAMED)].flatMap(
					([, side, number]) => (side === name ? [Number(number)] : []),
				),
			]),
		);
	return { ...plan, buyers: most("buyer"), merchants: most("merchant") };
}

/** A side, or a device of one, in a step. */
const NAMED = /"(buyer|merchant)-(\d+)/g;

function sooner(step: Step, divisor: number): Step {
	return { ...step, at: Math.floor(step.at / divisor) };
}

/** A plan as a list of what happens. */
export function planText({ steps, ...world }: Plan): string {
	const named = Object.entries(world)
		.map(([name, value]) => `${name} ${JSON.stringify(value)}`)
		.join("\n  ");
	const list = steps.map(({ at, kind, ...others }) => {
		const how = Object.entries(others)
			.map(
				([name, value]) =>
					`${name} ${typeof value === "object" ? JSON.stringify(value) : value}`,
			)
			.join(", ");
		return `  ${(at / 1000).toFixed(3).padStart(12)} s  ${kind}: ${how}`;
	});
	return [`  ${named}`, ...list].join("\n");
}
