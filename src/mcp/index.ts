export {
	type PaidToolHandler,
	type PaidToolOptions,
	paid,
} from "./paid-tool.ts";
export type { McpClient } from "./paying-calls.ts";
export { type TetradClientOptions, withTetrad } from "./with-tetrad.ts";
