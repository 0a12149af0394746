/* Flags of every command that runs a device, for whoever keeps it running. */
import { type Command, InvalidArgumentError, Option } from "commander";
import {
	LOG_LIMITS,
	type LogLimits,
	MAX_LOG_BYTES,
	MAX_LOG_FILES,
	MIN_LOG_BYTES,
} from "../device/operating/log/index.ts";
import { countUpTo } from "./flag-values.ts";
import { type HttpAddress, httpAddress } from "./flags.ts";

export interface OperateFlags {
	readonly metrics?: HttpAddress;
	readonly unsafeMetricsAnywhere?: true;
	/** Where OTLP over HTTP is taken. */
	readonly traces?: string;
	/** In bytes. */
	readonly logSize?: number;
	readonly logKeep?: number;
}

const UNITS: Readonly<Record<string, number>> = {
	"": 1,
	kB: 1e3,
	MB: 1e6,
	GB: 1e9,
};

/** Bytes, such as "10 MB". */
function logSize(text: string): number {
	const [, digits, unit = ""] = /^(\d{1,11}) ?(kB|MB|GB)?$/.exec(text) ?? [];
	const bytes = Number(digits) * (UNITS[unit] ?? 1);
	if (!(bytes >= MIN_LOG_BYTES && bytes <= MAX_LOG_BYTES))
		throw new InvalidArgumentError(
			'Say how large it may get, from "1 kB" to "10 GB".',
		);
	return bytes;
}

/** The address of a collector, of which nothing but scheme, host, port and path may be said. */
function collector(text: string): string {
	const url = URL.parse(text);
	const isPlain =
		url !== null &&
		/^https?:$/.test(url.protocol) &&
		`${url.username}${url.password}${url.search}${url.hash}` === "";
	if (!isPlain)
		throw new InvalidArgumentError(
			"Say where OTLP over HTTP is taken, such as http://127.0.0.1:4318.",
		);
	return text.replace(/\/+$/, "");
}

/** For every command that runs a device, also for one errand. */
export function tracesFlag(): Option {
	return new Option(
		"--traces <url>",
		"send what it has to do with purchases as OpenTelemetry spans to the collector there, such as http://127.0.0.1:4318",
	).argParser(collector);
}

export function addOperateFlags(command: Command): Command {
	return command
		.addOption(tracesFlag())
		.option(
			"--metrics <address>",
			"say how it is, for Prometheus at /metrics and for whoever asks at /health, at this loopback address, such as 127.0.0.1:9464",
			httpAddress,
		)
		.addOption(
			new Option(
				"--unsafe-metrics-anywhere",
				"let --metrics be any address: whoever reaches it sees how much is bought and sold",
			),
		)
		.option(
			"--log-size <size>",
			'how large log.jsonl in its home gets before it goes on in a new file; "10 MB" unless given',
			logSize,
		)
		.option(
			"--log-keep <count>",
			"how many full files of the log are kept beside it; 5 unless given",
			countUpTo(MAX_LOG_FILES),
		);
}

export function logLimitsOf({
	logSize: bytes = LOG_LIMITS.bytes,
	logKeep: keep = LOG_LIMITS.keep,
}: OperateFlags): LogLimits {
	return { bytes, keep };
}
