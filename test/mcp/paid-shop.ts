/* A server whose tools are paid for, and clients of it, in one process. */
import { once } from "node:events";
import { Client, InMemoryTransport } from "@modelcontextprotocol/client";
import {
	type CallToolResult,
	McpServer,
	type ServerContext,
} from "@modelcontextprotocol/server";
import { z } from "zod";
import { paid, withTetrad } from "../../src/mcp/index.ts";
import type {
	PaidAnswersOptions,
	PaidRequestsOptions,
} from "../../src/paid/index.ts";
import { PaidWorld, PRICE } from "../paid/world.ts";

/** What a tool is told to do. */
export type How = "answer" | "error" | "hang" | "hold" | "progress" | "throw";

/** Arguments of all tools. */
export interface Asked {
	readonly how: How;
	readonly day: string;
}

const asked = z.object({
	how: z
		.enum(["answer", "error", "hang", "hold", "progress", "throw"])
		.default("answer"),
	day: z.string().default("today"),
});

let days = 0;

/** Arguments that were never sent before. */
export function another(how: How = "answer"): Asked & Record<string, unknown> {
	return { how, day: `day ${++days}` };
}

/** It runs until it is disposed of. */
export class PaidShop implements AsyncDisposable {
	readonly world: PaidWorld;
	/** How often a handler ran. */
	ran = 0;
	#holding: PromiseWithResolvers<void> = Promise.withResolvers();
	#released: PromiseWithResolvers<void> = Promise.withResolvers();
	readonly #open = new AsyncDisposableStack();

	private constructor(world: PaidWorld) {
		this.world = world;
	}

	static async open(options: PaidRequestsOptions = {}): Promise<PaidShop> {
		return new PaidShop(await PaidWorld.open(options));
	}

	/** The server, with its tools: `sealed`, `other` and `prepaid`, `typed` and `list`, whose results have schemas, and `free`. */
	server({ price = "0.42" }: { readonly price?: string } = {}): McpServer {
		const server = new McpServer({ name: "weather", version: "1.0.0" });
		const { requests } = this.world;
		const tools = [
			["sealed", "sealed"],
			["other", "sealed"],
			["prepaid", "prepaid"],
		] as const;
		for (const [tool, mode] of tools)
			paid(
				server,
				tool,
				{ requests, price, mode, inputSchema: asked },
				(given, context) => this.#answer(given, context),
			);
		const sky = z.object({ sky: z.literal("clear") });
		paid(
			server,
			"typed",
			{ requests, price, inputSchema: asked, outputSchema: sky },
			({ how }) => {
				this.ran++;
				const structuredContent = { sky: how === "error" ? "?" : "clear" };
				return { ...text("clear"), structuredContent };
			},
		);
		paid(
			server,
			"list",
			{
				...{ requests, price, mode: "prepaid", inputSchema: asked },
				outputSchema: z.array(z.string()),
			},
			({ day }) => {
				this.ran++;
				return { ...text(day), structuredContent: [day] };
			},
		);
		server.registerTool("free", { inputSchema: asked }, () => text("free"));
		return server;
	}

	/** A client of a server, which pays nothing. */
	async client(server: McpServer = this.server()): Promise<Client> {
		const [ours, theirs] = InMemoryTransport.createLinkedPair();
		await server.connect(theirs);
		this.#open.defer(() => server.close());
		const client = new Client({ name: "test", version: "0" });
		await client.connect(ours);
		this.#open.defer(() => client.close());
		return client;
	}

	/** One that pays. */
	async paying(
		options: Partial<PaidAnswersOptions> = {},
		client?: Client,
	): Promise<Client> {
		return withTetrad(client ?? (await this.client()), {
			agent: this.world.buyer,
			maximum: PRICE,
			currency: "PLAY",
			...options,
		});
	}

	/** Resolves when a tool holds. */
	get holds(): Promise<void> {
		return this.#holding.promise;
	}

	/** Lets what is held go on. */
	release(): void {
		this.#released.resolve();
		this.#released = Promise.withResolvers();
		this.#holding = Promise.withResolvers();
	}

	async #answer(
		{ how, day }: Asked,
		{ mcpReq }: ServerContext,
	): Promise<CallToolResult> {
		this.ran++;
		switch (how) {
			case "throw":
				throw new Error("a tool that throws, as it is to");
			case "hang":
				return new Promise(() => {});
			case "error":
				return { ...text("no such day"), isError: true };
			case "hold": {
				const { promise } = this.#released;
				this.#holding.resolve();
				await Promise.race([promise, once(mcpReq.signal, "abort")]);
				return text(`held ${day}`);
			}
			case "progress":
				await mcpReq.notify({
					method: "notifications/progress",
					params: {
						progressToken: mcpReq._meta?.progressToken,
						progress: 1,
					},
				});
				return text(day);
			case "answer":
				return text(`clear ${day}`);
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#open.disposeAsync();
		await this.world[Symbol.asyncDispose]();
	}
}

/** The same client, of which the server says something else. */
export function saying(
	client: Client,
	change: (
		result: CallToolResult,
		call: Parameters<Client["callTool"]>[0],
	) => CallToolResult | Promise<CallToolResult>,
): Client {
	return new Proxy(client, {
		get(target, key) {
			if (key === "callTool")
				return async (...call: Parameters<Client["callTool"]>) =>
					change(await target.callTool(...call), call[0]);
			const value: unknown = Reflect.get(target, key);
			return typeof value === "function" ? value.bind(target) : value;
		},
	});
}

/** A result that is a text. */
export function text(said: string): CallToolResult {
	return { content: [{ type: "text", text: said }] };
}

/** The text of a result. */
export function textOf({ content }: CallToolResult): string | undefined {
	const [first] = content;
	return first?.type === "text" ? first.text : undefined;
}
