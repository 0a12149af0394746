/*
 * One purchase, with notes or with ecash, and everything that can go wrong once: a crash before each
 * effect of each device and at each place of a mint, each frame that is lost, alone or with its
 * connection, and each question to a mint or answer of it. With pairs, each two of these.
 */
import { QUIET_MINTS } from "./mint-plan.ts";
import { QUIET } from "./network.ts";
import { HOUR, type Plan, type Step } from "./plan.ts";
import { prepare, runPrepared, type Violation } from "./run.ts";

/** One purchase with notes, on connections with nothing wrong. */
export const ONE_PURCHASE: Plan = {
	seed: "one purchase",
	buyers: 1,
	merchants: 1,
	issuers: 1,
	notes: [100],
	noteDays: 90,
	graceDays: 7,
	network: QUIET,
	link: QUIET,
	syncMs: [1, 1],
	settleEveryMs: 0,
	steps: [{ at: 1, kind: "buy", buyer: 0, merchant: 0, item: 0 }],
};

/** The same, paid with ecash of a mint. */
export const ONE_ECASH_PURCHASE: Plan = {
	...ONE_PURCHASE,
	seed: "one purchase with ecash",
	mints: {
		...{ count: 1, inputFeePpk: 0, tokens: [100] },
		...{ sellsFor: ["ecash"], lockedMs: 6 * HOUR, network: QUIET_MINTS },
	},
};

/** How long a device, or a mint, is down. */
const DOWN_MS = 500;

export interface Exhausted {
	/** So many places to die at, and frames to lose, are in one purchase. */
	readonly points: number;
	readonly frames: number;
	/** Questions to mints: each is lost, and so is its answer, and whoever asked hears of it at once or when its patience is over. */
	readonly questions: number;
	readonly runs: number;
	/** In so many of them the goods were paid for and read at the end. */
	readonly bought: number;
	readonly failed:
		| { readonly plan: Plan; readonly violation: Violation }
		| undefined;
}

/** One of so many parts of all runs, from 1: they can be run beside each other. */
export interface Part {
	readonly at: number;
	readonly of: number;
}

export async function exhaust(
	purchase: Plan,
	isPairs: boolean,
	progress: (runs: number, of: number) => void = () => {},
	part: Part = { at: 1, of: 1 },
): Promise<Exhausted> {
	const prepared = await prepare(purchase);
	const once = runPrepared(purchase, prepared);
	const points = [...once.points].flatMap(([device, count]) =>
		upTo(count).map(
			(point): Step => ({
				...{ at: 0, kind: "crash", device, point, downMs: DOWN_MS },
			}),
		),
	);
	const mintPoints = once.mintPoints.flatMap((count, mint) =>
		upTo(count).map(
			(point): Step => ({
				...{ at: 0, kind: "mint-crash", mint, point, downMs: DOWN_MS },
			}),
		),
	);
	const questions = [...once.questions].flatMap(([device, count]) =>
		upTo(count).flatMap((question) =>
			[false, true].flatMap((isAnswer) =>
				[false, true].map((breaks): Step => {
					const lost = { device, question, isAnswer, breaks };
					return { at: 0, kind: "lose-question", ...lost };
				}),
			),
		),
	);
	const frames = [...once.frames].flatMap(([device, count]) =>
		upTo(count).flatMap((frame): readonly Step[] => [
			{ at: 0, kind: "lose", device, frame, breaks: true },
			{ at: 0, kind: "lose", device, frame, breaks: false },
		]),
	);
	const faults = [...points, ...mintPoints, ...frames, ...questions];
	const all: (readonly Step[])[] = faults.map((fault) => [fault]);
	if (isPairs)
		for (const [at, one] of faults.entries())
			for (const other of faults.slice(at + 1))
				if (!isSameTrigger(one, other)) all.push([one, other]);
	const own = all.filter((_, i) => i % part.of === part.at - 1);
	const counts = {
		points: points.length + mintPoints.length,
		frames: frames.length / 2,
		questions: questions.length / 4,
	};
	let [runs, bought] = [0, 0];
	for (const steps of own) {
		const plan = {
			...purchase,
			steps: [...steps, ...purchase.steps],
		};
		const result = runPrepared(plan, prepared);
		runs++;
		if (result.owned > 0) bought++;
		if (result.violation !== undefined)
			return {
				...counts,
				...{ runs, bought },
				failed: { plan, violation: result.violation },
			};
		if (runs % 50 === 0) progress(runs, own.length);
	}
	return {
		...counts,
		...{ runs, bought },
		failed: undefined,
	};
}

function upTo(count: number): readonly number[] {
	return Array.from({ length: count }, (_, at) => at + 1);
}

/** A device, or a mint, waits for one place to die at, and for one frame to lose, at a time. */
function isSameTrigger(one: Step, other: Step): boolean {
	if (one.kind !== other.kind) return false;
	if ("mint" in one || "mint" in other) return true;
	return "device" in one && "device" in other && one.device === other.device;
}
