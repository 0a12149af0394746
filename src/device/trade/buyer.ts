import { asTetradError, TetradError } from "../../errors.ts";
import { chosenCrypto } from "../../provider/index.ts";
import {
	type BuyerAnswer,
	type BuyerAsk,
	type BuyerStep,
	Buying,
	type BuyingEffect,
	type BuyingEvent,
	type GoodsEvent,
	type ProvisionalPurchase,
} from "../../trade/agent/index.ts";
import {
	type AskedPrice,
	type HeldMoney,
	type Listing,
	type Offer,
	parseContract,
	type RailName,
} from "../../trade/documents/index.ts";
import {
	beginPurchase,
	concludePurchase,
	type PurchaseRow,
	readPurchase,
} from "../../trade/records/index.ts";
import { hex, releaseAround } from "../../wire/index.ts";
import type { AgentStore, Payments } from "../purse/index.ts";
import { Driver, type Tetrad } from "../runtime/index.ts";
import { AskedGoods, type GoodsPlace } from "./asked-goods.ts";
import { gaveUp, untilGivenUp } from "./given-up.ts";
import {
	type GoodsKeeper,
	type GoodsTarget,
	goodsFiles,
} from "./goods-file.ts";
import { Learning } from "./learning.ts";
import { provisionalRow } from "./provisional-row.ts";
import { isForSellers } from "./told-of-other-trade.ts";
import { TradeSession, tradeTetrad } from "./trade-session.ts";
import { purchasesUnderWay } from "./under-way.ts";

/** What a buyer's agent does in one tetrad. */
export interface BuyerOptions {
	readonly tetrad: Tetrad;
	readonly store: AgentStore;
	/** Where the other agent was reached; empty when it was that one that dialled. */
	readonly address: string;
	/** Where goods go of which only the module knew, by the name of the item. */
	readonly learnedTo: (name: string) => string;
	/** Where goods are kept; in files unless given. */
	readonly goods?: GoodsKeeper;
	/** The agent's clock, in milliseconds since the epoch; `Date.now` unless given. */
	readonly now?: () => number;
}

/** What becomes of goods while they are opened, beside what the machine says. */
export type BuyStep =
	| BuyerStep
	/** So many bytes of the goods are opened and verified. */
	| {
			readonly kind: "opening";
			readonly bytes: bigint;
			readonly length: bigint;
	  };

/** Goods that are here. */
export type Bought = Extract<BuyerAnswer, { readonly kind: "bought" }>;

type AnswerOf<Kind extends BuyerAnswer["kind"]> = Extract<
	BuyerAnswer,
	{ readonly kind: Kind }
>;

/** What is known of something that was asked for. */
interface Asked {
	readonly answer: PromiseWithResolvers<BuyerAnswer>;
	readonly step: (step: BuyStep) => void;
	/** Of what is bought. */
	readonly goods?: AskedGoods;
}

/** A purchase that goes on without having been asked for, and who has asked since. */
interface GoingOn {
	readonly bought: Promise<Bought>;
	readonly steps: ((step: BuyStep) => void)[];
	/** What whoever asks late has missed. */
	last: BuyStep | undefined;
}

/** A buyer's agent in one tetrad: with a merchant, or with whomever, to go on with what was bought before. */
export class Buyer {
	/** Resolves when nothing more comes of this tetrad, its goods on the disk included. Never rejects. */
	readonly over: Promise<void>;
	readonly tetrad: Tetrad;
	readonly #options: BuyerOptions;
	readonly #place: GoodsPlace;
	readonly #learning: Learning;
	readonly #now: () => number;
	readonly #session: TradeSession;
	readonly #driver: Driver<BuyingEvent, BuyingEffect>;
	readonly #machine: Buying;
	readonly #asked = new Map<number, Asked>();
	/** Those of which the module has spoken by itself, by contract in hexadecimal. */
	readonly #goingOn = new Map<string, GoingOn>();
	readonly #over = Promise.withResolvers<void>();
	/** What became of purchases is kept one after another, and whether or not their goods are still at hand. */
	#concluding: Promise<unknown> = Promise.resolve();
	#asks = 0;
	#end: TetradError | undefined;

