/*
 * What a second process of a merchant's agent is worth: establishments a second with one and with two, of real
 * processes under a supervisor, with the store in PostgreSQL. Buyers, their modules, the merchant's module and
 * PostgreSQL are on the same cores, so that here it is all of them together that are full, and not the agent. What an
 * agent that is full gains is measured with each of its processes held to a part of a core, as if everything
 * else had more machine; and the work is counted in CPU time.
 */
import { loadavg } from "node:os";
import {
	AT_ONCE,
	agentCpu,
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

export async function benchAgents({
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
			await using shop = await world.open(count);
			for (const mode of modes) {
				const measured = await shop.measure(
					mode === "held" ? "agents" : undefined,
				);
				all[mode][count].push(measured);
				tell(
					`round ${number + 1}, ${count} ${mode}: ${round(measured.perSecond, 1)} a second; ${measured.agents.map(({ establishments, cpuMs }) => `${establishments} in ${round(cpuMs, 0)} ms`).join(", ")}; module ${round(measured.moduleCpuMs, 0)} ms, callers ${round(measured.callersCpuMs, 0)} ms, ${measured.failed} failed`,
				);
			}
		}
	const after = loadavg().map((value) => round(value, 1));
	const report = {
		...{
			held_part_of_a_core: HELD_PART.agents,
			callers: CALLERS,
			at_once: AT_ONCE,
		},
		load_average: { before: before.join(" "), after: after.join(" ") },
		...(modes.includes("held") ? { held: figures(all.held) } : {}),
		free: figures(all.free),
	};
	return { report, lines: linesOf(report) };
}

/** How many of all establishments the busier of two has made. */
function busier({ agents }: Measured): number {
	const counts = agents.map(({ establishments }) => establishments);
	const sum = counts.reduce((all, count) => all + count, 0);
	return Math.max(...counts) / Math.max(1, sum);
}

type Figures = ReturnType<typeof figures>;

function figures(of: Readonly<Record<Count, readonly Measured[]>>) {
	const rates = (count: Count) => of[count].map(({ perSecond }) => perSecond);
	const cpus = (count: Count) => of[count].map(agentCpu);
	const ratios = rates(2).map((two, at) => two / (rates(1)[at] ?? Number.NaN));
	const each = (count: Count) => ({
		per_second: round(median(rates(count)), 1),
		agent_cpu_ms: round(median(cpus(count)), 2),
		module_cpu_ms: round(
			median(of[count].map((one) => perOne(one, one.moduleCpuMs))),
			2,
		),
		callers_cpu_ms: round(
			median(of[count].map((one) => perOne(one, one.callersCpuMs))),
			2,
		),
		failed: of[count].reduce((all, { failed }) => all + failed, 0),
	});
	return {
		one: each(1),
		two: each(2),
		two_vs_one: round(medianRatio(rates(2), rates(1)), 2),
		least: round(Math.min(...ratios), 2),
		most: round(Math.max(...ratios), 2),
		agent_cpu_two_vs_one: round(medianRatio(cpus(2), cpus(1)), 2),
		busier_part: round(median(of[2].map(busier)), 2),
	};
}

function perOne({ agents }: Measured, cpuMs: number): number {
	const all = agents.reduce((sum, one) => sum + one.establishments, 0);
	return cpuMs / Math.max(1, all);
}

function linesOf(report: {
	readonly held?: Figures;
	readonly free: Figures;
}): readonly string[] {
	const about = (how: string, said: Figures) => [
		`${how}: ${said.one.per_second} establishments a second with one process of the merchant's agent, ${said.two.per_second} with two: ${said.two_vs_one} times as many (${said.least} to ${said.most})`,
		`  CPU of an establishment at the agent ${said.one.agent_cpu_ms} and ${said.two.agent_cpu_ms} ms (${said.agent_cpu_two_vs_one}), at its module ${said.one.module_cpu_ms} and ${said.two.module_cpu_ms} ms, at its callers ${said.one.callers_cpu_ms} and ${said.two.callers_cpu_ms} ms; the busier process made ${round(100 * said.busier_part, 0)} % of them`,
	];
	return [
		...(report.held === undefined
			? ["Processes cannot be held to a part of a core here."]
			: about(
					`Each process of the agent held to ${HELD_PART.agents * 100} % of a core`,
					report.held,
				)),
		...about(
			"As it comes, with all that calls and pays on the same cores",
			report.free,
		),
	];
}
