/** `tetrad/mcp`: tools of MCP that are paid for by purchases, and a client of MCP that pays. */
export {
	type McpClient,
	type PaidToolHandler,
	type PaidToolOptions,
	paid,
	type TetradClientOptions,
	withTetrad,
} from "../mcp/index.ts";
export {
	type Admitted,
	type PaidAnswersOptions,
	type PaidBuyer,
	type PaidMode,
	PaidRequests,
	type PaidRequestsOptions,
	type PaidTerms,
	type Payee,
	type RequestPrice,
} from "../paid/index.ts";
