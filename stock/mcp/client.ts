/* A client of `@modelcontextprotocol/client`, which buys from a server at an address, or from one that it starts. */
import {
	Client,
	StreamableHTTPClientTransport,
} from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { buyTools } from "./buy-tools.ts";

const [home = "", day = "", at = "", ...args] = process.argv.slice(2);

const client = new Client({ name: "stock", version: "1.0.0" });
await client.connect(
	at.startsWith("http:")
		? new StreamableHTTPClientTransport(new URL(at))
		: new StdioClientTransport({ command: at, args }),
);
await buyTools(client, { home, day });
await client.close();
