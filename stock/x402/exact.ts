import { HTTPFacilitatorClient, x402ResourceServer } from "@x402/core/server";
import { ExactEvmScheme } from "@x402/evm/exact/server";
import { paymentMiddleware } from "@x402/express";
import type { RequestHandler } from "express";
import type { PrivateKeyAccount } from "viem/accounts";
import { OwnChain } from "./chain.ts";
import { buyer, type Fetch, facilitator, listen } from "./parties.ts";

const PRICE = 1n;

/** What the buyer begins with. */
const MONEY = 1_000_000n;

/** A merchant, a buyer and a facilitator of stock x402 `exact`, on a chain of this machine's own. */
export class Exact implements AsyncDisposable {
	readonly #stack: AsyncDisposableStack;
	readonly #chain: OwnChain;
	readonly #merchant: PrivateKeyAccount;
	readonly #customer: PrivateKeyAccount;
	readonly #facilitator: string;

	private constructor(
		stack: AsyncDisposableStack,
		chain: OwnChain,
		facilitatorUrl: string,
	) {
		const [merchant, customer] = chain.holders;
		if (merchant === undefined || customer === undefined)
			throw new Error("there have to be a merchant and a buyer");
		this.#stack = stack;
		this.#chain = chain;
		this.#merchant = merchant;
		this.#customer = customer;
		this.#facilitator = facilitatorUrl;
	}

	static async start(): Promise<Exact> {
		const stack = new AsyncDisposableStack();
		const chain = stack.use(await OwnChain.start(2, MONEY));
		const { url, server } = await listen(facilitator(chain));
		stack.defer(() => void server.close());
		return new Exact(stack, chain, url);
	}

	/** What has these routes paid for, each at the same price. */
	middleware(routes: readonly string[]): RequestHandler {
		const { network, coin: asset } = this.#chain;
		const accepts = {
			scheme: "exact",
			network,
			payTo: this.#merchant.address,
			price: {
				asset,
				amount: String(PRICE),
				extra: { name: "Bench Coin", version: "1" },
			},
		};
		return paymentMiddleware(
			Object.fromEntries(routes.map((route) => [route, { accepts }])),
			new x402ResourceServer(
				new HTTPFacilitatorClient({ url: this.#facilitator }),
			).register(network, new ExactEvmScheme()),
		);
	}

	/** What the buyer fetches with, over a network that is given. */
	fetch(network: Fetch = globalThis.fetch): Fetch {
		return buyer(this.#chain, this.#customer, network);
	}

	/** How many prices the buyer has paid. */
	async paid(): Promise<number> {
		const left = await this.#chain.balanceOf(this.#customer.address);
		return Number((MONEY - left) / PRICE);
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.#stack.disposeAsync();
	}
}
