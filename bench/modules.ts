/*
 * What a second module of a merchant is worth: establishments a second with one and with two, of real processes
 * under a supervisor, with two processes of the agent. Here the modules are not what is full either, so that what
 * they gain is measured with each held to a part of a core, as in agents.ts.
 */
import { loadavg } from "node:os";
import {
	AT_ONCE,
	CALLERS,
	type Count,
	HELD_PART,
	Holder,
	type Measured,
	World,
} from "./agents/shop.ts";
import {
	type BenchOptions,
	type BenchResult,
	median,
	medianRatio,
	round,
} from "./measure.ts";

type Mode = "held" | "free";

export async function benchModules({
	rounds,
	tell,
}: BenchOptions): Promise<BenchResult> {
	const before = loadavg().map((value) => round(value, 1));
	await using world = await World.make();
	const all: Record<Mode, Record<Count, Measured[]>> = {
		held: { 1: [], 2: [] },
		free: { 1: [], 2: [] },
	};
	const modes: readonly Mode[] = Holder.isThere() ? ["held", "free"] : ["free"];
	for (let number = 0; number < rounds; number++)
		for (const count of number % 2 === 0
			? ([1, 2] as const)
			: ([2, 1] as const)) {
			await using shop = await world.open(2, count);
			for (const mode of modes) {
				const held = mode === "held" ? "modules" : undefined;
				const measured = await shop.measure(held);
				all[mode][count].push(measured);
				tell(
					`round ${number + 1}, ${count} ${mode}: ${round(measured.perSecond, 1)} a second; ${Object.values(measured.byModule).join(" and ")} of each module in ${round(measured.moduleCpuMs, 0)} ms, ${measured.failed} failed`,
				);
			}
		}
	const after = loadavg().map((value) => round(value, 1));
	const report = {
		...{
			held_part_of_a_core: HELD_PART.modules,
			callers: CALLERS,
			at_once: AT_ONCE,
		},
		load_average: { before: before.join(" "), after: after.join(" ") },
		...(modes.includes("held") ? { held: figures(all.held) } : {}),
		free: figures(all.free),
	};
	return { report, lines: linesOf(report) };
}

function establishments({ byModule }: Measured): number {
	return Object.values(byModule).reduce((sum, count) => sum + count, 0);
}

/** CPU time of all modules of the shop for one establishment, in milliseconds. */
function moduleCpu(measured: Measured): number {
	return measured.moduleCpuMs / Math.max(1, establishments(measured));
}

type Figures = ReturnType<typeof figures>;

function figures(of: Readonly<Record<Count, readonly Measured[]>>) {
	const rates = (count: Count) => of[count].map(({ perSecond }) => perSecond);
	const cpus = (count: Count) => of[count].map(moduleCpu);
	const ratios = rates(2).map((two, at) => two / (rates(1)[at] ?? Number.NaN));
	const each = (count: Count) => ({
		per_second: round(median(rates(count)), 1),
		module_cpu_ms: round(median(cpus(count)), 2),
		failed: of[count].reduce((all, { failed }) => all + failed, 0),
	});
	const busier = of[2].map(
		(one) =>
			Math.max(...Object.values(one.byModule)) /
			Math.max(1, establishments(one)),
	);
	return {
		one: each(1),
		two: each(2),
		two_vs_one: round(medianRatio(rates(2), rates(1)), 2),
		least: round(Math.min(...ratios), 2),
		most: round(Math.max(...ratios), 2),
		module_cpu_two_vs_one: round(medianRatio(cpus(2), cpus(1)), 2),
		busier_part: round(median(busier), 2),
	};
}

function linesOf(report: {
	readonly held?: Figures;
	readonly free: Figures;
}): readonly string[] {
	const about = (how: string, said: Figures) =>
		`${how}: ${said.one.per_second} establishments a second with one module, ${said.two.per_second} with two: ${said.two_vs_one} times as many (${said.least} to ${said.most}); CPU of the modules for one ${said.one.module_cpu_ms} and ${said.two.module_cpu_ms} ms, and the busier of two made ${round(100 * said.busier_part, 0)} % of them`;
	return [
		...(report.held === undefined
			? ["Processes cannot be held to a part of a core here."]
			: [
					about(
						`Each module held to ${HELD_PART.modules * 100} % of a core`,
						report.held,
					),
				]),
		about(
			"As it comes, with all that calls and pays on the same cores",
			report.free,
		),
	];
}
