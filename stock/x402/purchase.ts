import { join } from "node:path";
import { paymentMiddleware } from "@x402/express";
import type { RequestHandler } from "express";
import { type AgentService, openAgent } from "../../src/entry/index.ts";
import type { Order } from "../../src/entry/trade.ts";
import { TetradPayments, wrapFetchWithTetrad } from "../../src/entry/x402.ts";
import type { Fetch } from "./parties.ts";

const PRICE = { text: "0.01", minor: 1n, currency: "PLAY" } as const;

/** What is sold beside answers, made on order: as many bytes as the order says. */
const ITEM = "bytes";

/** A merchant behind stock middleware, and a buyer, who pay by purchases: shop and buyer of a sandbox, whose modules are processes of their own. */
export class Purchasing implements AsyncDisposable {
	readonly #world: string;
	readonly #payments: TetradPayments;
	readonly #address: string;
	readonly #stack: AsyncDisposableStack;
	#buyer: AgentService;
	#money = 0n;

	private constructor(
		parts: {
			readonly world: string;
			readonly payments: TetradPayments;
			readonly address: string;
			readonly buyer: AgentService;
		},
		stack: AsyncDisposableStack,
	) {
		this.#world = parts.world;
		this.#payments = parts.payments;
		this.#address = parts.address;
		this.#buyer = parts.buyer;
		this.#stack = stack;
		stack.defer(() => this.#buyer.close());
	}

	/** In the world of that sandbox, whose issuer runs. */
	static async start(world: string): Promise<Purchasing> {
		const stack = new AsyncDisposableStack();
		const merchant = stack.use(await openAgent(join(world, "shop")));
		await merchant.settle();
		const listening = Promise.withResolvers<string>();
		const payments = stack.use(
			await TetradPayments.open(merchant, {
				listen: "127.0.0.1:0",
				beside: { items: [{ name: ITEM, price: PRICE.text, make }] },
				step: (event) => {
					if (event.event === "listening") listening.resolve(event.address);
				},
			}),
		);
		const address = await listening.promise;
		const buyer = await openAgent(join(world, "buyer"));
		const purchasing = new Purchasing(
			{ world, payments, address, buyer },
			stack,
		);
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

	/** What the buyer fetches with, over a network that is given, until it is opened anew. */
	fetch(network: Fetch = globalThis.fetch): Fetch {
		const { currency, minor: maximum } = PRICE;
		const agent = this.#buyer;
		return wrapFetchWithTetrad(network, { agent, currency, maximum });
	}

	/** A purchase of as many bytes, made on order, that no request is a part of. */
	async buy(bytes: number, to: string): Promise<void> {
		const order = String(bytes);
		const quote = await this.#buyer.quote(this.#address, ITEM, { order });
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

	async #spendable(): Promise<bigint> {
		const [balance] = await this.#buyer.balance();
		return balance?.spendable ?? 0n;
	}
}

async function make({ item }: Order): Promise<Uint8Array> {
	return crypto.getRandomValues(new Uint8Array(Number(item.order)));
}
