/*
 * What an establishment, a payment and a purchase cost in what no machine changes: cryptographic
 * calls, frames and bytes on all wires, transactions that have to be durable, and what the heap is
 * asked for. All sides are counted together: agents, modules and the issuer that a sale is handed in
 * to. They are those of a simulated world in which nothing goes wrong, so that the same code counts
 * the same, but for allocations, which depend a little on what has been compiled by then.
 */
import { getHeapStatistics } from "node:v8";
import { type Cryptography, STAND_IN } from "../sim/crypto.ts";
import { QUIET } from "../sim/network.ts";
import { MINUTE, type Plan, SECOND, type Step } from "../sim/plan.ts";
import { prepare, runPrepared } from "../sim/run.ts";
import { Four } from "./four.ts";
import type { BenchResult } from "./measure.ts";
import { type Counts, counted } from "./operations.ts";

/** Of each thing, its figures by name. */
export type Costs = Readonly<Record<string, Counts>>;

/** How many more of a thing are done to see what one costs. */
const MORE = 20;

/** Runs of which the one counts that allocates least. */
const RUNS = 3;

/** Establishments of one run, and runs of which the one counts that allocates least. */
const ESTABLISHING = { each: 100, runs: 6 } as const;

const APART_MS = 5 * SECOND;

const buy = (number: number): Step => ({
	...{ at: number * APART_MS, kind: "buy", buyer: 0, merchant: 0 },
	item: number % 3,
});
const pay = (number: number): Step => ({
	...{ at: number * APART_MS, kind: "pay", buyer: 0, merchant: 0 },
	...{ issuer: 0, amount: 1 },
});

/** One buyer, one merchant, one issuer, and a good day. */
function quiet(
	steps: readonly Step[],
	standingMs: number,
	resumes: boolean,
): Plan {
	return {
		...{ seed: "counts", buyers: 1, merchants: 1, issuers: 1, steps },
		...{ notes: [20_000], noteDays: 90, graceDays: 7, settleEveryMs: 0 },
		...{ network: QUIET, link: QUIET, syncMs: [1, 1], standingMs, resumes },
	};
}

async function costOf(plan: Plan): Promise<Counts> {
	const calls: Counts = {};
	const cryptography: Cryptography = {
		name: STAND_IN.name,
		provider: (stream, sealed) =>
			counted(STAND_IN.provider(stream, sealed), calls),
		ecash: STAND_IN.ecash,
		signer(seed) {
			const signer = STAND_IN.signer(seed);
			return {
				...signer,
				signNow(message) {
					calls["sign"] = (calls["sign"] ?? 0) + 1;
					return signer.signNow(message);
				},
			};
		},
	};
	const prepared = await prepare(plan, cryptography);
	for (const call of Object.keys(calls)) calls[call] = 0;
	const before = getHeapStatistics().total_allocated_bytes;
	const { cost, violation, bought, refused } = runPrepared(plan, prepared);
	const allocated = getHeapStatistics().total_allocated_bytes - before;
	const wanted = plan.steps.filter(({ kind }) => kind === "buy").length;
	if (violation !== undefined || bought !== wanted || refused !== 0)
		throw new Error("a world in which nothing goes wrong has gone wrong");
	return { ...calls, ...cost, allocated };
}

/** What one more costs, on the average of so many. */
async function costOfOneMore(
	step: (number: number) => Step,
	standingMs: number,
	resumes = false,
): Promise<Counts> {
	const steps = Array.from({ length: 2 * MORE }, (_, at) => step(at));
	const few = quiet(steps.slice(0, MORE), standingMs, resumes);
	const many = quiet(steps, standingMs, resumes);
	// Compiled first, and counted then.
	await costOf(many);
	return difference(await leastOf(many), await leastOf(few), MORE);
}

/** What is compiled meanwhile asks the heap for something, too: of a few runs, the one with the least of it. */
async function leastOf(plan: Plan): Promise<Counts> {
	let least = await costOf(plan);
	for (let run = 1; run < RUNS; run++) {
		const costs = await costOf(plan);
		if ((costs["allocated"] ?? 0) < (least["allocated"] ?? 0)) least = costs;
	}
	return least;
}

function difference(most: Counts, least: Counts, by: number): Counts {
	return Object.fromEntries(
		Object.entries(most).map(([name, count]) => [
			name,
			Math.round((10 * (count - (least[name] ?? 0))) / by) / 10,
		]),
	);
}

export async function countCosts(): Promise<Costs> {
	const standing = 10 * MINUTE;
	const purchase = await costOfOneMore(buy, standing);
	const cold = await costOfOneMore(buy, 0);
	const resumed = await costOfOneMore(buy, 0, true);
	return {
		"an establishment": await establishmentCost(cold, purchase, "no"),
		"an establishment, resumed": await establishmentCost(
			resumed,
			purchase,
			"yes",
		),
		"a payment, cold": await costOfOneMore(pay, 0),
		"a purchase, cold": cold,
		"a purchase": purchase,
	};
}

/**
 * What a purchase costs more with a tetrad of its own. What the heap is asked for is a small part of
 * what a purchase asks for, and is lost in how far that differs: it is that of four real devices.
 */
async function establishmentCost(
	cold: Counts,
	purchase: Counts,
	resumption: "no" | "yes",
): Promise<Counts> {
	const { allocated: _, ...costs } = difference(cold, purchase, 1);
	const four = await Four.make("P-256", { over: "memory", resumption });
	const allocations: number[] = [];
	for (let run = 0; run <= ESTABLISHING.runs; run++) {
		const before = getHeapStatistics().total_allocated_bytes;
		for (let i = 0; i < ESTABLISHING.each; i++)
			await four.end(await four.establish());
		const after = getHeapStatistics().total_allocated_bytes;
		allocations.push((after - before) / ESTABLISHING.each);
	}
	await four.close();
	return { ...costs, allocated: Math.round(Math.min(...allocations)) };
}

/** What costs more than twice of what it cost when it was kept, with both figures. */
export function dearer(now: Costs, kept: Costs): readonly string[] {
	return Object.entries(kept).flatMap(([what, before]) => {
		const costs = now[what];
		if (costs === undefined) return [`${what}: is counted no more`];
		return Object.entries(costs)
			.filter(([name, count]) => count > 2 * (before[name] ?? 0))
			.map(
				([name, count]) =>
					`${what}: ${name} ${count}, was ${before[name] ?? 0}`,
			);
	});
}

export async function benchCounts(): Promise<BenchResult> {
	const report = await countCosts();
	const names = [...new Set(Object.values(report).flatMap(Object.keys))];
	const [head, ...rows] = [
		["", ...Object.keys(report)],
		...names.map((name) => [
			name,
			...Object.values(report).map((costs) => String(costs[name] ?? "")),
		]),
	];
	const line = (cells: readonly string[] = []) =>
		cells.map((cell, at) => (at === 0 ? cell.padEnd(20) : cell.padStart(20)));
	return {
		report,
		lines: [line(head).join(""), ...rows.map((row) => line(row).join(""))],
	};
}
