import { join } from "node:path";
import type { Client } from "@modelcontextprotocol/client";
import { paymentMiddleware } from "@x402/express";
import type { RequestHandler } from "express";
import { type AgentService, openAgent } from "../../src/entry/index.ts";
import { PaidRequests, withTetrad } from "../../src/entry/mcp.ts";
import type { Order } from "../../src/entry/trade.ts";
import {
	type TetradFetchOptions,
	TetradPayments,
	wrapFetchWithTetrad,
} from "../../src/entry/x402.ts";
import { MeasuredTool } from "../mcp/measured-tool.ts";
import type { Fetch } from "./parties.ts";

const PRICE = { text: "0.01", minor: 1n, currency: "PLAY" } as const;

/** What is sold beside answers, made on order: as many bytes as the order says. */
const ITEM = "bytes";

/** A merchant behind stock middleware, and a buyer, who pay by purchases: shop and buyer of a sandbox, whose modules are processes of their own. */
export class Purchasing implements AsyncDisposable {
	readonly #world: string;
	readonly #requests: PaidRequests;
	readonly #payments: TetradPayments;
	readonly #stack: AsyncDisposableStack;
	#buyer: AgentService;
	#money = 0n;

	private constructor(
		parts: {
			readonly world: string;
			readonly requests: PaidRequests;
			readonly payments: TetradPayments;
			readonly buyer: AgentService;
		},
		stack: AsyncDisposableStack,
	) {
		this.#world = parts.world;
		this.#requests = parts.requests;
		this.#payments = parts.payments;
		this.#buyer = parts.buyer;
		this.#stack = stack;
		stack.defer(() => this.#buyer.close());
	}

	/** In the world of that sandbox, whose issuer runs. */
	static async start(world: string): Promise<Purchasing> {
		const stack = new AsyncDisposableStack();
		const merchant = stack.use(await openAgent(join(world, "shop")));
		await merchant.settle();
		const requests = stack.use(
			await PaidRequests.open(merchant, {
				listen: "127.0.0.1:0",
				beside: { items: [{ name: ITEM, price: PRICE.text, make }] },
			}),
		);
		const payments = stack.use(await TetradPayments.open(merchant));
		const buyer = await openAgent(join(world, "buyer"));
		const parts = { world, requests, payments, buyer };
		const purchasing = new Purchasing(parts, stack);
		await buyer.settle();
		purchasing.#money = await purchasing.#spendable();
		return purchasing;
	}

	/** What has these routes paid for, each at the same price. */
	middleware(routes: readonly string[]): RequestHandler {
		const accepts = this.#payments.accepts(PRICE.text);
		return paymentMiddleware(
			Object.fromEntries(routes.map((route) => [route, { accepts }])),
			this.#payments.server,
		);
	}

	/** A tool of MCP that is paid for, at the same price. */
	tool(characters: number): Promise<MeasuredTool> {
		return MeasuredTool.open(this.#requests, PRICE.text, characters);
	}

	/** What the buyer fetches with, over a network that is given, until it is opened anew. */
	fetch(network: Fetch = globalThis.fetch): Fetch {
		return wrapFetchWithTetrad(network, this.#paying());
	}

	/** What the buyer calls tools with, until it is opened anew. */
	client(client: Client): Client {
		return withTetrad(client, this.#paying());
	}

	/** A purchase of as many bytes, made on order, that no request is a part of. */
	async buy(bytes: number, to: string): Promise<void> {
		const order = String(bytes);
		const quote = await this.#buyer.quote(this.#requests.address, ITEM, {
			order,
		});
		await this.#buyer.buy(quote, { to, overwrite: true });
	}

	/** The buyer's agent, and its module with it, has just started and stands in no tetrad. */
	async openAnew(): Promise<void> {
		await this.#buyer.close();
		this.#buyer = await openAgent(join(this.#world, "buyer"));
	}

	/** How many prices the buyer has paid. */
	async paid(): Promise<number> {
		const spent = this.#money - (await this.#spendable());
		return Number(spent / PRICE.minor);
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.#stack.disposeAsync();
	}

	#paying(): TetradFetchOptions {
		const { currency, minor: maximum } = PRICE;
		return { agent: this.#buyer, currency, maximum };
	}

	async #spendable(): Promise<bigint> {
		const [balance] = await this.#buyer.balance();
		return balance?.spendable ?? 0n;
	}
}

async function make({ item }: Order): Promise<Uint8Array> {
	return crypto.getRandomValues(new Uint8Array(Number(item.order)));
}
