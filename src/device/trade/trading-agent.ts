import { setTimeout as pause } from "node:timers/promises";
import {
	type Carrier,
	connect,
	type Listener,
	type ListenOptions,
	listen,
} from "../../carrier/index.ts";
import { nodeCrypto } from "../../crypto/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";
import type { CertifiedDevice, Signer } from "../../identity/index.ts";
import {
	chooseOffer,
	feeBeside,
	type MetModule,
	type PayingWith,
	pricesOf,
} from "../../trade/agent/index.ts";
import {
	type Contract,
	type Listing,
	OFFER_KEY_BYTES,
	type Offer,
	parseContract,
	type RailName,
	refundContract,
	refundText,
} from "../../trade/documents/index.ts";
import {
	gotRefund,
	type PurchaseRow,
	readComeBack,
	readPurchase,
	readPurchaseOf,
} from "../../trade/records/index.ts";
import { hex } from "../../wire/index.ts";
import type { AgentStore } from "../purse/index.ts";
import {
	type ConnectOptions,
	connectPatiently,
	type TetradEvent,
	type TrustedAgent,
	untilAborted,
} from "../runtime/index.ts";
import { askToSell } from "./ask-to-sell.ts";
import { Buyer, type BuyStep, untilGivenUp } from "./buyer.ts";
import {
	type GoodsKeeper,
	type GoodsTarget,
	goodsFiles,
} from "./goods-file.ts";
import {
	CLEARED_WITHIN_MS,
	REFUND_ASKED_EVERY_MS,
	REFUND_WITHIN_MS,
	STANDING_ANSWER_MS,
} from "./limits.ts";
import {
	isWith,
	requireMerchant,
	requireModule,
	type SoldElsewhere,
	soldElsewhere,
	whereIs,
} from "./merchant-modules.ts";
import {
	type ResumedPurchase,
	type ResumeOptions,
	resumeAll,
} from "./resuming.ts";
import { type SellerEvent, sellIn } from "./seller.ts";
import type { Shop } from "./shop.ts";
import { leave, StandingTetrads } from "./standing-tetrads.ts";
import { tradeTetrad } from "./trade-session.ts";

/** What an agent trades with. */
export interface TradingAgentOptions {
	readonly agent: TrustedAgent;
	/** Of the agent's home. */
	readonly store: AgentStore;
	/** The agent's key, which signs contracts; whoever only buys needs none here. */
	readonly signer?: Signer;
	/** By what it knows its own offers, `OFFER_KEY_BYTES`: whoever sells with the same takes each other's. Random with each `sell` unless given. */
	readonly offerKey?: Uint8Array | undefined;
	/** Where goods go that the module alone knew of, by the name of the item: a file in the working folder unless given. */
	readonly learnedTo?: (name: string) => string;
	/** Where goods are kept; in files unless given. Those of `BegunGoods` leave nothing behind for ever when the process dies. */
	readonly goods?: GoodsKeeper;
	/** Makes a carrier to the agent at an address; over Unix sockets and TCP unless given. */
	readonly dial?: (
		address: string,
		options: { readonly signal?: AbortSignal },
	) => Promise<Carrier>;
	/** Takes carriers at an address; over Unix sockets and TCP unless given. */
	readonly listen?: (
		address: string,
		onCarrier: (carrier: Carrier) => void,
		options: Pick<ListenOptions, "turnsAway">,
	) => Promise<Listener>;
	/** How tetrads are made. */
	readonly connect?: Pick<ConnectOptions, "routing" | "root">;
	/** Hears what becomes of each tetrad, for logs. */
	readonly observe?: (event: TetradEvent) => void;
	/** How long a tetrad with a merchant is kept for what is asked or bought there next, in milliseconds; not at all unless given. Whoever gives it closes this agent. */
	readonly standingMs?: number | undefined;
	/** How long a price or a page may take in a tetrad that stood before it passes for gone, in milliseconds; 10 seconds unless given. */
	readonly standingAnswerMs?: number | undefined;
}

/** A price that a merchant stands by, and who the merchant is. */
export interface Quote {
	readonly offer: Offer;
	/** What its mint asks for beside, with the ecash that is there now: nothing for notes, and `undefined` where it is not known yet. */
	readonly fee: bigint | undefined;
	/** Where its agent was reached. */
	readonly address: string;
	/** As their authorities certified them. */
	readonly merchant: CertifiedDevice;
	readonly merchantModule: CertifiedDevice;
}