	constructor(options: BuyerOptions) {
		const { tetrad, store, now = Date.now, learnedTo } = options;
		const { goods: keeper = goodsFiles } = options;
		this.#options = options;
		this.#place = { keeper, store };
		this.#learning = new Learning(this.#place, learnedTo, now);
		this.#now = now;
		this.tetrad = tetrad;
		this.over = this.#over.promise;
		// It throws where the tetrad is over: nothing may be listening by then.
		const known = tradeTetrad(tetrad);
		this.#session = new TradeSession(
			{ tetrad, witness: store, now },
			(event) => {
				if (!isForSellers(event)) this.#driver.feed(event);
			},
		);
		this.#machine = new Buying({ crypto: chosenCrypto(), tetrad: known });
		this.#driver = new Driver<BuyingEvent, BuyingEffect>({
			machine: this.#machine,
			now,
			handlers: {
				...this.#session.handlers,
				"begin-goods": ({ ask, length, from }) =>
					this.#do(ask, (goods) => goods.begin({ ask, length, from })),
				"keep-chunk": ({ ask, chunk }) =>
					this.#do(ask, async (goods) => {
						await goods.put(chunk);
						releaseAround(chunk.sealed);
						return { kind: "chunk-kept", ask };
					}),
				keep: ({ ask, purchase, count }) =>
					this.#do(ask, (goods) => this.#keep(ask, goods, purchase, count)),
				"open-goods": ({ ask, goods: paid }) =>
					this.#do(ask, (goods) => {
						const { length } = paid.contract;
						return goods.open(ask, paid, (bytes) =>
							this.#asked.get(ask)?.step({ kind: "opening", bytes, length }),
						);
					}),
				conclude: ({ ask, contract, conclusion, path }) =>
					this.#conclude(ask, async () => {
						const outcome = concludePurchase(contract, conclusion, now(), path);
						await store.transact(outcome);
						return { kind: "concluded", ask };
					}),
				"drop-goods": ({ ask }) => this.#drop(ask),
				step: ({ ask, step }) => this.#asked.get(ask)?.step(step),
				answered: ({ ask, answer }) =>
					this.#asked.get(ask)?.answer.resolve(answer),
				refused: ({ ask, error }) => this.#asked.get(ask)?.answer.reject(error),
				learned: ({ learned }) => this.#learning.learned(learned),
				unknown: ({ contract }) => void this.#goOn(contract).catch(() => {}),
				end: ({ error }) => this.#close(error),
			},
			ended: ({ error }) => this.#finish(error ?? closed()),
			failed: (error) => {
				this.#close(error);
				this.#finish(error);
			},
		});
	}

	/** What else may be asked of the own module. */
	get payments(): Payments {
		return this.#session.payments;
	}

	/** A page of the merchant's catalogue: the items after the one of that name, or the first. */
	async list(
		after?: string,
		signal?: AbortSignal,
		rails?: readonly RailName[],
	): Promise<{ readonly items: readonly Listing[]; readonly isLast: boolean }> {
		return this.#ask<"page">((ask) => ({ kind: "list", ask, after, rails }), {
			signal,
		});
	}

	/** At which port of the host where this merchant was called it is met with that one of its modules. */
	async where(module: Uint8Array, signal?: AbortSignal): Promise<number> {
		const { port } = await this.#ask<"there">(
			(ask) => ({ kind: "where", ask, module }),
			{ signal },
		);
		return port;
	}

	/** An offer of one item in notes; `order` says what shall be made, for what is made on order. */
	async quote(name: string, order = "", signal?: AbortSignal): Promise<Offer> {
		const { offer } = await this.#ask<"offer">(
			(ask) => ({ kind: "quote", ask, name, order }),
			{ signal },
		);
		return offer;
	}

	/** Offers of one item, one for each kind of money of those rails for which it is sold. */
	async quotes(
		name: string,
		order: string,
		rails: readonly RailName[],
		signal?: AbortSignal,
	): Promise<readonly Offer[]> {
		const { offer, others } = await this.#ask<"offer">(
			(ask) => ({ kind: "quote", ask, name, order, rails }),
			{ signal },
		);
		return [offer, ...others];
	}

	/** Which money the own module knows, how much of it can be paid with now, and what its mints ask for beside these prices. */
	async moneys(
		prices: readonly AskedPrice[],
		signal?: AbortSignal,
	): Promise<readonly HeldMoney[]> {
		const { moneys } = await this.#ask<"moneys">(
			(ask) => ({
				...{ kind: "moneys", ask },
				prices: prices.length === 0 ? undefined : prices,
			}),
			{ signal },
		);
		return moneys;
	}

	/**
	 * Takes an offer, and has the own module pay for it, with `askOwner` only once its owner was asked.
	 * Resolves when the goods are under their name.
	 * `signal` stops it: what was not paid then is not paid, and what was goes on. Rejects with why
	 * there are no goods: `payment-in-doubt` when it is paid and goes on.
	 */
	buy(
		offer: Offer,
		target: GoodsTarget,
		step: (step: BuyStep) => void,
		{
			signal,
			askOwner = false,
			mostFee,
		}: {
			readonly signal?: AbortSignal | undefined;
			readonly askOwner?: boolean | undefined;
			/** What its mint may ask for beside. */
			readonly mostFee?: bigint | undefined;
		} = {},
	): Promise<Bought> {
		const goods = this.#goodsFor(target, offer, false);
		return this.#ask<"bought">(
			(ask) => ({ kind: "buy", ask, offer, askOwner, mostFee }),
			{ step, goods, signal },
		);
	}

	/** Goes on with a purchase that is kept, or waits for one that goes on by itself. Resolves and rejects as `buy`. */
	resume(
		row: PurchaseRow,
		step: (step: BuyStep) => void = () => {},
		signal?: AbortSignal,
	): Promise<Bought> {
		const known = this.#goingOn.get(hex(row.contract));
		if (known === undefined) return this.#resume(row, step, signal);
		if (known.last !== undefined) step(known.last);
		known.steps.push(step);
		return untilGivenUp(known.bought, signal);
	}

	#resume(
		row: PurchaseRow,
		step: (step: BuyStep) => void,
		signal?: AbortSignal,
	): Promise<Bought> {
		const purchase: ProvisionalPurchase = {
			contract: parseContract(chosenCrypto(), row.document),
			chain: row.chain,
			issuerChain: row.issuer_chain,
			salt: row.salt,
			description: row.description,
			exporter: row.exporter,
		};
		const target = { path: row.target, overwrite: row.overwrite === 1n };
		return this.#ask<"bought">(
			(ask) => ({
				kind: "resume",
				ask,
				purchase,
				isFinal: row.state === "final",
			}),
			{ step, goods: this.#goodsFor(target, undefined, true), signal },
		);
	}

	/** Keeps all purchases of which only the module knows. They go on when they are resumed. */
	async learn(signal?: AbortSignal): Promise<void> {
		await this.#ask<"learned">((ask) => ({ kind: "learn", ask }), { signal });
		await this.#learning.over;
	}

	async #ask<Kind extends BuyerAnswer["kind"]>(
		asked: (ask: number) => BuyerAsk,
		{
			step = () => {},
			goods,
			signal,
		}: {
			readonly step?: (step: BuyStep) => void;
			readonly goods?: AskedGoods;
			readonly signal?: AbortSignal | undefined;
		} = {},
	): Promise<AnswerOf<Kind>> {
		if (this.#end !== undefined) throw this.#end;
		const ask = this.#asks++;
		const answer = Promise.withResolvers<BuyerAnswer>();
		this.#asked.set(ask, {
			answer,
			step,
			...(goods === undefined ? {} : { goods }),
		});
		const onAbort = () =>
			this.#driver.feed({ kind: "give-up", ask, error: gaveUp(signal) });
		try {
			if (signal?.aborted) throw gaveUp(signal);
			this.#driver.feed(asked(ask));
			signal?.addEventListener("abort", onAbort, { once: true });
			// A question has answers of one kind.
			return (await answer.promise) as AnswerOf<Kind>;
		} finally {
			signal?.removeEventListener("abort", onAbort);
			if (goods?.contract !== undefined)
				purchasesUnderWay(this.#options.store).delete(goods.contract);
			if (goods === undefined) this.#asked.delete(ask);
			else void this.#letGo(ask, goods);
		}
	}

	#goodsFor(
		target: GoodsTarget,
		offer: Offer | undefined,
		isPaid: boolean,
	): AskedGoods {
		return new AskedGoods(this.#place, target, offer, isPaid);
	}

	/** Goods that nobody waits for come all the same when they are paid, and are let go of when nothing more comes of them here. */
	async #letGo(ask: number, goods: AskedGoods): Promise<void> {
		goods.isLeft = true;
		// What follows from something that was done is asked for before that has resolved.
		for (let work: unknown; work !== goods.work; ) {
			work = goods.work;
			await work;
		}
		if (this.#end === undefined && this.#machine.needsGoods(ask)) return;
		this.#asked.delete(ask);
		await goods.leave();
	}

	/** Does something with goods in its turn, and tells the machine what came of it. */
	#do(ask: number, work: (goods: AskedGoods) => Promise<GoodsEvent>): void {
		const goods = this.#asked.get(ask)?.goods;
		if (goods === undefined)
			throw new TetradError("internal", "there are no goods of that number");
		this.#work(ask, goods, () =>
			this.#after(Promise.resolve(), ask, () => work(goods)),
		);
	}

	/** What is voided when its goods are here and nobody asks for them is concluded as well. */
	#conclude(ask: number, work: () => Promise<GoodsEvent>): void {
		const goods = this.#asked.get(ask)?.goods;
		const conclude = (): Promise<void> => {
			const concluding = this.#after(this.#concluding, ask, work);
			this.#concluding = concluding;
			return concluding;
		};
		// What waits for its goods holds up nothing else.
		if (goods === undefined) void conclude();
		else this.#work(ask, goods, conclude);
	}

	/** Does it when all that was asked about the same goods before is done. */
	#work(ask: number, goods: AskedGoods, work: () => Promise<void>): void {
		goods.inTurn(work);
		if (goods.isLeft) void this.#letGo(ask, goods);
	}

	#after(
		before: Promise<unknown>,
		ask: number,
		work: () => Promise<GoodsEvent>,
	): Promise<void> {
		return before.then(work).then(
			(event) => this.#driver.feed(event),
			(thrown: unknown) =>
				this.#driver.feed({
					kind: "not-done",
					ask,
					error: asTetradError(thrown),
				}),
		);
	}

	#drop(ask: number): void {
		const goods = this.#asked.get(ask)?.goods;
		if (goods === undefined) return;
		this.#work(ask, goods, () => goods.drop());
	}

	async #keep(
		ask: number,
		goods: AskedGoods,
		purchase: ProvisionalPurchase,
		count: number,
	): Promise<GoodsEvent> {
		const { store, address } = this.#options;
		const { other } = tradeTetrad(this.tetrad);
		await goods.seal(count);
		const { offer } = goods;
		if (offer === undefined)
			throw new TetradError("internal", "nothing was offered");
		goods.contract = hex(purchase.contract.hash);
		purchasesUnderWay(store).add(goods.contract);
		await store.transact(
			beginPurchase({
				...provisionalRow(purchase, this.#now()),
				offer: offer.id,
				exponent: BigInt(offer.money.exponent),
				play: offer.money.isPlay ? 1n : 0n,
				merchant: other.agent.name,
				merchant_module: other.module.name,
				address,
				target: goods.name,
				overwrite: goods.target.overwrite === true ? 1n : 0n,
			}),
		);
		return { kind: "kept", ask };
	}

	/** The module speaks of a purchase that is not asked for here. */
	async #goOn(contract: Uint8Array): Promise<void> {
		const row = await this.#options.store.transact(readPurchase(contract));
		if (row === undefined) return this.learn();
		const steps: ((step: BuyStep) => void)[] = [];
		const bought = this.#resume(row, (one) => {
			goingOn.last = one;
			for (const step of steps) step(one);
		});
		const goingOn: GoingOn = { bought, steps, last: undefined };
		const id = hex(contract);
		this.#goingOn.set(id, goingOn);
		bought.catch(() => this.#goingOn.delete(id));
	}

	#close(error: TetradError): void {
		this.#end ??= error;
		void this.tetrad.close();
	}

	#finish(error: TetradError): void {
		this.#end ??= error;
		const works: Promise<unknown>[] = [this.payments.over, this.#concluding];
		for (const [ask, { answer, goods }] of this.#asked) {
			answer.reject(this.#end);
			if (goods !== undefined) works.push(this.#letGo(ask, goods));
		}
		void Promise.allSettled(works).then(() => this.#over.resolve());
	}
}

function closed(): TetradError {
	return new TetradError("tetrad-closed", "the tetrad has been closed");
}
