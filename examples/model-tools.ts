import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const [home = "buyer", merchant = "127.0.0.1:7000", item = "licence"] =
	process.argv.slice(2);

const client = new Client({ name: "example", version: "1.0.0" });
const args = ["tetrad", "mcp", "--home", home];
await client.connect(new StdioClientTransport({ command: "npx", args }));
const call = async (name: string, asked: object): Promise<string> => {
	const { content } = await client.callTool({ name, arguments: { ...asked } });
	return content[0]?.type === "text" ? content[0].text : "";
};
const quoted = await call("tetrad_quote", { merchant, item });
const { quote, purchase } = JSON.parse(quoted);
const { quoteId } = quote ?? purchase;
console.log(await call("tetrad_buy", { quoteId }));
await client.close();
