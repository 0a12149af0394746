import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { openAgent } from "tetrad";
import { withTetrad } from "tetrad/mcp";

const [home = "buyer", ...args] = process.argv.slice(2);

await using agent = await openAgent(home);
const options = { agent, maximum: 5n, currency: "PLAY" };
const stock = new Client({ name: "example", version: "1.0.0" });
const client = withTetrad(stock, options);
await client.connect(new StdioClientTransport({ command: "node", args }));
const call = { name: "forecast", arguments: { day: "tomorrow" } };
const { content, _meta } = await client.callTool(call);
console.log(content, _meta?.["tetrad/receipt"]);
await client.close();
