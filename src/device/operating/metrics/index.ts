export {
	type Metrics,
	serveMetrics,
} from "./serve-metrics.ts";
