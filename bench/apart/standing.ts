/* Holds so many tetrads, and establishes more beside them. */

import { answer } from "../apart.ts";
import type { FourEnds } from "../four.ts";
import { Four } from "../four.ts";
import { clearTheTable, cpuOf } from "../measure.ts";

/** Below what one link carries: what is more is held by further devices of the same process. */
const OF_ONE_LINK = 4000;

/** What is told of so many establishments: milliseconds for one. */
export interface StandingTurn {
	readonly cpuMs: number;
	readonly wallMs: number;
}

export type StandingQuestion =
	| { readonly kind: "hold"; readonly tetrads: number }
	| { readonly kind: "establish"; readonly count: number };

const fours: Four[] = [];
const held: FourEnds[] = [];

async function hold(tetrads: number): Promise<StandingTurn> {
	for (let left = tetrads; left > 0; left -= OF_ONE_LINK) {
		const four = await Four.make("P-256", { over: "memory" });
		fours.push(four);
		for (let i = 0; i < Math.min(left, OF_ONE_LINK); i++)
			held.push(await four.establish());
	}
	return { cpuMs: 0, wallMs: 0 };
}

async function establish(count: number): Promise<StandingTurn> {
	const [four] = fours as [Four];
	clearTheTable();
	const started = performance.now();
	const cpu = await cpuOf(async () => {
		for (let i = 0; i < count; i++) await four.end(await four.establish());
		clearTheTable();
	});
	return { cpuMs: cpu / count, wallMs: (performance.now() - started) / count };
}

answer<StandingQuestion, StandingTurn>((question) =>
	question.kind === "hold" ? hold(question.tetrads) : establish(question.count),
);
