/* A server with tools that are paid for: over HTTP where a port is given, else over standard input and output. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { toNodeHandler } from "@modelcontextprotocol/node";
import {
	type CallToolResult,
	createMcpHandler,
	McpServer,
} from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { z } from "zod";
import { openAgent } from "../../src/entry/index.ts";
import { PaidRequests, paid } from "../../src/entry/mcp.ts";

const [home = "", port] = process.argv.slice(2);

await using agent = await openAgent(home, { moduleRuns: "inside-agent" });
const events = agent.events();
await using requests = await PaidRequests.open(agent);
// It sells as soon as its module has what it sells with.
for await (const { event } of events) if (event === "settled") break;

/** How often each tool ran, by the day that it was asked for. */
const ran: Record<string, Record<string, number>> = {};
const inputSchema = z.object({ day: z.string().default("today") });

function done(
	tool: string,
	day: string,
	more: Partial<CallToolResult> = {},
): CallToolResult {
	ran[day] = { ...ran[day], [tool]: (ran[day]?.[tool] ?? 0) + 1 };
	return { content: [{ type: "text", text: `${tool} ${day}` }], ...more };
}

function server(): McpServer {
	const server = new McpServer({ name: "weather", version: "1.0.0" });
	const sold = { requests, price: "0.05", inputSchema };
	paid(server, "sealed", sold, ({ day }) => done("sealed", day));
	paid(
		server,
		"typed",
		{ ...sold, outputSchema: z.object({ sky: z.string() }) },
		({ day }) => done("typed", day, { structuredContent: { sky: "clear" } }),
	);
	// On the wire of older protocols that is wrapped, and so is what is sold.
	paid(
		server,
		"list",
		{ ...sold, outputSchema: z.array(z.string()) },
		({ day }) => done("list", day, { structuredContent: ["clear", "rain"] }),
	);
	paid(server, "prepaid", { ...sold, mode: "prepaid" }, ({ day }) =>
		done("prepaid", day),
	);
	paid(server, "fails", sold, ({ day }) =>
		done("fails", day, { isError: true }),
	);
	server.registerTool("ran", { inputSchema }, ({ day }) => ({
		content: [{ type: "text", text: JSON.stringify(ran[day]) }],
	}));
	return server;
}

if (port === undefined) {
	serveStdio(server);
	await once(process.stdin, "end");
} else {
	const respond = toNodeHandler(createMcpHandler(server));
	const http = createServer((request, response) => {
		const { method = "", url = "" } = request;
		void respond(Object.assign(request, { method, url }), response);
	});
	await once(http.listen(Number(port), "127.0.0.1"), "listening");
	const { port: bound } = http.address() as AddressInfo;
	const address = `http://127.0.0.1:${bound}/mcp`;
	console.log(JSON.stringify({ event: "listening", address }));
	await once(http, "close");
}
