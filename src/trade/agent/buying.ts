/*
 * A buyer's agent in one tetrad. What it wants of the merchant is an errand, one after another:
 *
 *   idle ─list, quote─▶ asking ─the answer─▶ idle
 *   idle ─take, fetch─▶ beginning ─merchandise─▶ making room ─begun─▶ receiving ⟳ ─the last chunk─▶ ─all kept─▶ idle
 *                           │                         │                   │    (and the contract, when it was taken)
 *                           └───────given up──────────┴───────────────────┴─▶ cancelling ─unavailable, or its end─▶ idle
 *
 * `unavailable` leads from everywhere to idle. A contract that is right makes a purchase
 * (purchase.ts), which goes on beside all others. When the tetrad is over, what needs none of it
 * is still brought to its end.
 */
import type { CryptoProvider } from "../../crypto/index.ts";
import { asTetradError, TetradError, unreachable } from "../../errors.ts";
import {
	type Ended,
	type Machine,
	Steps,
	unexpected,
} from "../../machine/index.ts";
import {
	body,
	message,
	type SaidRefusal,
	unpackMessages,
} from "../../money/documents/index.ts";
import { copy, hex, malformed, sameBytes } from "../../wire/index.ts";
import {
	ABOUT_PURCHASES,
	BETWEEN_AGENTS,
	CHUNK_BYTES,
	copyOffer,
	type Offer,
	parseContract,
	SEALING_BYTES,
} from "../documents/index.ts";
import {
	chunkCount,
	chunkLength,
	MerchandiseReceiver,
	type SealedChunk,
} from "../merchandise/index.ts";
import type {
	BoughtKey,
	BuyerAnswer,
	BuyerAsk,
	BuyerStep,
	BuyingEffect,
	BuyingEvent,
	GoodsEvent,
} from "./buying-events.ts";
import { checkContract, type ProvisionalPurchase } from "./contract-check.ts";
import { KEPT_AHEAD_CHUNKS, MAX_BUYER_ASKS } from "./limits.ts";
import { Purchase, type PurchasePort, saidError } from "./purchase.ts";
import type { TradeTetrad } from "./trade-tetrad.ts";

/** What a buyer's agent is made with. */
export interface BuyingOptions {
	readonly crypto: CryptoProvider;
	readonly tetrad: TradeTetrad;
}

type Errand =
	| Extract<BuyerAsk, { readonly kind: "list" | "quote" }>
	| { readonly kind: "take"; readonly ask: number; readonly offer: Offer }
	| {
			readonly kind: "fetch";
			readonly ask: number;
			readonly purchase: Purchase;
			readonly from: number;
	  };

/** What merchandise comes for. */
type Carrying = Extract<Errand, { readonly kind: "take" | "fetch" }>;

/** What was announced, and how far it has come. */
interface Coming {
	readonly errand: Carrying;
	readonly contractId: Uint8Array;
	readonly length: bigint;
	/** The chunk that comes next. */
	readonly next: number;
}

type SentContract = ReturnType<typeof BETWEEN_AGENTS.contract.body.decode>;

