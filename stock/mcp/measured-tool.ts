import { Client, InMemoryTransport } from "@modelcontextprotocol/client";
import { McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";
import { type PaidRequests, paid } from "../../src/entry/mcp.ts";

const NOTHING = z.object({});

/** A server with a tool that answers so many characters, once paid for and once not, and a client of it, which pays nothing by itself. */
export class MeasuredTool implements AsyncDisposable {
	readonly client: Client;
	readonly #server: McpServer;
	readonly #characters: number;

	private constructor(server: McpServer, client: Client, characters: number) {
		this.#server = server;
		this.client = client;
		this.#characters = characters;
	}

	static async open(
		requests: PaidRequests,
		price: string,
		characters: number,
	): Promise<MeasuredTool> {
		const server = new McpServer({ name: "measured", version: "1.0.0" });
		const text = "a".repeat(characters);
		const answer = () => ({ content: [{ type: "text" as const, text }] });
		paid(server, "paid", { requests, price, inputSchema: NOTHING }, answer);
		server.registerTool("unpaid", { inputSchema: NOTHING }, answer);
		const [ours, theirs] = InMemoryTransport.createLinkedPair();
		await server.connect(theirs);
		const client = new Client({ name: "measuring", version: "1.0.0" });
		await client.connect(ours);
		return new MeasuredTool(server, client, characters);
	}

	/** Calls it, with a client that may pay. Rejects when the result is not the one that there is. */
	async call(
		name: "paid" | "unpaid",
		client: Pick<Client, "callTool"> = this.client,
	): Promise<void> {
		const { content } = await client.callTool({ name, arguments: {} });
		const [first] = content;
		if (first?.type !== "text" || first.text.length !== this.#characters)
			throw new Error(`${name}: ${JSON.stringify(first)}`);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.client.close();
		await this.#server.close();
	}
}
