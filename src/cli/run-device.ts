import { join } from "node:path";
import pino, { stdTimeFunctions } from "pino";
import { isThere, readDeviceFile, requireHome } from "../device/home/index.ts";
import { LogFile, type LogLimits } from "../device/operating/log/index.ts";
import type { Metrics } from "../device/operating/metrics/index.ts";
import type { Traces } from "../device/operating/traces/index.ts";
import {
	calmReport,
	type ProcessEvent,
	type Report,
} from "../device/process/index.ts";
import { TetradError } from "../errors.ts";
import type { LinkFlag } from "./flag-values.ts";
import { logLimitsOf, type OperateFlags } from "./operate-flags.ts";
import { ProgressBar } from "./progress.ts";
import type { SecretFlags } from "./secret-flags.ts";
import { sentence } from "./sentences.ts";
import { say, sayJson, tellTrouble } from "./voice.ts";

export interface DeviceFlags extends SecretFlags, OperateFlags {
	readonly home: string;
	readonly link: LinkFlag;
	readonly greet?: string;
	readonly timeout?: number;
	readonly unsafeKeylog?: string;
	readonly json?: true;
}

type Progress = Extract<ProcessEvent, { readonly event: "progress" }>;

/** The bar of one file; another that is on its way meanwhile goes without. */
class FileProgress {
	#bar: ProgressBar | undefined;
	#tetrad = 0;

	show({ tetrad, bytes, size }: Progress): void {
		if (this.#bar !== undefined && this.#tetrad !== tetrad) return;
		this.#bar ??= new ProgressBar(`tetrad ${tetrad}`);
		this.#tetrad = tetrad;
		this.#bar.show(bytes, size);
		if (bytes === size) this.stop();
	}

	/** Ends its line, so that something else can be said. */
	stop(): void {
		this.#bar?.stop();
		this.#bar = undefined;
	}
}

/** Reports nothing of what a device does on its way to a result, but what is wrong. */
export function quietly(report: Report): Report {
	return (event) => {
		if (event.event === "refused" || event.event === "list-trouble")
			report(event);
	};
}

/** Of several processes of one device. */
interface OfSeveral {
	/** Which of them this is, from 1. */
	readonly number?: number;
}

/** The first of several goes on where one that was alone has ended. */
function logPath({ home, number = 1 }: { home: string } & OfSeveral): string {
	return join(home, number === 1 ? "log.jsonl" : `log-${number}.jsonl`);
}

/** Runs a device until it is done or a signal asks it to stop; what it reports is printed and logged. */
export async function runDevice(
	flags: Pick<DeviceFlags, "home" | "json"> & OperateFlags & OfSeveral,
	start: (signal: AbortSignal, report: Report) => Promise<void>,
): Promise<void> {
	await requireHome(flags.home, "device");
	using file = openLog(logPath(flags), logLimitsOf(flags));
	const log = pino({ base: null, timestamp: stdTimeFunctions.isoTime }, file);
	const stop = new AbortController();
	const onSignal = () => stop.abort();
	process.on("SIGTERM", onSignal);
	process.on("SIGINT", onSignal);
	process.on("SIGHUP", onSignal);
	// Whoever started this device and was killed has closed the channel to it, perhaps already.
	process.on("disconnect", onSignal);
	if (process.connected === false) onSignal();
	process.channel?.unref();
	const files = new FileProgress();
	await using metrics = await openMetrics(flags);
	await using traces = await openTraces(flags);
	try {
		using report = calmReport((event) => {
			if (flags.json) sayJson(event);
			else if (event.event === "progress") files.show(event);
			else {
				const line = sentence(event);
				if (line !== undefined) {
					files.stop();
					say(line);
				}
			}
			if (event.event !== "progress") log.info(event);
			metrics?.hear(event);
			traces?.hear(event);
		});
		if (metrics !== undefined) report({ event: "metrics", url: metrics.url });
		await start(stop.signal, report);
	} catch (thrown) {
		files.stop();
		// A server that is asked to stop is done; what was asked for and not finished is not.
		if (stop.signal.aborted && !isOfDisk(thrown))
			throw new TetradError("aborted", "stopped before it was done");
		log.error(
			thrown instanceof TetradError
				? { code: thrown.code, reason: thrown.message }
				: { code: "internal" },
		);
		throw thrown;
	} finally {
		files.stop();
		process.off("SIGTERM", onSignal);
		process.off("SIGINT", onSignal);
		process.off("SIGHUP", onSignal);
		process.off("disconnect", onSignal);
	}
}

/** What serves them is loaded when it is wanted: most devices do without. */
async function openMetrics({
	home,
	number,
	metrics,
	unsafeMetricsAnywhere,
}: Pick<DeviceFlags, "home"> & OperateFlags & OfSeveral): Promise<
	Metrics | undefined
> {
	if (metrics === undefined) return undefined;
	const { serveMetrics } = await import("../device/operating/metrics/index.ts");
	return serveMetrics({
		...metrics,
		home,
		...(number === undefined ? {} : { number }),
		unsafeAnywhere: unsafeMetricsAnywhere === true,
	});
}

/** The packages of OpenTelemetry are loaded when they are wanted, and need not be there before. */
async function openTraces({
	home,
	traces: url,
}: Pick<DeviceFlags, "home"> & OperateFlags): Promise<Traces | undefined> {
	if (url === undefined) return undefined;
	const { role } = await readDeviceFile(home);
	const isIssuer = await isThere(join(home, "issuer.json"));
	let loaded: typeof import("../device/operating/traces/index.ts");
	try {
		loaded = await import("../device/operating/traces/index.ts");
	} catch (cause) {
		throw new TetradError(
			"invalid-argument",
			"traces need packages that do not come with tetrad; run: npm install @opentelemetry/api @opentelemetry/resources @opentelemetry/sdk-trace @opentelemetry/exporter-trace-otlp-http",
			{ cause },
		);
	}
	const service = isIssuer ? "tetrad-issuer" : (`tetrad-${role}` as const);
	return loaded.openTraces({ url, service });
}

/** Whether something could not be kept, which its owner has to hear also of a device that was asked to stop. */
function isOfDisk(thrown: unknown): boolean {
	const { code } = thrown as { code?: unknown };
	return (
		code === "home-unusable" || code === "store-full" || code === "store-failed"
	);
}

function openLog(path: string, limits: LogLimits): LogFile {
	try {
		return new LogFile(path, { limits, trouble: tellTrouble });
	} catch (cause) {
		throw new TetradError(
			"home-unusable",
			`cannot write ${path}: ${(cause as Error).message}`,
			{ cause },
		);
	}
}
