/* Rounds, one after another, and what came of them. */
import { mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileDisk } from "./disk.ts";
import {
	beginWork,
	drawRound,
	type Figures,
	noFigures,
	type RoundPlan,
	requireTidy,
	runRound,
} from "./round.ts";
import { type MachineName, World } from "./world.ts";

/** Rounds in one world, whose processes live on from one to the next as far as they are not killed. */
const ROUNDS_OF_A_WORLD = 25;

export interface CrashOptions {
	/** Of the first round; each further one has the next. */
	readonly seed: number;
	readonly rounds: number;
	/** Whether there are power cuts, too: needs a C compiler. */
	readonly hasPower: boolean;
	/** Machines whose disks lie about syncs, which has to be found. */
	readonly liars?: readonly MachineName[];
	/** Called after each round. */
	readonly progress?: (figures: Figures) => void;
}

/** What does not hold, in which round. */
export interface Failure {
	readonly plan: RoundPlan;
	readonly why: unknown;
	/** The world, as it was left. */
	readonly folder: string;
}

export interface CrashResult {
	readonly figures: Figures;
	readonly cpuSeconds: number;
	readonly wallSeconds: number;
	readonly failure?: Failure;
}

/** No power is cut where there is no compiler. */
export class NoCompiler extends Error {}

/** Runs rounds until one fails. The folder of a world goes with it, unless it failed. */
export async function crash({
	seed,
	rounds,
	hasPower,
	liars = [],
	progress = () => {},
}: CrashOptions): Promise<CrashResult> {
	const began = performance.now();
	const figures = noFigures();
	const result = (failure?: Failure): CrashResult => ({
		figures,
		cpuSeconds: cpuSeconds(),
		wallSeconds: (performance.now() - began) / 1000,
		...(failure === undefined ? {} : { failure }),
	});
	for (let done = 0; done < rounds; ) {
		const folder = realpathSync(mkdtempSync(join(tmpdir(), "tetrad-crash-")));
		const library = hasPower ? await compileDisk(folder) : undefined;
		if (hasPower && library === undefined) {
			rmSync(folder, { recursive: true });
			throw new NoCompiler("power cuts need a C compiler, and there is no cc");
		}
		const world = await World.make({ folder, library, liars });
		let isWell = false;
		try {
			const work = await beginWork(world);
			for (let nth = 0; nth < ROUNDS_OF_A_WORLD && done < rounds; nth++) {
				const plan = drawRound(seed + done, hasPower);
				try {
					await runRound(world, work, plan, figures);
					const isLast = nth + 1 === ROUNDS_OF_A_WORLD || done + 1 === rounds;
					// The marks by which leavings are found are not synced.
					if (isLast && !hasPower) await requireTidy(world, work);
				} catch (why) {
					return result({ plan, why, folder });
				}
				done++;
				progress(figures);
			}
			isWell = true;
		} finally {
			await world.stop();
			if (isWell) rmSync(folder, { recursive: true, force: true });
		}
	}
	return result();
}

/** Ticks of the kernel in a second, in which /proc counts. */
const TICKS = 100;

/** Of this process and of all that it has waited for. */
function cpuSeconds(): number {
	const fields = readFileSync("/proc/self/stat", "utf8").split(") ").pop();
	const ticks = fields?.split(" ").slice(11, 15).map(Number) ?? [];
	return ticks.reduce((sum, one) => sum + one, 0) / TICKS;
}
