import type { WaitingPayment } from "../device/purse/index.ts";
import type {
	PurchaseStep,
	Quote,
	ResumedPurchase,
} from "../device/trade/index.ts";
import { TetradError } from "../errors.ts";
import type { Listing } from "../trade/documents/index.ts";
import type { TestDevice } from "./device.ts";
import type { Holder, TestBalance, TestLimits } from "./holder.ts";

/** Somebody whom an agent reaches: a shop, the issuer, or an address. */
export type Reachable = { readonly address: string } | string;

/** An agent that buys and its module, with an owner who can be asked. */
export class TestBuyer {
	readonly #holder: Holder;

	/** `TestTown.buyer` makes one. */
	constructor(holder: Holder) {
		this.#holder = holder;
	}

	get name(): string {
		return this.#holder.side.name;
	}

	get agent(): TestDevice {
		return this.#holder.side.agent;
	}

	get module(): TestDevice {
		return this.#holder.side.module;
	}

	/** As `TradingAgent.catalogue`. */
	catalogue(shop: Reachable): AsyncIterable<Listing> {
		return this.#trading.catalogue(addressOf(shop));
	}

	/** As `TradingAgent.quote`. Buying by the same offer again is the same purchase. */
	quote(
		shop: Reachable,
		item: string,
		options: { readonly order?: string; readonly signal?: AbortSignal } = {},
	): Promise<Quote> {
		return this.#trading.quote(addressOf(shop), item, options);
	}

	/** As `TradingAgent.buy`; the goods are in memory, under the item's name unless said otherwise, where `goods` finds them. Throws `aborted` when the agent crashes. */
	async *buy(
		quote: Quote,
		{
			to = quote.offer.description.name,
			signal,
		}: { readonly to?: string; readonly signal?: AbortSignal } = {},
	): AsyncIterable<PurchaseStep> {
		const running = this.#holder.side.agent.running;
		const options = signal === undefined ? {} : { signal };
		try {
			yield* running.trading.buy(quote, { to: { path: to }, ...options });
		} catch (thrown) {
			if (this.#isRunning(running)) throw thrown;
			throw new TetradError(
				"aborted",
				`${this.agent.name} crashed while it bought`,
				{ cause: thrown },
			);
		}
	}

	/** Buys, and resolves with the goods. Rejects as `buy` throws. */
	async bought(
		quote: Quote,
		options: { readonly to?: string; readonly signal?: AbortSignal } = {},
	): Promise<Uint8Array> {
		let path: string | undefined;
		for await (const step of this.buy(quote, options))
			if (step.kind === "bought") path = step.path;
		const goods = path === undefined ? undefined : this.goods(path);
		if (goods === undefined)
			throw new TetradError("internal", "what was bought is not there");
		return goods;
	}

	/** Goods that were bought, by the path that the last step named. */
	goods(path: string): Uint8Array | undefined {
		return this.#holder.side.goods.shown(path);
	}

	/** As `TradingAgent.resume`, with a shop. */
	resume(
		shop: Reachable,
		options: { readonly learn?: boolean; readonly signal?: AbortSignal } = {},
	): Promise<readonly ResumedPurchase[]> {
		return this.#trading.resume(addressOf(shop), options);
	}

	/** Meets the issuer, and goes on with what is not over. */
	settle(): Promise<readonly ResumedPurchase[]> {
		return this.#holder.settle();
	}

	/** Gives it more, from the issuer. */
	fund(amount: string): Promise<void> {
		return this.#holder.fund(amount);
	}

	balance(): Promise<TestBalance> {
		return this.#holder.balance();
	}

	/** The owner says what the module may pay from now on, and nothing else is limited. */
	limit(limits: TestLimits): Promise<void> {
		return this.#holder.limit(limits);
	}

	/** What waits for the owner. */
	waiting(): Promise<readonly WaitingPayment[]> {
		return this.#holder.waiting();
	}

	/** The owner approves a payment that waits. */
	approve(payment: WaitingPayment): Promise<void> {
		return this.#holder.decide(payment, true);
	}

	/** The owner denies a payment that waits. */
	deny(payment: WaitingPayment): Promise<void> {
		return this.#holder.decide(payment, false);
	}

	get #trading() {
		return this.#holder.side.agent.running.trading;
	}

	#isRunning(running: object): boolean {
		const { agent } = this.#holder.side;
		return agent.isRunning && agent.running === running;
	}
}

function addressOf(whom: Reachable): string {
	return typeof whom === "string" ? whom : whom.address;
}
