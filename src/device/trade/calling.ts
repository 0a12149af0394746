/* How an agent calls others to trade with them: in a tetrad that stands, or in a new one. */
import { connect } from "../../carrier/index.ts";
import type { CertifiedDevice } from "../../identity/index.ts";
import { connectPatiently } from "../runtime/index.ts";
import { Buyer } from "./buyer.ts";
import { STANDING_ANSWER_MS } from "./limits.ts";
import {
	isWith,
	requireMerchant,
	requireModule,
	whereIs,
} from "./merchant-modules.ts";
import { leave, StandingTetrads } from "./standing-tetrads.ts";
import type { TradeOptions, TradingAgentOptions } from "./trade-options.ts";

export class Calling {
	readonly #options: TradingAgentOptions;
	readonly #standing: StandingTetrads;

	constructor(options: TradingAgentOptions) {
		this.#options = options;
		this.#standing = new StandingTetrads(options.standingMs ?? 0);
	}

	/** Closes the tetrads that are kept, and keeps none any more. */
	close(): Promise<void> {
		return this.#standing.close();
	}

	/** Keeps a tetrad with the agent at that address for what comes next, or closes it. */
	keep(address: string, buyer: Buyer): Promise<void> {
		return this.#standing.keep(address, buyer);
	}

	/**
	 * Does something in a tetrad with the agent at an address: in one that stands, or in a new one. One
	 * that stood and turns out to be gone before anything came of it is replaced once. The tetrad is the
	 * caller's when this resolves, and closed when it rejects.
	 */
	async inTetrad<Value>(
		address: string,
		options: TradeOptions,
		work: (buyer: Buyer) => Promise<Value>,
		{
			merchant,
			module,
			isUntouched = async () => true,
			isAnswered = false,
		}: {
			readonly merchant?: Uint8Array;
			/** Which of its modules is wanted in a tetrad that stands. */
			readonly module?: Uint8Array | undefined;
			/** Whether it is answered at once, so that no answer means that nobody is there. */
			readonly isAnswered?: boolean;
			/** Whether nothing came of it. */
			readonly isUntouched?: () => Promise<boolean>;
		} = {},
	): Promise<{ readonly buyer: Buyer; readonly value: Value }> {
		const standing = this.#standing.take(address, merchant, module);
		if (standing !== undefined) {
			const { standingAnswerMs = STANDING_ANSWER_MS } = this.#options;
			// A host that has vanished says nothing, and no error comes for minutes.
			const timer = isAnswered
				? setTimeout(() => void standing.tetrad.close(), standingAnswerMs)
				: undefined;
			try {
				return { buyer: standing, value: await work(standing) };
			} catch (thrown) {
				const isGone =
					standing.tetrad.ended && options.signal?.aborted !== true;
				await leave(standing);
				if (!isGone || !(await isUntouched())) throw thrown;
			} finally {
				clearTimeout(timer);
			}
		}
		const buyer = await this.meet(address, options);
		try {
			return { buyer, value: await work(buyer) };
		} catch (thrown) {
			await leave(buyer);
			throw thrown;
		}
	}

	/** Meets a merchant with that one of its modules, as long as it has that: with another one, otherwise. */
	async meetModule(
		address: string,
		merchant: Pick<CertifiedDevice, "deviceId" | "name">,
		module: Uint8Array,
		options: TradeOptions,
	): Promise<Buyer> {
		const buyer = await this.meet(address, options);
		let at: string | undefined;
		try {
			requireMerchant(buyer, merchant, address);
			if (isWith(buyer, module)) return buyer;
			at = await whereIs(buyer, module, address, options.signal);
		} catch (thrown) {
			await leave(buyer);
			throw thrown;
		}
		if (at === undefined && !buyer.tetrad.ended) return buyer;
		await leave(buyer);
		if (at === undefined) return this.meet(address, options);
		const there = await this.meet(at, options, address);
		try {
			requireMerchant(there, merchant, at);
			requireModule(there, module, at);
			return there;
		} catch (thrown) {
			await leave(there);
			throw thrown;
		}
	}

	/** `known` is what is kept as the merchant's address, where that is another one. */
	async meet(
		address: string,
		{
			signal,
			observe = this.#options.observe,
			learnedTo = this.#options.learnedTo,
		}: TradeOptions & {
			readonly learnedTo?: ((name: string) => string) | undefined;
		},
		known: string = address,
	): Promise<Buyer> {
		const { agent, store, connect: how, goods } = this.#options;
		const dial = this.#options.dial ?? connect;
		const options = signal === undefined ? {} : { signal };
		const calling = async () => dial(address, options);
		const tetrad = await connectPatiently(agent, calling, {
			...how,
			...options,
			...(observe === undefined ? {} : { observe }),
		});
		return new Buyer({
			tetrad,
			store,
			address: known,
			learnedTo: learnedTo ?? ((name) => name),
			now: () => agent.now(),
			...(goods === undefined ? {} : { goods }),
		});
	}
}
