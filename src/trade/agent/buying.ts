/*
 * A buyer's agent in one tetrad. What it wants of the merchant's is an errand (errands.ts), and what
 * it buys is a purchase (purchase.ts), which goes on beside all others:
 *
 *   asked ─list, quote, where─▶ errand ─▶ answered
 *         ─buy─────────▶ errand ─the goods and a contract─▶ purchase ─▶ answered
 *         ─resume──────▶ purchase ─▶ answered
 *         ─learn───────▶ the module tells of purchases ─▶ answered
 *
 * Each may be given up or refused instead. When the tetrad is over, what needs none of it is still
 * brought to its end.
 */
import type { CryptoProvider } from "../../crypto/index.ts";
import { asTetradError, TetradError, unreachable } from "../../errors.ts";
import {
	type Ended,
	type Machine,
	Steps,
	unexpected,
} from "../../machine/index.ts";
import { body, message, unpackMessages } from "../../money/documents/index.ts";
import { copy, hex, malformed, sameBytes } from "../../wire/index.ts";
import {
	ABOUT_PURCHASES,
	copyOffer,
	parseContract,
} from "../documents/index.ts";
import type {
	BoughtKey,
	BuyerAnswer,
	BuyerAsk,
	BuyerStep,
	BuyingEffect,
	BuyingEvent,
	GoodsEvent,
} from "./buying-events.ts";
import type { ProvisionalPurchase } from "./contract-check.ts";
import { Errands, type TakeErrand } from "./errands.ts";
import { MAX_BUYER_ASKS } from "./limits.ts";
import { Purchase, type PurchasePort } from "./purchase.ts";
import type { TradeTetrad } from "./trade-tetrad.ts";

/** What a buyer's agent is made with. */
export interface BuyingOptions {
	readonly crypto: CryptoProvider;
	readonly tetrad: TradeTetrad;
}

