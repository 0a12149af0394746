import type {
	CallToolResult,
	McpServer,
	RegisteredTool,
	ServerContext,
	StandardSchemaWithJSON,
	ToolAnnotations,
} from "@modelcontextprotocol/server";
import { parseAmount } from "../money/index.ts";
import type { PaidMode, PaidRequests } from "../paid/index.ts";
import { listedPrice } from "./listed-price.ts";
import { PRICE } from "./meta.ts";
import { withRaw } from "./raw-input.ts";
import { SoldCalls } from "./sold-calls.ts";

/** A tool that is paid for. */
export interface PaidToolOptions<
	Input extends StandardSchemaWithJSON,
	Output extends StandardSchemaWithJSON,
> {
	/** What its results are sold with. */
	readonly requests: PaidRequests;
	/** Of one call, as a decimal text in the currency that the merchant is paid in, such as "0.05". */
	readonly price: string;
	/**
	 * `sealed` unless given: a result is paid if and only if its buyer can read it. `prepaid` is for
	 * tools with effects, and is not atomic: a call is paid before the tool runs, once, and what fails
	 * then is given back by the module out of its purse. That of a new shop is empty: put money there
	 * with `tetrad purse withdraw`.
	 */
	readonly mode?: PaidMode | undefined;
	readonly title?: string;
	readonly description?: string;
	readonly inputSchema: Input;
	readonly outputSchema?: Output;
	readonly annotations?: ToolAnnotations;
	readonly _meta?: Readonly<Record<string, unknown>> | undefined;
}

/** Does what a tool does. The signal in its context aborts when nobody waits for the result any more, or it takes too long. */
export type PaidToolHandler<Input extends StandardSchemaWithJSON> = (
	given: StandardSchemaWithJSON.InferOutput<Input>,
	context: ServerContext,
) => CallToolResult | Promise<CallToolResult>;

/**
 * Registers a tool that is paid for by purchases. A call that is not paid is answered with what it
 * costs, as x402's transport for MCP has it; one that is runs the handler once, and its result is
 * sold. The contract names the server, the tool and the SHA-256 of the arguments as they were sent.
 * A handler that throws, takes too long, or answers with `isError` is not paid, and what it answered
 * goes out as it is.
 *
 * Throws `invalid-argument` for a price that is none.
 *
 * @example
 * ```ts
 * import { McpServer } from "@modelcontextprotocol/server";
 * import { type PaidRequests, paid } from "tetrad/mcp";
 * import { z } from "zod";
 *
 * export function weather(requests: PaidRequests): McpServer {
 * 	const server = new McpServer({ name: "weather", version: "1.0.0" });
 * 	const inputSchema = z.object({ day: z.string() });
 * 	const options = { requests, price: "0.05", inputSchema };
 * 	paid(server, "forecast", options, ({ day }) => {
 * 		return { content: [{ type: "text", text: `${day}: clear` }] };
 * 	});
 * 	return server;
 * }
 * ```
 */
export function paid<
	Input extends StandardSchemaWithJSON,
	Output extends StandardSchemaWithJSON,
>(
	server: McpServer,
	name: string,
	options: PaidToolOptions<Input, Output>,
	handler: PaidToolHandler<Input>,
): RegisteredTool {
	const { requests, price, mode = "sealed", _meta, ...config } = options;
	const { inputSchema, outputSchema } = options;
	const { currency: code, exponent } = requests.payee;
	const amount = parseAmount(price, { code, exponent });
	const calls = new SoldCalls({
		...{ server, tool: name, requests, price: { amount, mode } },
		outputSchema,
		advertised: () => registered.outputSchemaJson,
	});
	const listed = listedPrice({ ...requests.payee, amount, mode });
	const registered = server.registerTool(
		name,
		{
			...config,
			inputSchema: withRaw(inputSchema),
			_meta: { ..._meta, [PRICE]: listed },
		},
		({ raw, given }, context) =>
			calls.answer(raw, context, (own) => handler(given, own)),
	);
	return registered;
}
