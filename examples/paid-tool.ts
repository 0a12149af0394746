import { once } from "node:events";
import { McpServer } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { openAgent } from "tetrad";
import { PaidRequests, paid } from "tetrad/mcp";
import { z } from "zod";

const [home = "forecasts"] = process.argv.slice(2);

await using agent = await openAgent(home);
await using requests = await PaidRequests.open(agent);
const inputSchema = z.object({ day: z.string() });
const options = { requests, price: "0.05", inputSchema };

serveStdio(() => {
	const server = new McpServer({ name: "weather", version: "1.0.0" });
	paid(server, "forecast", options, ({ day }) => {
		return { content: [{ type: "text", text: `${day}: clear` }] };
	});
	return server;
});
await once(process.stdin, "end");
