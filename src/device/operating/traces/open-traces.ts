import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
	AlwaysOnSampler,
	BatchSpanProcessor,
	TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { Report } from "../../process/index.ts";
import { PurchaseSpans } from "./purchase-spans.ts";
import { SpanIds } from "./span-ids.ts";

/** Spans that wait to be sent; more are dropped. */
const MAX_WAITING = 2048;
/** How often they are sent, and how long that may take, in milliseconds. */
const SEND_EVERY_MS = 1_000;
const SEND_MS = 2_000;
/** How long what is left is tried to be sent when the device stops, in milliseconds. */
const LAST_SEND_MS = 3_000;

export interface TracesOptions {
	/** Where OTLP over HTTP is taken, without `/v1/traces`. */
	readonly url: string;
	/** What the device is called among services: never by its name. */
	readonly service: "tetrad-agent" | "tetrad-module" | "tetrad-issuer";
}

/** How purchases are traced. */
export interface Traces extends AsyncDisposable {
	/** Has to hear all that the device reports. */
	readonly hear: Report;
}

/** Sends spans to a collector, in batches; what it does not take is dropped, and holds up nothing. */
export function openTraces({ url, service }: TracesOptions): Traces {
	const ids = new SpanIds();
	const provider = new TracerProvider({
		resource: resourceFromAttributes({ "service.name": service }),
		sampler: new AlwaysOnSampler(),
		idGenerator: ids,
		spanProcessors: [
			new BatchSpanProcessor({
				exporter: new OTLPTraceExporter({
					url: `${url.replace(/\/+$/, "")}/v1/traces`,
					timeoutMillis: SEND_MS,
				}),
				maxQueueSize: MAX_WAITING,
				scheduledDelayMillis: SEND_EVERY_MS,
				exportTimeoutMillis: SEND_MS,
			}),
		],
	});
	const spans = new PurchaseSpans(provider.getTracer("tetrad"), ids);
	return {
		hear: (event) => spans.hear(event),
		async [Symbol.asyncDispose]() {
			spans.end();
			const late = Promise.withResolvers<void>();
			const timer = setTimeout(late.resolve, LAST_SEND_MS);
			await Promise.race([provider.shutdown().catch(() => {}), late.promise]);
			clearTimeout(timer);
		},
	};
}
