/* The same with the older generation, `@modelcontextprotocol/sdk` 1. */
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { buyTools } from "./buy-tools.ts";

const [home = "", day = "", , at = "", ...args] = process.argv.slice(2);

const client = new Client({ name: "stock", version: "1.0.0" });
await client.connect(
	at.startsWith("http:")
		? new StreamableHTTPClientTransport(new URL(at))
		: new StdioClientTransport({ command: at, args }),
);
await buyTools(client, { home, day });
await client.close();
