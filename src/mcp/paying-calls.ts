import { asTetradError, TetradError } from "../errors.ts";
import {
	isRefusal,
	type PaidAnswers,
	type PaidMode,
	replyTo,
	type Sending,
	toolText,
} from "../paid/index.ts";
import { type Chosen, chooseWay, paymentOf } from "../paid/x402/index.ts";
import { checked, judge, withReceipt } from "./bought-result.ts";
import { KnownTools } from "./known-tools.ts";
import { requireListed } from "./listed-price.ts";
import { PAYMENT } from "./meta.ts";
import { paymentRequiredIn } from "./payment-required.ts";
import { parseResult } from "./tool-result.ts";

/** What of a client of MCP is needed: those of `@modelcontextprotocol/client` 2 and of `@modelcontextprotocol/sdk` 1 have it. */
export interface McpClient {
	callTool(...call: never[]): Promise<unknown>;
	listTools(...page: never[]): Promise<unknown>;
	getServerVersion(): { readonly name: string } | undefined;
}

/** A call as its program has made it. */
export interface Call {
	readonly name: string;
	readonly arguments?: unknown;
	readonly _meta?: Readonly<Record<string, unknown>> | undefined;
}

/** How a program has asked for it. The older generation takes the schema of results before that. */
export interface CallOptions {
	readonly signal?: AbortSignal | undefined;
}

/** The calls of one client, which are paid for where they have to be. */
export class PayingCalls {
	readonly #client: McpClient;
	readonly #answers: PaidAnswers;
	readonly #modes: readonly PaidMode[];
	readonly #tools: KnownTools;
	/** At which place a program says how a call is made. */
	readonly #howAt: 0 | 1;

	constructor(
		client: McpClient,
		answers: PaidAnswers,
		{ modes }: { readonly modes: readonly PaidMode[] },
	) {
		this.#client = client;
		this.#answers = answers;
		this.#modes = modes;
		this.#howAt = "getProtocolEra" in client ? 0 : 1;
		this.#tools = new KnownTools((cursor) =>
			this.#page(cursor === undefined ? [] : [{ cursor }]),
		);
	}

	async list(page: readonly unknown[]): Promise<unknown> {
		const listed = await this.#page(page);
		this.#tools.learn(listed);
		return listed;
	}

	async call(call: Call, how: readonly CallOptions[]): Promise<unknown> {
		const result = await this.#send(call, how);
		const chosen = this.#wayIn(result);
		return chosen === undefined ? result : this.#pay(call, how, chosen);
	}

	#wayIn(result: unknown): Chosen | undefined {
		const required = paymentRequiredIn(result);
		return required && chooseWay(required, this.#modes);
	}

	async #pay(
		call: Call,
		how: readonly CallOptions[],
		chosen: Chosen,
	): Promise<unknown> {
		const { terms } = chosen;
		const request = this.#requestOf(call);
		const tool = await this.#tools.of(call.name);
		if (tool.price !== undefined) requireListed(tool.price, terms);
		const { signal } = how[this.#howAt] ?? {};
		const paying = await this.#answers
			.pay(terms, request, { signal })
			.catch((thrown: unknown) => {
				// What a signal has stopped is what that says, as with any call.
				if (asTetradError(thrown).code === "aborted") signal?.throwIfAborted();
				throw thrown;
			});
		const _meta = { ...call._meta, [PAYMENT]: paymentOf(chosen, paying.id) };
		let refusal: unknown;
		const sending: Sending<unknown> = {
			signal,
			send: async (signal) => {
				const reply = await this.#send({ ...call, _meta }, how, signal);
				const { kind } = judge(reply);
				if (kind === "refusal") refusal = reply;
				if (paying.mode === "sealed" || kind !== "answer") return reply;
				return withReceipt(checked(tool, reply), paying.purchase);
			},
			judge,
			read: ({ bytes, purchase }) =>
				withReceipt(checked(tool, parseResult(bytes)), purchase),
		};
		try {
			return await replyTo(paying, sending);
		} catch (thrown) {
			if (terms.mode !== "sealed" || !isRefusal(thrown)) throw thrown;
			// Who has left a result unpaid is asked to pay first.
			const other = this.#wayIn(refusal);
			if (other?.terms.mode !== "prepaid") throw thrown;
			return this.#pay(call, how, other);
		}
	}

	/** What is really asked for. */
	#requestOf({ name, arguments: given }: Call): string {
		const server = this.#client.getServerVersion()?.name;
		if (server === undefined)
			throw new TetradError(
				"payment-refused",
				"nothing was paid: the server has not said what it is called, which stands in the contract",
			);
		return toolText({ server, tool: name, arguments: given });
	}

	async #send(
		call: Call,
		how: readonly CallOptions[],
		signal?: AbortSignal,
	): Promise<unknown> {
		const all: unknown[] = [...how];
		if (signal !== undefined)
			all[this.#howAt] = { ...how[this.#howAt], signal };
		return Reflect.apply(this.#client.callTool, this.#client, [call, ...all]);
	}

	async #page(page: readonly unknown[]): Promise<unknown> {
		return Reflect.apply(this.#client.listTools, this.#client, page);
	}
}
