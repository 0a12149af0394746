import { requireHome } from "../../device/home/index.ts";
import {
	announcedMetrics,
	askHealth,
	type HealthReport,
} from "../../device/operating/index.ts";
import { TetradError } from "../../errors.ts";
import type { HttpAddress } from "../flags.ts";
import { EXIT, moment, plain, say, sayJson } from "../voice.ts";

export interface HealthFlags {
	readonly home?: string;
	readonly at?: HttpAddress;
	readonly json?: true;
}

/** Says how a running device is, and ends with exit code 1 when it does not do its work. */
export async function health(flags: HealthFlags): Promise<void> {
	const report = await askHealth(await urlOf(flags));
	if (report.status === "down") process.exitCode = EXIT.failed;
	if (flags.json) return sayJson(report);
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
	if ((home === undefined) === (at === undefined))
		throw new TetradError(
			"invalid-argument",
			"say which device: --home FOLDER or --at ADDRESS, one of the two",
		);
	if (at !== undefined) {
		const host = at.host.includes(":") ? `[${at.host}]` : at.host;
		return `http://${host}:${at.port}`;
	}
	await requireHome(home ?? "", "device");
	const url = await announcedMetrics(home ?? "");
	if (url === undefined)
		throw new TetradError(
			"carrier-failed",
			`the device of ${home} does not run, or was started without --metrics`,
		);
	return url;
}