/** A buyer's agent. */
export class Buying implements Machine<BuyingEvent, BuyingEffect> {
	readonly #steps: Steps<BuyingEffect> = new Steps<BuyingEffect>(
		undefined,
		(error) => this.#close(error),
	);
	readonly #options: BuyingOptions;
	readonly #port: PurchasePort;
	/** Whoever has not been told yet. */
	readonly #asks = new Set<number>();
	readonly #errands: Errands;
	/** By the contract's hash, in hexadecimal. */
	readonly #purchases = new Map<string, Purchase>();
	/** Whoever wants to learn of purchases: the first is told of them. */
	readonly #learners: number[] = [];
	/** Whoever has asked which money there is: the module answers one after another. */
	readonly #wonderers: number[] = [];
	/** Why the tetrad is over, when it is. */
	#over: TetradError | undefined;

	constructor(options: BuyingOptions) {
		this.#options = options;
		this.#port = {
			crypto: options.crypto,
			emit: (effect) => this.#steps.emit(effect),
			toModule: (bytes) => this.#toModule(bytes),
			fetchGoods: (purchase, from) => this.#fetchGoods(purchase, from),
			stopFetching: ({ ask }) => this.#errands.stopFetching(ask),
			step: (ask, step) => this.#step(ask, step),
			answer: (ask, answer) => this.#answer(ask, answer),
			refuse: (ask, error) => this.#refuse(ask, error),
		};
		const isOver = (): boolean => this.#over !== undefined;
		this.#errands = new Errands({
			...options,
			get isOver() {
				return isOver();
			},
			emit: (effect) => this.#steps.emit(effect),
			step: (ask, step) => this.#step(ask, step),
			answer: (ask, answer) => this.#answer(ask, answer),
			refuse: (ask, error) => this.#refuse(ask, error),
			purchased: (errand, kept, chunks) =>
				this.#purchased(errand, kept, chunks),
		});
	}

	get deadline(): undefined {
		return undefined;
	}

	/** Purchases that go on, by their contracts' hashes: for whoever looks. */
	get purchases(): ReadonlyMap<string, Purchase> {
		return this.#purchases;
	}

	/** Whether more may come of the goods that were asked for under that number. */
	needsGoods(asked: number): boolean {
		for (const { ask, needsGoods } of this.#purchases.values())
			if (ask === asked) return needsGoods;
		return false;
	}

	handle(event: BuyingEvent, now: number): readonly (BuyingEffect | Ended)[] {
		return this.#steps.run(() => {
			this.#handle(event, now);
			this.#forgetPurchases();
			this.#errands.next();
			this.#errands.receive();
			this.#endWhenOver();
		});
	}

	#handle(event: BuyingEvent, now: number): void {
		switch (event.kind) {
			case "list":
			case "quote":
			case "buy":
			case "resume":
			case "learn":
			case "moneys":
			case "where":
				return this.#ask(event);
			case "give-up":
				return this.#giveUp(event.ask, event.error);
			case "begun":
			case "chunk-kept":
			case "kept":
			case "goods-opened":
			case "goods-wrong":
			case "goods-missing":
			case "over-elsewhere":
			case "concluded":
			case "not-done":
				return this.#happened(event, now);
			case "from-agent":
				this.#errands.receives();
				return this.#heard(() => this.#errands.hear(event.bytes, now));
			case "from-module":
				return this.#heard(() => {
					for (const one of unpackMessages(event.bytes)) this.#hearModule(one);
				});
			case "sent":
			case "time":
				return;
			case "closed":
				return this.#close(tetradOver());
			case "abort":
				return this.#close(event.error);
			default:
				return unreachable(event);
		}
	}

	/** Whoever breaks the rules ends the tetrad, and not what needs none. */
	#heard(hear: () => void): void {
		if (this.#over !== undefined) return;
		try {
			hear();
		} catch (thrown) {
			const error = asTetradError(thrown);
			this.#steps.emit({ kind: "end", error });
			this.#close(error);
		}
	}

	// What is asked.

	#ask(event: BuyerAsk): void {
		const { ask } = event;
		const isFull = this.#asks.size >= MAX_BUYER_ASKS;
		this.#asks.add(ask);
		if (this.#over !== undefined) return this.#refuse(ask, this.#over);
		if (isFull)
			return this.#refuse(
				ask,
				new TetradError(
					"busy",
					`${MAX_BUYER_ASKS} things are asked for in this tetrad; wait for some of them`,
				),
			);
		switch (event.kind) {
			case "list":
			case "quote":
			case "where":
				this.#errands.add(event);
				return;
			case "buy":
				this.#errands.add({
					kind: "take",
					ask,
					offer: copyOffer(event.offer),
					askOwner: event.askOwner,
					mostFee: event.mostFee,
				});
				return;
			case "resume":
				return this.#resume(ask, event.purchase, event.isFinal);
			case "moneys": {
				const { prices } = event;
				this.#wonderers.push(ask);
				return this.#toModule(message(ABOUT_PURCHASES.moneys, { prices }));
			}
			case "learn":
				this.#learners.push(ask);
				if (this.#learners.length === 1) this.#learnAfter(undefined);
				return;
			default:
				return unreachable(event);
		}
	}

	#resume(ask: number, kept: ProvisionalPurchase, isFinal: boolean): void {
		const { contract } = kept;
		const { own } = this.#options.tetrad;
		const id = hex(contract.hash);
		if (!sameBytes(contract.buyerModule, own.module.deviceId))
			return this.#refuse(
				ask,
				new TetradError(
					"invalid-argument",
					"another module than this agent's has that purchase",
				),
			);
		if (this.#purchases.has(id))
			return this.#refuse(
				ask,
				new TetradError("busy", "that purchase goes on already"),
			);
		this.#purchases.set(id, Purchase.resume(this.#port, ask, kept, isFinal));
	}

	#giveUp(ask: number, error: TetradError): void {
		if (!this.#asks.has(ask)) return;
		for (const purchase of this.#purchases.values())
			if (purchase.ask === ask) return purchase.giveUp(error);
		this.#errands.giveUp(ask);
		this.#refuse(ask, error);
	}

	// What becomes of goods.

	#happened(event: GoodsEvent, now: number): void {
		const { ask } = event;
		if (this.#errands.happened(event, now)) return;
		for (const purchase of this.#purchases.values())
			if (purchase.ask === ask) return purchase.happened(event);
		// What was given up may still be told of what it has asked for.
	}

	#purchased(
		{ ask, offer: { money }, askOwner, mostFee }: TakeErrand,
		kept: ProvisionalPurchase,
		chunks: number,
	): void {
		const id = hex(kept.contract.hash);
		// The same contract twice would be one payment for two.
		if (this.#purchases.has(id))
			throw malformed("this contract was sent before");
		const purchase = { ask, kept, chunks, money, askOwner, mostFee };
		this.#purchases.set(id, Purchase.begin(this.#port, purchase));
	}

	#fetchGoods(purchase: Purchase, from: number): boolean {
		const { other } = this.#options.tetrad;
		const { contract } = purchase.kept;
		if (
			this.#over !== undefined ||
			!sameBytes(contract.sellerAgent, other.agent.deviceId) ||
			!sameBytes(contract.sellerModule, other.module.deviceId)
		)
			return false;
		this.#errands.add({ kind: "fetch", ask: purchase.ask, purchase, from });
		return true;
	}

	// What the module says.

	#hearModule(bytes: Uint8Array): void {
		switch (bytes[0]) {
			case ABOUT_PURCHASES.bought.type: {
				const { contract, chain, ...said } = body(
					ABOUT_PURCHASES.bought,
					bytes,
				);
				const bought: BoughtKey = { ...said, receiptChain: chain };
				return this.#about(contract)?.bought(bought);
			}
			case ABOUT_PURCHASES.waiting.type: {
				const { contract, ...said } = body(ABOUT_PURCHASES.waiting, bytes);
				return this.#about(contract)?.waiting(said);
			}
			case ABOUT_PURCHASES.notBought.type: {
				const { contract, ...said } = body(ABOUT_PURCHASES.notBought, bytes);
				return this.#about(contract)?.notBought(said);
			}
			case ABOUT_PURCHASES.closed.type: {
				const { contract } = body(ABOUT_PURCHASES.closed, bytes);
				return this.#purchases.get(hex(contract))?.closedByModule();
			}
			case ABOUT_PURCHASES.moneysHeld.type: {
				const { moneys } = body(ABOUT_PURCHASES.moneysHeld, bytes);
				const ask = this.#wonderers.shift();
				if (ask === undefined) throw unexpected("what money there is");
				const own = moneys.map((one) => ({
					...one,
					issuer: copy(one.issuer),
				}));
				return this.#answer(ask, { kind: "moneys", moneys: own });
			}
			case ABOUT_PURCHASES.purchase.type:
				return this.#learned(bytes);
			case ABOUT_PURCHASES.purchases.type:
				return this.#learnedAll(body(ABOUT_PURCHASES.purchases, bytes).after);
			default:
				throw unexpected("a message that modules do not send to buyers");
		}
	}

	#about(contract: Uint8Array): Purchase | undefined {
		const known = this.#purchases.get(hex(contract));
		if (known === undefined)
			this.#steps.emit({ kind: "unknown", contract: copy(contract) });
		return known;
	}

	/** The contract that was last named as the one to ask behind. */
	#learnedUntil: Uint8Array | undefined;

	#learnAfter(after: Uint8Array | undefined): void {
		this.#learnedUntil = after;
		this.#toModule(message(ABOUT_PURCHASES.purchases, { after }));
	}

	#learned(bytes: Uint8Array): void {
		const [ask] = this.#learners;
		if (ask === undefined)
			throw unexpected("a purchase that was not asked for");
		const said = body(ABOUT_PURCHASES.purchase, bytes);
		const { key, receipt, chain, fee } = said;
		this.#steps.emit({
			kind: "learned",
			ask,
			learned: {
				purchase: {
					contract: parseContract(this.#options.crypto, said.document),
					chain: copy(said.sellerChain),
					issuerChain: new Uint8Array(),
					salt: copy(said.salt),
					description: copy(said.description),
					exporter: copy(said.exporter),
				},
				step: said.step,
				bought:
					key === undefined
						? undefined
						: {
								key: copy(key),
								receipt: copy(receipt),
								receiptChain: copy(chain),
								...(fee === undefined ? {} : { fee }),
							},
			},
		});
	}

	#learnedAll(last: Uint8Array | undefined): void {
		if (this.#learners.length === 0)
			throw unexpected("an end of purchases that were not asked for");
		const until = this.#learnedUntil;
		const isOver =
			last === undefined || (until !== undefined && sameBytes(last, until));
		if (!isOver) return this.#learnAfter(copy(last));
		for (const ask of this.#learners.splice(0))
			this.#answer(ask, { kind: "learned" });
	}

	// How it ends.

	#close(why: TetradError): void {
		if (this.#over !== undefined) return;
		this.#over = why;
		this.#errands.close(why);
		for (const purchase of this.#purchases.values()) purchase.closed(why);
		const local = new Set<number>();
		for (const purchase of this.#purchases.values())
			if (purchase.isLocal) local.add(purchase.ask);
		for (const ask of this.#asks) if (!local.has(ask)) this.#refuse(ask, why);
	}

	#endWhenOver(): void {
		if (this.#over === undefined || this.#steps.ended) return;
		if (this.#purchases.size === 0) this.#steps.end("peer");
	}

	#forgetPurchases(): void {
		for (const [id, purchase] of this.#purchases)
			if (purchase.isOver || (this.#over !== undefined && !purchase.isLocal))
				this.#purchases.delete(id);
	}

	#toModule(bytes: Uint8Array): void {
		if (this.#over === undefined)
			this.#steps.emit({ kind: "to-module", bytes });
	}

	#step(ask: number, step: BuyerStep): void {
		if (this.#asks.has(ask)) this.#steps.emit({ kind: "step", ask, step });
	}

	#answer(ask: number, answer: BuyerAnswer): void {
		if (this.#asks.delete(ask))
			this.#steps.emit({ kind: "answered", ask, answer });
	}

	#refuse(ask: number, error: TetradError): void {
		if (this.#asks.delete(ask))
			this.#steps.emit({ kind: "refused", ask, error });
	}
}

function tetradOver(): TetradError {
	return new TetradError("tetrad-closed", "the tetrad has been closed");
}
