import type { AgentService } from "../device/service/index.ts";
import { PaidAnswers, type PaidAnswersOptions } from "../paid/index.ts";
import {
	type Call,
	type CallOptions,
	type McpClient,
	PayingCalls,
} from "./paying-calls.ts";

/** How a program pays for the tools that it calls. */
export interface TetradClientOptions extends PaidAnswersOptions {
	/** Pays, within the limits of the owner of its module. */
	readonly agent: AgentService;
}

/**
 * A client of MCP that pays where a tool asks for it, and is otherwise what it is: a result that asks
 * to be paid by a purchase is paid for, and all others are handed over as they come. A paid result is
 * what was bought, so that one that is lost or changed on its way costs nothing; the same call made
 * again goes on with a purchase that is not over, and pays nothing new. What was bought stands under
 * `_meta`, in `x402/payment-response` and `tetrad/receipt`.
 *
 * `callTool` rejects as it does, and with a `TetradError`: `payment-refused` for what is not to be
 * paid, being another server, tool or arguments than were called, above `maximum` or what was listed,
 * or of another mode; `malformed` for terms or a schema that are none; and with what `buy` of the
 * agent rejects with. Only after `payment-in-doubt`, `merchandise-wrong`, which is also what a result
 * is that its tool's schema does not allow, and `purchase-void` may anything be paid. A `timeout`
 * bounds messages; `signal` stops all of it.
 *
 * @example
 * ```ts
 * import type { Client } from "@modelcontextprotocol/client";
 * import { openAgent } from "tetrad";
 * import { withTetrad } from "tetrad/mcp";
 *
 * export async function forecast(home: string, client: Client): Promise<unknown> {
 * 	await using agent = await openAgent(home);
 * 	const options = { agent, maximum: 5n, currency: "EUR" };
 * 	const paying = withTetrad(client, options);
 * 	const call = { name: "forecast", arguments: { day: "tomorrow" } };
 * 	const { content } = await paying.callTool(call);
 * 	return content;
 * }
 * ```
 */
export function withTetrad<Client extends McpClient>(
	client: Client,
	{ agent, ...options }: TetradClientOptions,
): Client {
	const paying = new PayingCalls(client, new PaidAnswers(agent, options), {
		modes: options.modes ?? ["sealed"],
	});
	const own: Readonly<Record<PropertyKey, unknown>> = {
		callTool: (call: Call, ...how: readonly CallOptions[]) =>
			paying.call(call, how),
		listTools: (...page: readonly unknown[]) => paying.list(page),
	};
	return new Proxy(client, {
		get(target, key) {
			if (Object.hasOwn(own, key)) return own[key];
			const value: unknown = Reflect.get(target, key);
			return typeof value === "function" ? value.bind(target) : value;
		},
		set: (target, key, value) => Reflect.set(target, key, value),
	});
}