/** How one thing that a trading agent does is watched and stopped. */
export interface TradeOptions {
	readonly signal?: AbortSignal | undefined;
	/** Hears what becomes of its tetrad, in the place of what hears that of all. */
	readonly observe?: ((event: TetradEvent) => void) | undefined;
}

/** How far a purchase is; the last step is that it is bought. */
export type PurchaseStep =
	| BuyStep
	/** The goods are at `path`, whole and verified. */
	| {
			readonly kind: "bought";
			readonly contract: Contract;
			readonly path: string;
			/** The payee's receipt, and the encoded chain under which it was signed; both empty when only the issuer has told the key. */
			readonly receipt: Uint8Array;
			readonly receiptChain: Uint8Array;
	  };

/** One purchase while it is made. Whoever has `left` reads no more steps. */
interface Taking extends TradeOptions {
	readonly push: (step: PurchaseStep) => void;
	readonly left: AbortSignal;
}

/** What is asked for, and understood by every merchant, where nothing else is wanted. */
const NOTES: readonly RailName[] = ["own-notes"];

function railsToAsk(
	rails: readonly RailName[] = NOTES,
): readonly RailName[] | undefined {
	return rails.every((rail) => rail === "own-notes") ? undefined : rails;
}

/** Asks the own module only where there is something to choose, or where ecash is not sure to be known to it. */
async function chosenOffer(
	buyer: Buyer,
	item: string,
	order: string | undefined,
	payWith: PayingWith,
	signal: AbortSignal | undefined,
): Promise<Pick<Quote, "offer" | "fee">> {
	const rails = railsToAsk(payWith.rails);
	if (rails === undefined) {
		const offer = await buyer.quote(item, order, signal);
		return { offer: chooseOffer([offer], undefined, payWith), fee: 0n };
	}
	const offers = await buyer.quotes(item, order ?? "", rails, signal);
	const prices = pricesOf(offers);
	const moneys =
		prices.length === 0 ? undefined : await buyer.moneys(prices, signal);
	const offer = chooseOffer(offers, moneys, payWith);
	return { offer, fee: feeBeside(offer, moneys) };
}

/** What a merchant may want to see of its sales. */
export type SalesEvent =
	| {
			readonly kind: "listening";
			readonly address: Listener["address"];
			/** Device id of the module with which the agent is met there; at the address of all where there is none. */
			readonly module?: Uint8Array;
	  }
	/** Somebody has come; what follows has the same number. */
	| {
			readonly kind: "tetrad";
			readonly number: number;
			readonly event: TetradEvent;
	  }
	| {
			readonly kind: "sale";
			readonly number: number;
			readonly buyer: CertifiedDevice;
			readonly event: SellerEvent;
	  }
	/** A connection that came to nothing. */
	| {
			readonly kind: "refused";
			readonly peer: string;
			readonly error: TetradError;
	  };

/**
 * An agent that buys and sells. Its module holds the money and judges every purchase again.
 *
 * @example
 * ```ts
 * import { AgentStore } from "tetrad";
 * import { TradingAgent } from "tetrad/trade";
 *
 * await using store = await AgentStore.open("home");
 * const trading = new TradingAgent({ agent, store });
 * const quote = await trading.quote("shop.example:7000", "photo.jpg");
 * if (quote.offer.amount <= 420n)
 * 	for await (const step of trading.buy(quote, { to: { path: "photo.jpg" } }))
 * 		console.log(step.kind);
 * ```
 */
export class TradingAgent {
	readonly #options: TradingAgentOptions;
	/** When nobody takes an offer any more, by its id in hexadecimal. */
	readonly #taking = new Map<string, Promise<unknown>>();
	/** Where the goods of purchases under way go. */
	readonly #targets = new Set<string>();
	readonly #standing: StandingTetrads;

	constructor(options: TradingAgentOptions) {
		this.#options = options;
		this.#standing = new StandingTetrads(options.standingMs ?? 0);
	}

	/** Closes the tetrads that are kept, and keeps none any more. */
	close(): Promise<void> {
		return this.#standing.close();
	}

