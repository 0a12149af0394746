/* Many worlds, one after another, and what came of them. */
import { cpuUsage } from "node:process";
import type { Cryptography } from "./crypto.ts";
import { drawPlan } from "./draw.ts";
import type { Plan } from "./plan.ts";
import { runPlan } from "./run.ts";

export interface SimOptions {
	readonly seed: number;
	readonly runs: number;
	/** One of so many seeds is run twice; 0 for none. */
	readonly twiceEvery: number;
	/** `drawPlan` unless given. */
	readonly draw?: (seed: string) => Plan;
	/** A stand-in unless given. */
	readonly cryptography?: Cryptography;
}

/** What all runs came to. */
export interface Figures {
	readonly firstSeed: number;
	readonly seeds: number;
	readonly purchases: { readonly bought: number; readonly refused: number };
	/** Beside purchases. */
	readonly payments: number;
	readonly faults: Readonly<Record<string, number>>;
	readonly events: number;
	readonly virtualHours: number;
	/** Worlds that ended with something for a person to do. */
	readonly persons: number;
	readonly runTwice: number;
	readonly cpuSeconds: number;
	readonly failed:
		| {
				readonly seed: number;
				readonly invariant: string;
				readonly what: string;
		  }
		| undefined;
}

function cpuSeconds(since: NodeJS.CpuUsage): number {
	const { user, system } = cpuUsage(since);
	return (user + system) / 1e6;
}

/** Runs seed after seed until one fails. */
export async function simulate(
	options: SimOptions,
	progress: (figures: Figures) => void = () => {},
): Promise<Figures> {
	const begun = cpuUsage();
	const { draw = drawPlan } = options;
	const faults = new Map<string, number>();
	let [seeds, bought, refused, payments, events, virtualMs, persons, runTwice] =
		[0, 0, 0, 0, 0, 0, 0, 0];
	let failed: Figures["failed"];
	const figures = (): Figures => ({
		firstSeed: options.seed,
		seeds,
		purchases: { bought, refused },
		payments,
		faults: Object.fromEntries([...faults].toSorted()),
		events,
		virtualHours: Math.round(virtualMs / 3_600_000),
		persons,
		runTwice,
		cpuSeconds: Number(cpuSeconds(begun).toFixed(1)),
		failed,
	});
	for (let i = 0; i < options.runs && failed === undefined; i++) {
		const seed = options.seed + i;
		const plan = draw(String(seed));
		const result = await runPlan(plan, {
			...(options.cryptography === undefined
				? {}
				: { cryptography: options.cryptography }),
		});
		seeds++;
		bought += result.bought;
		refused += result.refused;
		payments += result.paid;
		events += result.events;
		virtualMs += result.virtualMs;
		if (result.persons.length > 0) persons++;
		for (const [kind, count] of result.faults)
			faults.set(kind, (faults.get(kind) ?? 0) + count);
		if (result.violation !== undefined) {
			const { invariant, what } = result.violation;
			failed = { seed, invariant, what };
		} else if (options.twiceEvery > 0 && i % options.twiceEvery === 0) {
			runTwice++;
			const again = await runPlan(plan);
			if (again.hash !== result.hash)
				failed = {
					seed,
					invariant: "the same seed is the same run",
					what: `its trace has the hash ${result.hash}, and then ${again.hash}`,
				};
		}
		if (i % 20 === 19) progress(figures());
	}
	return figures();
}
