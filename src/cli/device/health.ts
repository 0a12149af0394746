import { requireHome } from "../../device/home/index.ts";
import {
	announcedMetrics,
	askHealth,
	type HealthReport,
} from "../../device/operating/index.ts";
import { findSide } from "../../device/side/index.ts";
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
	const { agent, module } = side;
	const homes = [
		["agent", agent.home],
		...(module.runs === "apart" ? [["module", module.home] as const] : []),
	] as const;
	for (const [device, path] of homes)
		tellOf(await healthOf(device, path), json);
}

/** Of a device that is to run: one that says nothing is down. */
async function healthOf(
	device: HealthReport["device"],
	home: string,
): Promise<HealthReport> {
	try {
		return await askHealth(await urlOf({ home }));
	} catch (thrown) {
		const { message } = asTetradError(thrown);
		return { status: "down", device, since: "", notes: [message] };
	}
}

function tellOf(report: HealthReport, json: true | undefined): void {
	if (report.status === "down") process.exitCode = EXIT.failed;
	if (json) return sayJson(report);
	for (const line of linesOf(report)) say(line);
}

function linesOf({ status, device, since, notes }: HealthReport): string[] {
	const started = Date.parse(since);
	const when = Number.isNaN(started) ? "" : `, since ${moment(started)}`;
	return [
		`${status}: ${device}${when}`,
		...notes.map((note) => `  ${plain(note)}`),
	];
}

async function urlOf({ home, at }: HealthFlags): Promise<string> {
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
	const url = await announcedMetrics(home);
	if (url === undefined)
		throw new TetradError(
			"carrier-failed",
			`the device of ${home} does not run, or was started without --metrics`,
		);
	return url;
}
