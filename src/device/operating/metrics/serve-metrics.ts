import { createServer, type ServerResponse } from "node:http";
import { TetradError } from "../../../errors.ts";
import {
	authority,
	isLoopback,
	listenHttp,
	ownHosts,
} from "../../http/index.ts";
import type { Report } from "../../process/index.ts";
import { announceMetrics, forgetMetrics } from "../announced.ts";
import type { HealthReport } from "../health.ts";
import { HomeGauges } from "./gauges.ts";
import { HomeWatch } from "./home-watch.ts";
import { Series } from "./series.ts";
import { Standing } from "./standing.ts";

const MAX_HEADER_BYTES = 8_192;
const MAX_CONNECTIONS = 64;
/** Milliseconds until a request has to be there, and until anything at all has to come. */
const REQUEST_MS = 5_000;
const IDLE_MS = 10_000;

export interface MetricsOptions {
	/** The home of the device that runs. */
	readonly home: string;
	/** Which of several processes of the device this is. */
	readonly number?: number;
	readonly host: string;
	/** 0 for any that is free. */
	readonly port: number;
	/** Any address, and not only loopback: whoever reaches it sees how much is bought and sold. */
	readonly unsafeAnywhere: boolean;
}

/** How a running device is watched. */
export interface Metrics extends AsyncDisposable {
	/** Without a slash at its end. */
	readonly url: string;
	/** Has to hear all that the device reports. */
	readonly hear: Report;
}

/**
 * Serves `/metrics`, in the text format of Prometheus, and `/health`, as JSON with status 200, or
 * 503 when the device is down. Throws `invalid-argument` for an address that is not loopback, and
 * `address-in-use`.
 */
export async function serveMetrics({
	home,
	number,
	host,
	port,
	unsafeAnywhere,
}: MetricsOptions): Promise<Metrics> {
	if (!unsafeAnywhere && !isLoopback(host))
		throw new TetradError(
			"invalid-argument",
			`the metrics say how much is bought and sold, and ${host} can be reached from elsewhere; use 127.0.0.1, or say --unsafe-metrics-anywhere`,
		);
	const series = new Series();
	const gauges = new HomeGauges(series.registry);
	const standing = new Standing();
	const watch = new HomeWatch(home);
	const metrics = async (): Promise<string> => {
		try {
			gauges.show(await watch.look());
		} catch {
			gauges.unreadable();
		}
		return series.registry.metrics();
	};
	const health = async (): Promise<HealthReport> => {
		try {
			return standing.report(await watch.look(), Date.now());
		} catch (thrown) {
			return standing.unreadable(thrown);
		}
	};
	let isOwn: (host: string) => boolean = () => false;
	const server = createServer(
		{
			headersTimeout: REQUEST_MS,
			requestTimeout: REQUEST_MS,
			keepAliveTimeout: REQUEST_MS,
			maxHeaderSize: MAX_HEADER_BYTES,
		},
		({ method, url, headers }, response) => {
			if (method !== "GET" && method !== "HEAD")
				return refuse(response, 405, "only GET is served here");
			// A page in a browser can have its name lead here, but it cannot change this. In a network that was chosen a name is what this is reached by.
			if (!unsafeAnywhere && !isOwn(headers.host ?? ""))
				return refuse(
					response,
					403,
					"this is not the host that is served here",
				);
			if (url === "/metrics")
				return answer(response, async () => ({
					status: 200,
					type: series.registry.contentType,
					text: await metrics(),
				}));
			if (url === "/health")
				return answer(response, async () => {
					const said = await health();
					return {
						status: said.status === "down" ? 503 : 200,
						type: "application/json",
						text: `${JSON.stringify(said)}\n`,
					};
				});
			return refuse(response, 404, "there are /metrics and /health here");
		},
	);
	server.maxConnections = MAX_CONNECTIONS;
	server.setTimeout(IDLE_MS);
	const bound = await listenHttp(server, { host, port, flag: "--metrics" });
	isOwn = ownHosts(host, bound);
	const url = `http://${authority(host, bound)}`;
	let announced: Promise<void> | undefined;
	return {
		url,
		hear(event) {
			series.hear(event);
			standing.hear(event);
			// Not before the home is this process's own. On a full disk it can be asked all the same, by whoever knows where.
			if (standing.isWorking)
				announced ??= announceMetrics(home, url, number).catch(() => {});
		},
		async [Symbol.asyncDispose]() {
			standing.stop();
			await announced;
			if (announced !== undefined)
				await forgetMetrics(home, number).catch(() => {});
			const closed = new Promise((resolve) => server.close(resolve));
			server.closeAllConnections();
			await closed;
		},
	};
}

const PLAIN = "text/plain; charset=utf-8";

function refuse(response: ServerResponse, status: number, why: string): void {
	say(response, { status, type: PLAIN, text: `${why}\n` });
}

interface Said {
	readonly status: number;
	readonly type: string;
	readonly text: string;
}

function answer(response: ServerResponse, make: () => Promise<Said>): void {
	make().then(
		(said) => say(response, said),
		() => refuse(response, 500, "this cannot be said now"),
	);
}

function say(response: ServerResponse, { status, type, text }: Said): void {
	response
		.writeHead(status, {
			"Content-Type": type,
			"Cache-Control": "no-store",
			// A body that nobody asked for is not read.
			...(status >= 400 && status < 500 ? { Connection: "close" } : {}),
			"X-Content-Type-Options": "nosniff",
		})
		.end(text);
}
