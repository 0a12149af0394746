/* A client of the tools, as a program with a model has one. */
import assert from "node:assert/strict";
import {
	Client,
	type ClientOptions,
	InMemoryTransport,
} from "@modelcontextprotocol/client";
import { walletServer } from "../../src/mcp/tools/wallet-server.ts";
import type { WalletTools } from "../../src/mcp/tools/wallet-tools.ts";

/** What a tool has answered. */
export interface Answer {
	// biome-ignore lint/suspicious/noExplicitAny: tests look into it by name.
	readonly data: any;
	readonly isError: boolean;
	readonly text: string;
}

export class Model implements AsyncDisposable {
	readonly client: Client;

	private constructor(client: Client) {
		this.client = client;
	}

	/** In this process. */
	static async of(tools: WalletTools): Promise<Model> {
		const [ours, theirs] = InMemoryTransport.createLinkedPair();
		await walletServer({ tools, version: "0" }).connect(theirs);
		return Model.over(ours);
	}

	static async over(
		transport: Parameters<Client["connect"]>[0],
		options: ClientOptions = {},
	): Promise<Model> {
		const client = new Client({ name: "test", version: "0" }, options);
		await client.connect(transport);
		return new Model(client);
	}

	/** Calls a tool; what it answers as data has to be what it answers as a text. */
	async call(
		name: string,
		asked: Readonly<Record<string, unknown>> = {},
		options: Parameters<Client["callTool"]>[1] = {},
	): Promise<Answer> {
		const called = await this.client.callTool(
			{ name: `tetrad_${name}`, arguments: { ...asked } },
			options,
		);
		const { content, structuredContent, isError = false } = called;
		const [first, ...more] = content;
		assert.ok(first?.type === "text");
		assert.deepEqual(more, []);
		const { text } = first;
		if (!isError) assert.deepEqual(JSON.parse(text), structuredContent);
		return { data: structuredContent, isError, text };
	}

	/** Calls a tool that has to answer. */
	// biome-ignore lint/suspicious/noExplicitAny: tests look into it by name.
	async done(...call: Parameters<Model["call"]>): Promise<any> {
		const { data, isError, text } = await this.call(...call);
		assert.equal(isError, false, text);
		return data;
	}

	/** Calls a tool that has to refuse, and returns why and what to do. */
	async refused(
		...call: Parameters<Model["call"]>
	): Promise<{ readonly code: string; readonly next: string }> {
		const { isError, text } = await this.call(...call);
		assert.equal(isError, true, text);
		const { error, next } = JSON.parse(text);
		return { code: error.code, next };
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.client.close();
	}
}
