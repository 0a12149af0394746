export { announcedMetrics } from "./announced.ts";
export { askHealth, type HealthReport } from "./health.ts";
