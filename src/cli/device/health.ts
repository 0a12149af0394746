import { HomeLock, requireHome } from "../../device/home/index.ts";
import {
	announcedMetrics,
	askHealth,
	type HealthReport,
} from "../../device/operating/index.ts";
import { findSide, modulesOf } from "../../device/side/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import type { HttpAddress } from "../flags.ts";
import { EXIT, moment, plain, say, sayJson } from "../voice.ts";

export interface HealthFlags {
	readonly home?: string;
	readonly at?: HttpAddress;
	readonly json?: true;
}

/** Says how running devices are, and ends with exit code 1 when one does not do its work. */
export async function health(flags: HealthFlags): Promise<void> {
	const { home, at, json } = flags;
	if (home !== undefined && at !== undefined)
		throw new TetradError(
			"invalid-argument",
			"say --home FOLDER or --at ADDRESS, and not both",
		);
	const side = at === undefined ? await findSide(home) : undefined;
	if (side === undefined)
		return tellOf(await askHealth(await urlOf(flags)), json);
	const { agent } = side;
	const running = await HomeLock.holders(agent.home);
	const numbers = numbersOf(agent.processes, running);
	for (const number of numbers)
		tellOf(
			await healthOf("agent", agent.home, number),
			json,
			numbers.length === 1 ? undefined : number,
		);
	const modules = modulesOf(side);
	for (const [at, { runs, home }] of modules.entries())
		if (runs === "apart")
			tellOf(
				await healthOf("module", home),
				json,
				modules.length === 1 ? undefined : at + 1,
			);
}

/** The processes that an agent is to have, and those that it has. */
function numbersOf(
	processes: number,
	running: readonly { readonly number?: number }[],
): readonly number[] {
	const most = Math.max(processes, ...running.map(({ number = 1 }) => number));
	return Array.from({ length: most }, (_, at) => at + 1);
}

/** Of a device that is to run: one that says nothing is down. */
async function healthOf(
	device: HealthReport["device"],
	home: string,
	number = 1,
): Promise<HealthReport> {
	try {
		return await askHealth(await urlOf({ home }, number));
	} catch (thrown) {
		const { message } = asTetradError(thrown);
		return { status: "down", device, since: "", notes: [message] };
	}
}

/** `number` is of one of several processes of an agent, or of its several modules. */
function tellOf(
	report: HealthReport,
	json: true | undefined,
	number?: number,
): void {
	if (report.status === "down") process.exitCode = EXIT.failed;
	const of = number === undefined ? {} : { number };
	if (json) return sayJson({ ...report, ...of });
	for (const line of linesOf({ ...report, ...of })) say(line);
}

function linesOf({
	status,
	device,
	number,
	since,
	notes,
}: HealthReport & { readonly number?: number }): string[] {
	const started = Date.parse(since);
	const when = Number.isNaN(started) ? "" : `, since ${moment(started)}`;
	return [
		`${status}: ${device}${number === undefined ? "" : ` ${number}`}${when}`,
		...notes.map((note) => `  ${plain(note)}`),
	];
}

async function urlOf(
	{ home, at }: HealthFlags,
	number?: number,
): Promise<string> {
	if (at !== undefined) {
		const host = at.host.includes(":") ? `[${at.host}]` : at.host;
		return `http://${host}:${at.port}`;
	}
	if (home === undefined)
		throw new TetradError(
			"invalid-argument",
			"say which device: --home FOLDER or --at ADDRESS",
		);
	await requireHome(home, "device");
	const url = await announcedMetrics(home, number);
	if (url === undefined)
		throw new TetradError(
			"carrier-failed",
			`the device of ${home} does not run, or was started without --metrics`,
		);
	return url;
}
