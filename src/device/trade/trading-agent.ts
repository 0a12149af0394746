import { nodeCrypto } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import type { CertifiedDevice } from "../../identity/index.ts";
import {
	chooseOffer,
	feeBeside,
	type PayingWith,
	pricesOf,
} from "../../trade/agent/index.ts";
import {
	type Contract,
	type Listing,
	type Offer,
	parseContract,
	type RailName,
} from "../../trade/documents/index.ts";
import {
	type PurchaseRow,
	readPurchase,
	readPurchaseOf,
} from "../../trade/records/index.ts";
import { hex } from "../../wire/index.ts";
import { askToSell } from "./ask-to-sell.ts";
import type { Buyer, BuyStep } from "./buyer.ts";
import { Calling } from "./calling.ts";
import { untilGivenUp } from "./given-up.ts";
import { type GoodsTarget, goodsFiles } from "./goods-file.ts";
import { CLEARED_WITHIN_MS } from "./limits.ts";
import {
	isWith,
	requireMerchant,
	requireModule,
	soldElsewhere,
	whereIs,
} from "./merchant-modules.ts";
import {
	type ResumedPurchase,
	resumeAll,
	resumeElsewhere,
} from "./resuming.ts";
import { type SalesEvent, sellAt } from "./sell-at.ts";
import type { Shop } from "./shop.ts";
import { leave } from "./standing-tetrads.ts";
import { Steps } from "./steps.ts";
import { takeRefund } from "./take-refund.ts";
import type { TradeOptions, TradingAgentOptions } from "./trade-options.ts";
import { tradeTetrad } from "./trade-session.ts";

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
	readonly #calling: Calling;

	constructor(options: TradingAgentOptions) {
		this.#options = options;
		this.#calling = new Calling(options);
	}

	/** Closes the tetrads that are kept, and keeps none any more. */
	close(): Promise<void> {
		return this.#calling.close();
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
		const first = await this.#calling.inTetrad(
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
			await (isOver ? this.#calling.keep(address, buyer) : leave(buyer));
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
		const { buyer, value: chosen } = await this.#calling.inTetrad(
			address,
			options,
			(buyer) => chosenOffer(buyer, item, order, payWith, options.signal),
			{ isAnswered: true },
		);
		const { other } = tradeTetrad(buyer.tetrad);
		await this.#calling.keep(address, buyer);
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
		const { buyer, value } = await this.#calling.inTetrad(
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
			await this.#calling.keep(address, buyer);
		} else {
			await leave(buyer);
			const there = await this.#calling.meet(value.at, taking, address);
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
		const buyer = await this.#calling.meet(address, options);
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
					...(await resumeElsewhere(
						this.#calling,
						store,
						from,
						sold,
						options,
						how,
					)),
				);
			return resumed;
		} finally {
			await leave(buyer);
		}
	}

	/**
	 * Takes back all that the merchant of a purchase still owes of it, and resolves with how much has
	 * come back by then in all, in minor units: its price. Rejects with `timed-out` when nothing comes in time, and then it may come another
	 * time.
	 */
	takeRefund(row: PurchaseRow, options: TradeOptions = {}): Promise<bigint> {
		return takeRefund(this.#calling, this.#options, row, options);
	}

	/**
	 * Sells to whoever comes, many at once, until the signal. A buyer that is slow or gone holds up
	 * nobody else. An agent with several modules is met with each of them at an address of its own as
	 * well, a port of the same host, which buyers who come back are told; at the first address, with
	 * any.
	 */
	sell(
		address: string,
		shop: Shop,
		options: {
			readonly signal: AbortSignal;
			readonly observe?: (event: SalesEvent) => void;
			readonly modules?: readonly {
				readonly deviceId: Uint8Array;
				readonly address: string;
			}[];
		},
	): Promise<void> {
		return sellAt(this.#options, address, shop, options);
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
