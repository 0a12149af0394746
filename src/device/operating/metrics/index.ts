export {
	type Metrics,
	type MetricsOptions,
	serveMetrics,
} from "./serve-metrics.ts";