type Talk =
	| { readonly kind: "idle" }
	| {
			readonly kind: "asking";
			readonly errand: Extract<Errand, { readonly kind: "list" | "quote" }>;
	  }
	| { readonly kind: "beginning"; readonly errand: Carrying }
	| ({ readonly kind: "making-room" } & Coming)
	| ({
			readonly kind: "receiving";
			/** Of what is taken; what is fetched is judged when it is opened. */
			readonly receiver: MerchandiseReceiver | undefined;
			/** Chunks that are on their way to the disk. */
			readonly unkept: number;
			readonly signed: SentContract | undefined;
	  } & Coming)
	/** `end` is the chunk after which nothing follows, where that is known. */
	| {
			readonly kind: "cancelling";
			readonly errand: Carrying;
			readonly end: number | undefined;
	  };

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
	readonly #errands: Errand[] = [];
	/** By the contract's hash, in hexadecimal. */
	readonly #purchases = new Map<string, Purchase>();
	/** Whoever wants to learn of purchases: the first is told of them. */
	readonly #learners: number[] = [];
	#talk: Talk = { kind: "idle" };
	#isReceiving = false;
	/** Why the tetrad is over, when it is. */
	#over: TetradError | undefined;

	constructor(options: BuyingOptions) {
		this.#options = options;
		this.#port = {
			crypto: options.crypto,
			emit: (effect) => this.#steps.emit(effect),
			toModule: (bytes) => this.#toModule(bytes),
			fetchGoods: (purchase, from) => this.#fetchGoods(purchase, from),
			stopFetching: (purchase) => this.#stopFetching(purchase),
			step: (ask, step) => this.#step(ask, step),
			answer: (ask, answer) => this.#answer(ask, answer),
			refuse: (ask, error) => this.#refuse(ask, error),
		};
	}

	get deadline(): undefined {
		return undefined;
	}

	/** Purchases that go on, by their contracts' hashes: for whoever looks. */
	get purchases(): ReadonlyMap<string, Purchase> {
		return this.#purchases;
	}

	handle(event: BuyingEvent, now: number): readonly (BuyingEffect | Ended)[] {
		return this.#steps.run(() => {
			this.#handle(event, now);
			this.#forgetPurchases();
			this.#next();
			this.#receive();
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
				return this.#ask(event);
			case "give-up":
				return this.#giveUp(event.ask, event.error);
			case "begun":
			case "chunk-kept":
			case "kept":
			case "goods-opened":
			case "goods-wrong":
			case "goods-missing":
			case "concluded":
			case "not-done":
				return this.#happened(event, now);
			case "from-agent":
				this.#isReceiving = false;
				return this.#heard(() => this.#hear(event.bytes, now));
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
				this.#errands.push(event);
				return;
			case "buy":
				this.#errands.push({
					kind: "take",
					ask,
					offer: copyOffer(event.offer),
				});
				return;
			case "resume":
				return this.#resume(ask, event.purchase, event.isFinal);
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
		const at = this.#errands.findIndex((errand) => errand.ask === ask);
		if (at >= 0) this.#errands.splice(at, 1);
		const talk = this.#talk;
		if (talk.kind !== "idle" && talk.errand.ask === ask) {
			this.#cancel();
			if (talk.errand.kind === "take" && talk.kind !== "cancelling")
				this.#steps.emit({ kind: "drop-goods", ask });
		}
		this.#refuse(ask, error);
	}

	// Errands.

	/** Begins the next errand when the one before it is over. */
	#next(): void {
		if (this.#talk.kind !== "idle" || this.#over !== undefined) return;
		const errand = this.#errands.shift();
		if (errand === undefined) return;
		switch (errand.kind) {
			case "list": {
				const { after } = errand;
				this.#talk = { kind: "asking", errand };
				return this.#send(message(BETWEEN_AGENTS.list, { after }));
			}
			case "quote": {
				const { name, order } = errand;
				this.#talk = { kind: "asking", errand };
				return this.#send(message(BETWEEN_AGENTS.ask, { name, order }));
			}
			case "take":
				this.#talk = { kind: "beginning", errand };
				return this.#send(message(BETWEEN_AGENTS.take, errand.offer));
			case "fetch": {
				this.#talk = { kind: "beginning", errand };
				const { kept } = errand.purchase;
				const { exporter, salt, description } = kept;
				return this.#send(
					message(BETWEEN_AGENTS.fetch, {
						document: kept.contract.document,
						exporter,
						salt,
						description,
						from: errand.from,
					}),
				);
			}
			default:
				return unreachable(errand);
		}
	}

	/** The merchant is heard while it has something to say, and no faster than the disk takes it. */
	#receive(): void {
		const talk = this.#talk;
		if (this.#isReceiving || this.#over !== undefined) return;
		if (talk.kind === "idle" || talk.kind === "making-room") return;
		if (talk.kind === "receiving" && !wantsMore(talk)) return;
		this.#isReceiving = true;
		this.#steps.emit({ kind: "receive" });
	}

	#hear(bytes: Uint8Array, now: number): void {
		const talk = this.#talk;
		if (bytes[0] === BETWEEN_AGENTS.unavailable.type)
			return this.#unavailable(body(BETWEEN_AGENTS.unavailable, bytes));
		switch (talk.kind) {
			case "asking":
				return this.#hearAnswer(talk.errand, bytes);
			case "beginning":
				return this.#hearMerchandise(talk.errand, bytes);
			case "receiving":
				return this.#hearPart(talk, bytes, now);
			case "cancelling":
				return this.#hearRest(talk, bytes);
			case "idle":
			case "making-room":
				break;
			default:
				return unreachable(talk);
		}
		throw unexpected("a message of a merchant");
	}

	#unavailable(said: SaidRefusal): void {
		const talk = this.#talk;
		if (talk.kind === "idle") throw unexpected("a merchant's refusal");
		this.#talk = { kind: "idle" };
		if (talk.kind === "cancelling") return;
		this.#failed(talk.errand, saidError(said, "refused-by-peer"));
	}

	/** An errand came to nothing. */
	#failed(errand: Errand, error: TetradError): void {
		switch (errand.kind) {
			case "list":
			case "quote":
				return this.#refuse(errand.ask, error);
			case "take":
				this.#steps.emit({ kind: "drop-goods", ask: errand.ask });
				return this.#refuse(errand.ask, error);
			case "fetch":
				return errand.purchase.notFetched(error);
			default:
				return unreachable(errand);
		}
	}

	#hearAnswer(
		errand: Extract<Errand, { readonly kind: "list" | "quote" }>,
		bytes: Uint8Array,
	): void {
		this.#talk = { kind: "idle" };
		if (errand.kind === "list") {
			if (bytes[0] !== BETWEEN_AGENTS.items.type)
				throw malformed("this is not a page of a catalogue");
			const { items, isLast } = body(BETWEEN_AGENTS.items, bytes);
			if (items.length === 0 && !isLast)
				throw malformed("a page of a catalogue has nothing on it");
			const own = items.map((item) => ({ ...item, issuer: copy(item.issuer) }));
			return this.#answer(errand.ask, { kind: "page", items: own, isLast });
		}
		if (bytes[0] !== BETWEEN_AGENTS.offer.type)
			throw malformed("this is not an offer");
		const offer = copyOffer(body(BETWEEN_AGENTS.offer, bytes));
		const { name, order } = offer.description;
		if (name !== errand.name || order !== errand.order)
			throw malformed("this is an offer of something else");
		this.#answer(errand.ask, { kind: "offer", offer });
	}

	#hearMerchandise(errand: Carrying, bytes: Uint8Array): void {
		if (bytes[0] !== BETWEEN_AGENTS.merchandise.type)
			throw malformed("this is not the beginning of a merchandise");
		const { contractId, length } = body(BETWEEN_AGENTS.merchandise, bytes);
		const expected =
			errand.kind === "fetch"
				? errand.purchase.kept.contract.length
				: (errand.offer.length ?? length);
		if (length !== expected || chunkCount(length) === 0)
			throw malformed("a merchandise is longer or shorter than it is to be");
		const { ask } = errand;
		const next = errand.kind === "fetch" ? errand.from : 0;
		this.#talk = {
			kind: "making-room",
			errand,
			contractId: copy(contractId),
			length,
			next,
		};
		this.#steps.emit({ kind: "begin-goods", ask, length, from: next });
	}

	#hearPart(
		talk: Extract<Talk, { readonly kind: "receiving" }>,
		bytes: Uint8Array,
		now: number,
	): void {
		const { next, length, errand, receiver } = talk;
		if (next < chunkCount(length)) return this.#chunk(talk, bytes);
		if (errand.kind === "fetch" || receiver === undefined || talk.signed)
			throw unexpected("a message behind a merchandise");
		if (bytes[0] !== BETWEEN_AGENTS.contract.type)
			throw malformed("this is not a contract");
		const sent = body(BETWEEN_AGENTS.contract, bytes);
		const signed: SentContract = {
			document: copy(sent.document),
			salt: copy(sent.salt),
			issuerChain: copy(sent.issuerChain),
		};
		this.#talk = { ...talk, signed };
		this.#received(now);
	}

	#chunk(
		talk: Extract<Talk, { readonly kind: "receiving" }>,
		bytes: Uint8Array,
	): void {
		const { next, length, errand, receiver, unkept } = talk;
		if (bytes[0] !== BETWEEN_AGENTS.chunk.type)
			throw malformed("this is not a chunk of a merchandise");
		const chunk: SealedChunk = body(BETWEEN_AGENTS.chunk, bytes);
		if (
			chunk.index !== next ||
			chunk.sealed.length - SEALING_BYTES !== chunkLength(length, next)
		)
			throw malformed("this is not the next chunk of the merchandise");
		receiver?.take(chunk);
		const { ask } = errand;
		this.#talk = { ...talk, next: next + 1, unkept: unkept + 1 };
		this.#steps.emit({ kind: "keep-chunk", ask, chunk });
	}

	/** What still comes of an errand that was given up. */
	#hearRest(
		talk: Extract<Talk, { readonly kind: "cancelling" }>,
		bytes: Uint8Array,
	): void {
		const { errand, end } = talk;
		switch (bytes[0]) {
			case BETWEEN_AGENTS.merchandise.type: {
				const { length } = body(BETWEEN_AGENTS.merchandise, bytes);
				if (end !== undefined) break;
				this.#talk = { ...talk, end: chunkCount(length) };
				return;
			}
			case BETWEEN_AGENTS.chunk.type: {
				const { index } = body(BETWEEN_AGENTS.chunk, bytes);
				if (end === undefined) break;
				// Nothing follows the last chunk of what was fetched.
				if (errand.kind === "fetch" && index + 1 === end)
					this.#talk = { kind: "idle" };
				return;
			}
			case BETWEEN_AGENTS.contract.type:
				if (errand.kind !== "take") break;
				this.#talk = { kind: "idle" };
				return;
			default:
				break;
		}
		throw unexpected("a message of a merchant that was told to stop");
	}

	/** The errand under way is given up by whoever asked for it. */
	#cancel(): void {
		const talk = this.#talk;
		switch (talk.kind) {
			case "beginning":
				return this.#stop(talk.errand, undefined);
			case "making-room":
				return this.#stop(talk.errand, chunkCount(talk.length));
			case "receiving": {
				const { errand, length, next } = talk;
				const end = chunkCount(length);
				if (
					talk.signed === undefined &&
					!(errand.kind === "fetch" && next === end)
				)
					return this.#stop(errand, end);
				this.#talk = { kind: "idle" };
				return;
			}
			// A question is answered soon, and nobody hears it.
			case "asking":
			case "idle":
			case "cancelling":
				return;
			default:
				return unreachable(talk);
		}
	}

	#stop(errand: Carrying, end: number | undefined): void {
		this.#talk = { kind: "cancelling", errand, end };
		this.#send(message(BETWEEN_AGENTS.cancel, {}));
	}

	// What becomes of goods.

	#happened(event: GoodsEvent, now: number): void {
		const { ask } = event;
		const talk = this.#talk;
		if (
			(talk.kind === "making-room" || talk.kind === "receiving") &&
			talk.errand.ask === ask
		)
			return this.#coming(talk, event, now);
		for (const purchase of this.#purchases.values())
			if (purchase.ask === ask) return purchase.happened(event);
		// What was given up may still be told of what it has asked for.
	}

	#coming(
		talk: Extract<Talk, { readonly kind: "making-room" | "receiving" }>,
		event: GoodsEvent,
		now: number,
	): void {
		const { errand, contractId, length, next } = talk;
		const { crypto } = this.#options;
		if (event.kind === "not-done") {
			this.#cancel();
			return this.#failed(errand, event.error);
		}
		if (talk.kind === "making-room" && event.kind === "begun") {
			const receiver =
				errand.kind === "take"
					? new MerchandiseReceiver(crypto, contractId)
					: undefined;
			const coming = { errand, contractId, length, next };
			const nothing = { unkept: 0, signed: undefined };
			this.#talk = { kind: "receiving", ...coming, receiver, ...nothing };
			return;
		}
		if (talk.kind === "receiving" && event.kind === "chunk-kept") {
			if (talk.unkept === 0) throw unasked(event.kind);
			this.#talk = { ...talk, unkept: talk.unkept - 1 };
			const bytes = keptBytes(this.#talk);
			this.#step(errand.ask, { kind: "receiving", bytes, length });
			return this.#received(now);
		}
		throw unasked(event.kind);
	}

	/** Whether all is here, and what follows then. */
	#received(now: number): void {
		const talk = this.#talk;
		if (talk.kind !== "receiving" || talk.unkept > 0) return;
		const { errand, length, next, receiver, signed, contractId } = talk;
		if (next < chunkCount(length)) return;
		if (errand.kind === "fetch") {
			this.#talk = { kind: "idle" };
			return errand.purchase.fetched();
		}
		if (signed === undefined || receiver === undefined) return;
		this.#talk = { kind: "idle" };
		const { crypto, tetrad } = this.#options;
		const { ask, offer } = errand;
		try {
			const received = receiver.finish();
			const kept = checkContract(crypto, tetrad, signed, {
				offer,
				contractId,
				received,
				now,
			});
			const id = hex(kept.contract.hash);
			// The same contract twice would be one payment for two.
			if (this.#purchases.has(id))
				throw malformed("this contract was sent before");
			this.#purchases.set(id, Purchase.begin(this.#port, ask, kept, next));
		} catch (thrown) {
			this.#failed(errand, asTetradError(thrown));
		}
	}

	#fetchGoods(purchase: Purchase, from: number): boolean {
		const { other } = this.#options.tetrad;
		const { contract } = purchase.kept;
		if (
			this.#over !== undefined ||
			!sameBytes(contract.sellerAgent, other.agent.deviceId)
		)
			return false;
		this.#errands.push({ kind: "fetch", ask: purchase.ask, purchase, from });
		return true;
	}

	#stopFetching({ ask }: Purchase): number {
		const at = this.#errands.findIndex((errand) => errand.ask === ask);
		if (at >= 0) this.#errands.splice(at, 1);
		const talk = this.#talk;
		if (talk.kind === "idle" || talk.errand.ask !== ask) return 0;
		this.#cancel();
		if (talk.kind === "receiving") return talk.unkept;
		return talk.kind === "making-room" ? 1 : 0;
	}

	// What the module says.

	#hearModule(bytes: Uint8Array): void {
		switch (bytes[0]) {
			case ABOUT_PURCHASES.bought.type: {
				const { contract, key, receipt, chain } = body(
					ABOUT_PURCHASES.bought,
					bytes,
				);
				const bought: BoughtKey = { key, receipt, receiptChain: chain };
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
		const { key, receipt, chain } = said;
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
		const talk = this.#talk;
		this.#talk = { kind: "idle" };
		if (
			talk.kind === "beginning" ||
			talk.kind === "making-room" ||
			talk.kind === "receiving"
		)
			this.#failed(talk.errand, why);
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

	#send(bytes: Uint8Array): void {
		this.#steps.emit({ kind: "to-agent", bytes });
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

function wantsMore({
	errand,
	length,
	next,
	unkept,
	signed,
}: Extract<Talk, { readonly kind: "receiving" }>): boolean {
	if (next < chunkCount(length)) return unkept < KEPT_AHEAD_CHUNKS;
	return errand.kind === "take" && signed === undefined;
}

/** How many bytes of the merchandise are on the disk. */
function keptBytes({
	length,
	next,
	unkept,
}: Extract<Talk, { readonly kind: "receiving" }>): bigint {
	const kept = BigInt(next - unkept) * BigInt(CHUNK_BYTES);
	return kept < length ? kept : length;
}

function tetradOver(): TetradError {
	return new TetradError("tetrad-closed", "the tetrad has been closed");
}

/** A mistake of whoever runs the machine. */
function unasked(what: string): TetradError {
	return new TetradError("internal", `${what} came that was not asked for`);
}
