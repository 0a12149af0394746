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
	readonly purchases: {
		/** Of agents that ran: what was cut short by their deaths is none of the others. */
		readonly asked: number;
		/** No tetrad with the merchant came about. */
		readonly unmet: number;
		readonly bought: number;
		readonly refused: number;
	};
	/** Beside purchases. */
	readonly payments: number;
	readonly faults: Readonly<Record<string, number>>;
	readonly events: number;
	readonly virtualHours: number;
	/** Worlds that ended with something for a person to do. */
	readonly persons: number;
	readonly runTwice: number;
	readonly cpuSeconds: number;
	/** The first that did. */
	readonly failed: Failure | undefined;
}

/** A seed in whose world something does not hold. */
export interface Failure {
	readonly seed: number;
	readonly invariant: string;
	readonly what: string;
}

/** Before the first seed. */
export const NOTHING: Figures = {
	firstSeed: Number.POSITIVE_INFINITY,
	seeds: 0,
	purchases: { asked: 0, unmet: 0, bought: 0, refused: 0 },
	payments: 0,
	faults: {},
	events: 0,
	virtualHours: 0,
	persons: 0,
	runTwice: 0,
	cpuSeconds: 0,
	failed: undefined,
};

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
	let [seeds, asked, unmet, bought, refused, payments] = [0, 0, 0, 0, 0, 0];
	let [events, virtualMs, persons, runTwice] = [0, 0, 0, 0];
	let failed: Figures["failed"];
	const figures = (): Figures => ({
		firstSeed: options.seed,
		seeds,
		purchases: { asked, unmet, bought, refused },
		payments,
		faults: Object.fromEntries([...faults].toSorted()),
		events,
		virtualHours: Math.round(virtualMs / 3_600_00) / 10,
		persons,
		runTwice,
		cpuSeconds: Number(cpuSeconds(begun).toFixed(2)),
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
		asked += result.asked;
		unmet += result.unmet;
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
		} else if (options.twiceEvery > 0 && seed % options.twiceEvery === 0) {
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

/** What two parts of one range of seeds came to. */
export function together(one: Figures, other: Figures): Figures {
	const faults = new Map(Object.entries(one.faults));
	for (const [kind, count] of Object.entries(other.faults))
		faults.set(kind, (faults.get(kind) ?? 0) + count);
	const cents = (a: number, b: number) => Math.round((a + b) * 100) / 100;
	return {
		firstSeed: Math.min(one.firstSeed, other.firstSeed),
		seeds: one.seeds + other.seeds,
		purchases: {
			asked: one.purchases.asked + other.purchases.asked,
			unmet: one.purchases.unmet + other.purchases.unmet,
			bought: one.purchases.bought + other.purchases.bought,
			refused: one.purchases.refused + other.purchases.refused,
		},
		payments: one.payments + other.payments,
		faults: Object.fromEntries([...faults].toSorted()),
		events: one.events + other.events,
		virtualHours: cents(one.virtualHours, other.virtualHours),
		persons: one.persons + other.persons,
		runTwice: one.runTwice + other.runTwice,
		cpuSeconds: cents(one.cpuSeconds, other.cpuSeconds),
		failed: one.failed ?? other.failed,
	};
}