	/** Everything that a merchant sells, a page at a time, with its prices in money of those rails: what is sold for several kinds of money comes once for each. Prices in notes alone unless given. */
	async *catalogue(
		address: string,
		{
			rails,
			...options
		}: TradeOptions & {
			readonly rails?: readonly RailName[] | undefined;
		} = {},
	): AsyncIterable<Listing> {
		const asked = railsToAsk(rails);
		const first = await this.#inTetrad(
			address,
			options,
			(buyer) => buyer.list(undefined, options.signal, asked),
			{ isAnswered: true },
		);
		const { buyer } = first;
		let isOver = false;
		try {
			for (let page = first.value; ; ) {
				yield* page.items;
				if (page.isLast) break;
				const after = page.items.at(-1)?.description.name;
				page = await buyer.list(after, options.signal, asked);
			}
			isOver = true;
		} finally {
			await (isOver ? this.#standing.keep(address, buyer) : leave(buyer));
		}
	}

	/**
	 * What an item costs; `order` says what shall be made, for what is made on order, and `payWith` in
	 * which money a price is wanted: in notes unless given. Of several prices one is chosen, by what
	 * is preferred and what the own module knows. Rejects with why it cannot be had, with
	 * `payment-refused` where it is sold for no such money, and as `TrustedAgent.connect`.
	 */
	async quote(
		address: string,
		item: string,
		{
			order,
			payWith = { rails: NOTES },
			...options
		}: TradeOptions & {
			readonly order?: string | undefined;
			readonly payWith?: PayingWith | undefined;
		} = {},
	): Promise<Quote> {
		const { buyer, value: chosen } = await this.#inTetrad(
			address,
			options,
			(buyer) => chosenOffer(buyer, item, order, payWith, options.signal),
			{ isAnswered: true },
		);
		const { other } = tradeTetrad(buyer.tetrad);
		await this.#standing.keep(address, buyer);
		return {
			...chosen,
			address,
			merchant: other.agent,
			merchantModule: other.module,
		};
	}

	/**
	 * Buys what was quoted. It is the owner's word: the own module pays as its limits allow. The same
	 * quote again, at once or later, is the same purchase, and nothing is paid twice; a quote of which
	 * nothing was paid can be taken again while it is valid. With `askOwner` the module's owner is
	 * asked first, whatever the limits say. With `mostFee` nothing is paid where its mint asks for
	 * more than that beside the price by then, in minor units.
	 *
	 * `signal` stops it, and never leaves money in doubt: what was not paid then is not paid, and
	 * what was paid goes on, here or with `resume`. Throws why there are no goods: `file-unusable`
	 * while another purchase goes to the same place, `payment-in-doubt` for a purchase that goes on,
	 * `purchase-void` for one whose money is back, and `merchandise-wrong` for goods that are not
	 * what the merchant signed for.
	 */
	buy(
		quote: Quote,
		{
			to,
			askOwner = false,
			mostFee,
			...options
		}: TradeOptions & {
			readonly to: GoodsTarget;
			readonly askOwner?: boolean | undefined;
			readonly mostFee?: bigint | undefined;
		},
	): AsyncIterable<PurchaseStep> {
		return this.#steps(quote.offer.id, options, async (taking) => {
			const known = await this.#known(quote.offer.id);
			return known === undefined || known.state === "aborted"
				? this.#take(quote, { to, askOwner, mostFee }, taking)
				: this.#goOn(known, quote.address, taking);
		});
	}

	/**
	 * Goes on with the purchase for which the offer of that id was taken, by this agent or by the one
	 * that had its store before; or says again that it is bought. Throws `offer-expired` when
	 * nothing was paid for it, and as `buy`.
	 */
	again(
		offer: Uint8Array,
		options: TradeOptions = {},
	): AsyncIterable<PurchaseStep> {
		return this.#steps(offer, options, async (taking) => {
			const known = await this.#known(offer);
			if (known === undefined || known.state === "aborted")
				throw new TetradError(
					"offer-expired",
					"nothing was paid for this quote, and it is not known here any more; ask for a new one",
				);
			return this.#goOn(known, known.address, taking);
		});
	}

	async *#steps(
		offer: Uint8Array,
		{ signal, observe }: TradeOptions,
		take: (taking: Taking) => Promise<void>,
	): AsyncIterable<PurchaseStep> {
		const steps = new Steps<PurchaseStep>();
		const left = new AbortController();
		const how = { push: steps.push, signal, observe, left: left.signal };
		const taking = this.#inTurn(hex(offer), signal, () => take(how));
		taking.then(steps.end, steps.end);
		try {
			yield* steps;
			await taking;
		} finally {
			left.abort();
			await taking.catch(() => {});
		}
	}

	/** Purchases of one quote come one after another, so that each sees what became of those before it. */
	#inTurn(
		id: string,
		signal: AbortSignal | undefined,
		take: () => Promise<void>,
	): Promise<void> {
		const before = this.#taking.get(id) ?? Promise.resolve();
		const taking = untilGivenUp(before, signal).then(take);
		const over = Promise.allSettled([before, taking]);
		this.#taking.set(id, over);
		void over.then(() => {
			if (this.#taking.get(id) === over) this.#taking.delete(id);
		});
		return taking;
	}

	#known(offer: Uint8Array): Promise<PurchaseRow | undefined> {
		return this.#options.store.transact(readPurchaseOf(offer));
	}

	async #take(
		quote: Quote,
		{
			to,
			askOwner,
			mostFee,
		}: {
			readonly to: GoodsTarget;
			readonly askOwner: boolean;
			readonly mostFee: bigint | undefined;
		},
		taking: Taking,
	): Promise<void> {
		using _ = this.#claim(to.path);
		const { merchant, address } = quote;
		const { push, signal } = taking;
		await this.#bought(
			{ merchant, address },
			taking,
			(buyer) =>
				buyer.buy(quote.offer, to, push, { signal, askOwner, mostFee }),
			async () => {
				const known = await this.#known(quote.offer.id);
				return known === undefined || known.state === "aborted";
			},
		);
	}

	/** Goes on with what was begun: nothing is agreed on or paid anew. */
	async #goOn(
		row: PurchaseRow,
		address: string,
		taking: Taking,
	): Promise<void> {
		switch (row.state) {
			case "final":
				return taking.push(boughtBefore(row));
			case "refunded":
				throw voided(row);
			default: {
				if (address === "")
					throw new TetradError(
						"payment-in-doubt",
						"where its merchant answers is not known: ask the issuer what became of it, with tetrad resolve",
					);
				using _ = this.#claim(row.target);
				const { sellerAgent, sellerModule } = parseContract(
					nodeCrypto,
					row.document,
				);
				const merchant = { deviceId: sellerAgent, name: row.merchant };
				await this.#bought(
					{ merchant, module: sellerModule, address },
					taking,
					(buyer) => buyer.resume(row, taking.push, taking.signal),
					// What is kept goes on in any tetrad.
					async () => true,
				);
			}
		}
	}

	/** Meets the merchant, and no other agent, until it is bought: with that one of its modules, where one is named. */
	async #bought(
		{
			merchant,
			module,
			address,
		}: {
			readonly merchant: Pick<CertifiedDevice, "deviceId" | "name">;
			readonly module?: Uint8Array;
			readonly address: string;
		},
		taking: Taking,
		buy: (buyer: Buyer) => Promise<{ readonly contract: Contract }>,
		isUntouched: () => Promise<boolean>,
	): Promise<void> {
		const { push, left } = taking;
		const inOne = async <Value>(
			buyer: Buyer,
			work: (buyer: Buyer) => Promise<Value>,
		) => {
			const close = () => void buyer.tetrad.close();
			left.addEventListener("abort", close, { once: true });
			try {
				requireMerchant(buyer, merchant, address);
				return await work(buyer);
			} finally {
				left.removeEventListener("abort", close);
			}
		};
		const { buyer, value } = await this.#inTetrad(
			address,
			taking,
			(buyer) =>
				inOne(buyer, async () => {
					const isHere = module === undefined || isWith(buyer, module);
					const at = isHere
						? undefined
						: await whereIs(buyer, module, address, taking.signal);
					if (at !== undefined) return { at, module };
					// Of one that has that module no more, the own module tells what became of it.
					return buyer.tetrad.ended
						? { at: address, module: undefined }
						: buy(buyer);
				}),
			{ ...{ merchant: merchant.deviceId, module }, isUntouched },
		);
		let contract: Contract;
		if ("contract" in value) {
			contract = value.contract;
			await this.#standing.keep(address, buyer);
		} else {
			await leave(buyer);
			const there = await this.#meet(value.at, taking, address);
			try {
				if (value.module !== undefined)
					requireModule(there, value.module, value.at);
				({ contract } = await inOne(there, buy));
			} finally {
				await leave(there);
			}
		}
		const row = await this.#options.store.transact(readPurchase(contract.hash));
		if (row === undefined)
			throw new TetradError("internal", "a purchase was not kept");
		push(boughtBefore(row));
	}

	/**
	 * Does something in a tetrad with the agent at an address: in one that stands, or in a new one. One
	 * that stood and turns out to be gone before anything came of it is replaced once. The tetrad is the
	 * caller's when this resolves, and closed when it rejects.
	 */
	async #inTetrad<Value>(
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
		const buyer = await this.#meet(address, options);
		try {
			return { buyer, value: await work(buyer) };
		} catch (thrown) {
			await leave(buyer);
			throw thrown;
		}
	}

	/** Goods of one purchase at a time go to one place. Throws `file-unusable`. */
	#claim(path: string): Disposable {
		const { goods = goodsFiles } = this.#options;
		const target = goods.nameOf(path);
		if (this.#targets.has(target))
			throw new TetradError(
				"file-unusable",
				`another purchase that is under way goes to ${target}; choose another name, or wait for that one`,
			);
		this.#targets.add(target);
		return { [Symbol.dispose]: () => void this.#targets.delete(target) };
	}

	/**
	 * Goes on with everything that was bought and is not over, in a tetrad with the agent at that
	 * address: a merchant's, who sends goods again, or that of the issuer with `isIssuer`, which says
	 * what became of money in doubt, and takes what was received. With `sells`, too, the module gets
	 * what it sells with from that issuer: whoever sells meets it so first. With `learn` the module is
	 * asked first for purchases that this agent does not know.
	 */
	async resume(
		address: string,
		{
			isIssuer = false,
			sells = false,
			learn = false,
			step = () => {},
			...options
		}: TradeOptions & {
			readonly isIssuer?: boolean;
			readonly sells?: boolean;
			readonly learn?: boolean;
			/** Where goods go that the module alone knew of, in the place of what says that for all. */
			readonly learnedTo?: ((name: string) => string) | undefined;
			readonly step?: (purchase: PurchaseRow, step: BuyStep) => void;
		} = {},
	): Promise<readonly ResumedPurchase[]> {
		const { signal } = options;
		const buyer = await this.#meet(address, options);
		try {
			if (isIssuer) {
				const { other } = tradeTetrad(buyer.tetrad);
				const issuer = other.module.deviceId;
				if (sells) await askToSell(buyer.tetrad, issuer);
				await buyer.payments.settle(
					issuer,
					signal === undefined ? {} : { signal },
				);
			}
			if (learn) await buyer.learn(signal);
			// An issuer has said by now what became of it.
			const doubtMs = isIssuer ? 0 : CLEARED_WITHIN_MS;
			const how = { signal, step, doubtMs };
			const { store } = this.#options;
			if (isIssuer) return await resumeAll(buyer, store, how);
			const { agent: merchant } = tradeTetrad(buyer.tetrad).other;
			const elsewhere = await soldElsewhere(buyer, store);
			const isHere = ({ contract }: PurchaseRow) =>
				!elsewhere.some(({ contracts }) => contracts.has(hex(contract)));
			const resumed = [
				...(await resumeAll(buyer, store, { ...how, isOf: isHere })),
			];
			const from = { buyer, merchant, address };
			for (const sold of elsewhere)
				resumed.push(
					...(await this.#resumeElsewhere(from, sold, options, how)),
				);
			return resumed;
		} finally {
			await leave(buyer);
		}
	}

	/** What was bought of the same merchant, and paid to another of its modules, goes on where that one is met. */
	async #resumeElsewhere(
		{
			buyer,
			merchant,
			address,
		}: {
			readonly buyer: Buyer;
			readonly merchant: CertifiedDevice;
			readonly address: string;
		},
		{ module, contracts }: SoldElsewhere,
		options: TradeOptions,
		how: ResumeOptions,
	): Promise<readonly ResumedPurchase[]> {
		const { store } = this.#options;
		const isOf = ({ contract }: PurchaseRow) => contracts.has(hex(contract));
		let there: Buyer | undefined;
		let error: TetradError | undefined;
		try {
			const at = await whereIs(buyer, module, address, options.signal);
			if (at !== undefined) {
				there = await this.#meet(at, options, address);
				requireMerchant(there, merchant, at);
				requireModule(there, module, at);
				return await resumeAll(there, store, { ...how, isOf });
			}
			if (buyer.tetrad.ended) {
				// Whoever does not know the question has closed the tetrad at it.
				there = await this.#meet(address, options);
				requireMerchant(there, merchant, address);
				return await resumeAll(there, store, { ...how, isOf });
			}
		} catch (thrown) {
			error = asTetradError(thrown);
		} finally {
			if (there !== undefined) await leave(there);
		}
		// The own module tells what became of it, as far as it knows.
		const resumed = await resumeAll(buyer, store, { ...how, isOf });
		return resumed.map((one) =>
			one.error === undefined || error === undefined ? one : { ...one, error },
		);
	}

	/**
	 * Takes back all that the merchant of a purchase still owes of it, and resolves with how much has
	 * come back by then in all, in minor units: its price. Rejects with `timed-out` when nothing comes in time, and then it may come another
	 * time.
	 */
	async takeRefund(
		{ contract: sale, document, address, merchant }: PurchaseRow,
		options: TradeOptions = {},
	): Promise<bigint> {
		const { store, agent } = this.#options;
		const { sellerAgent, sellerModule, issuer, currency, ...paid } =
			parseContract(nodeCrypto, document);
		const before = await store.transact(readComeBack(sale));
		const amount = paid.amount - before.amount;
		if (amount <= 0n) return before.amount;
		const number = before.next;
		const of = { contract: sale, number };
		const contract = refundContract(nodeCrypto, of);
		const late = AbortSignal.timeout(REFUND_WITHIN_MS);
		const signal =
			options.signal === undefined
				? late
				: AbortSignal.any([late, options.signal]);
		let buyer: Buyer | undefined;
		try {
			buyer = await this.#meetModule(
				address,
				{ deviceId: sellerAgent, name: merchant },
				sellerModule,
				{ ...options, signal },
			);
			const { payments } = buyer;
			const payment = { contract, issuer, currency, amount };
			await payments.expect(payment, { text: refundText(of), signal });
			const coming = payments.received(contract, { signal });
			coming.catch(() => {});
			// Whoever owes something pays it when it is asked for its catalogue, or later, where another tetrad is in the way.
			let isHere = false;
			while (!isHere) {
				await buyer.list(undefined, signal);
				isHere = await Promise.race([
					coming.then(() => true),
					pause(REFUND_ASKED_EVERY_MS, false),
				]);
			}
			// The merchant's module hears by now that it came, and its agent can keep that.
			await buyer.list(undefined, signal);
		} catch (thrown) {
			if (!late.aborted) throw thrown;
			throw new TetradError(
				"timed-out",
				"the merchant has given nothing back yet; ask again later",
				{ cause: thrown },
			);
		} finally {
			if (buyer !== undefined) await leave(buyer);
		}
		const time = BigInt(agent.now());
		await store.transact(
			gotRefund({ sale, number: BigInt(number), contract, time, amount }),
		);
		return paid.amount;
	}

	/**
	 * Sells to whoever comes, many at once, until the signal. A buyer that is slow or gone holds up
	 * nobody else. An agent with several modules is met with each of them at an address of its own as
	 * well, a port of the same host, which buyers who come back are told; at the first address, with
	 * any.
	 */
	async sell(
		address: string,
		shop: Shop,
		{
			signal,
			observe = () => {},
			modules = [],
		}: {
			readonly signal: AbortSignal;
			readonly observe?: (event: SalesEvent) => void;
			readonly modules?: readonly {
				readonly deviceId: Uint8Array;
				readonly address: string;
			}[];
		},
	): Promise<void> {
		const { signer } = this.#options;
		if (signer === undefined)
			throw new TetradError(
				"invalid-argument",
				"an agent that sells signs contracts: give it its signer",
			);
		const { offerKey = nodeCrypto.random(OFFER_KEY_BYTES) } = this.#options;
		const running = new Set<Promise<void>>();
		let tetrads = 0;
		const listening = this.#options.listen ?? listen;
		const met: MetModule[] = [];
		const takeOne = (module: Uint8Array | undefined) => (carrier: Carrier) => {
			const number = ++tetrads;
			const run = this.#serve(carrier, {
				...{ number, module, modules: met },
				shop,
				signal,
				observe,
				offerKey,
				signer,
			}).catch((thrown: unknown) =>
				observe({
					kind: "refused",
					peer: carrier.peer,
					error: asTetradError(thrown),
				}),
			);
			running.add(run);
			void run.then(() => running.delete(run));
		};
		const turnsAway = (source: string) => {
			const error = this.#options.agent.turnsAway(source);
			if (error === undefined) return false;
			observe({ kind: "refused", peer: source, error });
			return true;
		};
		await using listeners = new AsyncDisposableStack();
		const listenAt = async (address: string, module?: Uint8Array) =>
			listeners.use(await listening(address, takeOne(module), { turnsAway }));
		// Whoever comes can be told where each is met.
		const ofModules: SalesEvent[] = [];
		for (const { deviceId, address } of modules) {
			const at = (await listenAt(address, deviceId)).address;
			if (at.kind === "tcp") met.push({ deviceId, port: at.port });
			ofModules.push({ kind: "listening", address: at, module: deviceId });
		}
		const { address: here } = await listenAt(address);
		observe({ kind: "listening", address: here });
		for (const event of ofModules) observe(event);
		await untilAborted(signal);
		await listeners.disposeAsync();
		await Promise.all(running);
	}

	async #serve(
		carrier: Carrier,
		{
			number,
			module,
			modules,
			shop,
			signal,
			observe,
			offerKey,
			signer,
		}: {
			readonly number: number;
			/** With which module; with any unless given. */
			readonly module: Uint8Array | undefined;
			readonly modules: readonly MetModule[];
			readonly shop: Shop;
			readonly signal: AbortSignal;
			readonly observe: (event: SalesEvent) => void;
			readonly offerKey: Uint8Array;
			readonly signer: Signer;
		},
	): Promise<void> {
		const { agent, store } = this.#options;
		const tetrad = await agent.accept(carrier, {
			...{ signal, module },
			observe: (event) => observe({ kind: "tetrad", number, event }),
		});
		const close = () => void tetrad.close();
		signal.addEventListener("abort", close, { once: true });
		const { own, other } = tradeTetrad(tetrad);
		const buyer = other.agent;
		try {
			await sellIn({
				tetrad,
				witness: store,
				cannotSell: () => agent.spareModule(own.module.deviceId),
				...{ shop, signer, modules },
				offerKey,
				now: () => agent.now(),
				observe: (event) => observe({ kind: "sale", number, buyer, event }),
			});
		} catch (thrown) {
			// How a tetrad ended was observed.
			if (!tetrad.ended) throw thrown;
		} finally {
			signal.removeEventListener("abort", close);
			await tetrad.close();
		}
	}

	/** Meets a merchant with that one of its modules, as long as it has that: with another one, otherwise. */
	async #meetModule(
		address: string,
		merchant: Pick<CertifiedDevice, "deviceId" | "name">,
		module: Uint8Array,
		options: TradeOptions,
	): Promise<Buyer> {
		const buyer = await this.#meet(address, options);
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
		if (at === undefined) return this.#meet(address, options);
		const there = await this.#meet(at, options, address);
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
	async #meet(
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

/** Steps as they come, for one reader. */
class Steps<Step> implements AsyncIterable<Step> {
	readonly #steps: Step[] = [];
	#more = Promise.withResolvers<void>();
	#isOver = false;

	readonly push = (step: Step): void => {
		this.#steps.push(step);
		this.#more.resolve();
	};

	readonly end = (): void => {
		this.#isOver = true;
		this.#more.resolve();
	};

	async *[Symbol.asyncIterator](): AsyncIterator<Step> {
		for (;;) {
			yield* this.#steps.splice(0);
			if (this.#steps.length > 0) continue;
			if (this.#isOver) return;
			await this.#more.promise;
			this.#more = Promise.withResolvers();
		}
	}
}

function boughtBefore(row: PurchaseRow): PurchaseStep {
	if (row.evidence.length > 0)
		throw new TetradError(
			"merchandise-wrong",
			"it is paid, and the merchant's agent signed for goods that do not open; the evidence is kept",
		);
	return {
		kind: "bought",
		contract: parseContract(nodeCrypto, row.document),
		path: row.target,
		receipt: row.receipt,
		receiptChain: row.receipt_chain,
	};
}

function voided({ reason }: PurchaseRow): TetradError {
	return new TetradError(
		"purchase-void",
		reason === ""
			? "the issuer has declared the sale void, and what was paid is credited"
			: reason,
	);
}
