/* What a client of either generation calls, and says line by line: each tool unpaid, and then paid. */
import { openAgent } from "../../src/entry/index.ts";
import { type McpClient, withTetrad } from "../../src/entry/mcp.ts";

/** What both clients have. */
interface ToolClient extends McpClient {
	callTool(call: {
		readonly name: string;
		readonly arguments?: Record<string, unknown>;
	}): Promise<unknown>;
	listTools(): Promise<unknown>;
}

/** What is said. */
export interface Said {
	/** A tool, `unpaid:` and a tool, or `listed`. */
	readonly event: string;
	readonly result: unknown;
}

/** Buys from a server, with the agent of that side, for a day that nobody else asks for. */
export async function buyTools(
	client: ToolClient,
	{ home, day }: { readonly home: string; readonly day: string },
): Promise<void> {
	const say = (event: string, result: unknown) =>
		console.log(JSON.stringify({ event, result } satisfies Said));
	await using agent = await openAgent(home);
	const paying = withTetrad(client, {
		...{ agent, maximum: 5n, currency: "PLAY" },
		modes: ["sealed", "prepaid"],
	});
	say("listed", await paying.listTools());
	const call = (name: string) => ({ name, arguments: { day } });
	for (const name of ["sealed", "typed", "list"])
		say(`unpaid:${name}`, await client.callTool(call(name)));
	for (const name of ["sealed", "typed", "list", "prepaid", "fails", "ran"])
		say(name, await paying.callTool(call(name)));
}
