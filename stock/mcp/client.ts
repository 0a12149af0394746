/* A client of `@modelcontextprotocol/client`, of the newest protocol or of those before that, which buys from a server at an address, or from one that it starts. */
import {
	Client,
	StreamableHTTPClientTransport,
} from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { buyTools } from "./buy-tools.ts";

const [home = "", day = "", protocol = "", at = "", ...args] =
	process.argv.slice(2);

const mode = protocol === "newest" ? "auto" : "legacy";
const client = new Client(
	{ name: "stock", version: "1.0.0" },
	{ versionNegotiation: { mode } },
);
await client.connect(
	at.startsWith("http:")
		? new StreamableHTTPClientTransport(new URL(at))
		: new StdioClientTransport({ command: at, args }),
);
if (client.getProtocolEra() !== (mode === "auto" ? "modern" : "legacy"))
	throw new Error(`it speaks ${client.getNegotiatedProtocolVersion()}`);
await buyTools(client, { home, day });
await client.close();
