/*
 * What a buyer's agent wants of the merchant's in one tetrad: errands, one after another.
 *
 *   idle ─list, quote, where─▶ asking ─the answer─▶ idle
 *   idle ─take, fetch─▶ beginning ─merchandise─▶ making room ─begun─▶ receiving ⟳ ─the last chunk─▶ ─all kept─▶ idle
 *                           │                         │                   │    (and the contract, when it was taken)
 *                           └───────given up──────────┴───────────────────┴─▶ cancelling ─unavailable, or its end─▶ idle
 *
 * `unavailable` leads from everywhere to idle. A contract that is right makes a purchase, and whoever
 * has the errands is told of it.
 */
import type { CryptoProvider } from "../../crypto/index.ts";
import { asTetradError, TetradError, unreachable } from "../../errors.ts";
import { unexpected } from "../../machine/index.ts";
import {
	body,
	message,
	type SaidRefusal,
} from "../../money/documents/index.ts";
import { copy, hex, malformed } from "../../wire/index.ts";
import {
	BETWEEN_AGENTS,
	CHUNK_BYTES,
	copyOffer,
	isConsistent,
	type Listing,
	type Offer,
	type RailName,
	railOfPrice,
	SEALING_BYTES,
} from "../documents/index.ts";
import {
	chunkCount,
	chunkLength,
	MerchandiseReceiver,
	type SealedChunk,
} from "../merchandise/index.ts";
import type {
	BuyerAnswer,
	BuyerAsk,
	BuyerStep,
	BuyingEffect,
	GoodsEvent,
} from "./buying-events.ts";
import { checkContract, type ProvisionalPurchase } from "./contract-check.ts";
import { KEPT_AHEAD_CHUNKS } from "./limits.ts";
import { type Purchase, saidError } from "./purchase.ts";
import type { TradeTetrad } from "./trade-tetrad.ts";

/** What errands need of whoever has them. */
export interface ErrandPort {
	readonly crypto: CryptoProvider;
	readonly tetrad: TradeTetrad;
	/** Whether the tetrad is over. */
	readonly isOver: boolean;
	emit(effect: BuyingEffect): void;
	step(ask: number, step: BuyerStep): void;
	answer(ask: number, answer: BuyerAnswer): void;
	refuse(ask: number, error: TetradError): void;
	/** What was taken is here, so many chunks, and its contract is right. Throws `malformed` for a contract that was sent before. */
	purchased(
		errand: TakeErrand,
		kept: ProvisionalPurchase,
		chunks: number,
	): void;
}

/** What has one answer, in one message. */
type Question = Extract<
	BuyerAsk,
	{ readonly kind: "list" | "quote" | "where" }
>;

/** One thing that is wanted of the merchant. */
export type Errand =
	| Question
	| {
			readonly kind: "take";
			readonly ask: number;
			readonly offer: Offer;
			readonly askOwner: boolean;
			readonly mostFee: bigint | undefined;
	  }
	| {
			readonly kind: "fetch";
			readonly ask: number;
			readonly purchase: Purchase;
			readonly from: number;
	  };

export type TakeErrand = Extract<Errand, { readonly kind: "take" }>;

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
			readonly errand: Question;
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

/** The errands of a buyer's agent, and the talk with the merchant's that carries them. */
export class Errands {
	readonly #port: ErrandPort;
	readonly #waiting: Errand[] = [];
	#talk: Talk = { kind: "idle" };
	#isReceiving = false;

	constructor(port: ErrandPort) {
		this.#port = port;
	}

	add(errand: Errand): void {
		this.#waiting.push(errand);
	}

	/** Begins the next errand when the one before it is over. */
	next(): void {
		if (this.#talk.kind !== "idle" || this.#port.isOver) return;
		const errand = this.#waiting.shift();
		if (errand === undefined) return;
		switch (errand.kind) {
			case "list": {
				const { after, rails } = errand;
				this.#talk = { kind: "asking", errand };
				return this.#send(message(BETWEEN_AGENTS.list, { after, rails }));
			}
			case "quote": {
				const { name, order, rails } = errand;
				this.#talk = { kind: "asking", errand };
				return this.#send(message(BETWEEN_AGENTS.ask, { name, order, rails }));
			}
			case "where": {
				const { module } = errand;
				this.#talk = { kind: "asking", errand };
				return this.#send(message(BETWEEN_AGENTS.where, { module }));
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

	/** What was asked for has come, and is about to be heard. */
	receives(): void {
		this.#isReceiving = false;
	}

	/** The merchant is heard while it has something to say, and no faster than the disk takes it. */
	receive(): void {
		const talk = this.#talk;
		if (this.#isReceiving || this.#port.isOver) return;
		if (talk.kind === "idle" || talk.kind === "making-room") return;
		if (talk.kind === "receiving" && !wantsMore(talk)) return;
		this.#isReceiving = true;
		this.#port.emit({ kind: "receive" });
	}

	hear(bytes: Uint8Array, now: number): void {
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
			case "where":
				return this.#port.refuse(errand.ask, error);
			case "take":
				this.#port.emit({ kind: "drop-goods", ask: errand.ask });
				return this.#port.refuse(errand.ask, error);
			case "fetch":
				return errand.purchase.notFetched(error);
			default:
				return unreachable(errand);
		}
	}

	#hearAnswer(errand: Question, bytes: Uint8Array): void {
		this.#talk = { kind: "idle" };
		if (errand.kind === "where") {
			if (bytes[0] !== BETWEEN_AGENTS.there.type)
				throw malformed("this does not say where a module is met");
			const { port } = body(BETWEEN_AGENTS.there, bytes);
			if (port === 0) throw malformed("a module is met at no port");
			return this.#port.answer(errand.ask, { kind: "there", port });
		}
		if (errand.kind === "list") {
			if (bytes[0] !== BETWEEN_AGENTS.items.type)
				throw malformed("this is not a page of a catalogue");
			const { items, isLast } = body(BETWEEN_AGENTS.items, bytes);
			if (items.length === 0 && !isLast)
				throw malformed("a page of a catalogue has nothing on it");
			for (const item of items) this.#requireWanted(item, errand.rails);
			const own = items.map((item) => ({ ...item, issuer: copy(item.issuer) }));
			return this.#port.answer(errand.ask, {
				kind: "page",
				items: own,
				isLast,
			});
		}
		const offers = offersIn(bytes, errand.rails);
		for (const offer of offers) {
			const { name, order } = offer.description;
			if (name !== errand.name || order !== errand.order)
				throw malformed("this is an offer of something else");
			this.#requireWanted(offer, errand.rails);
		}
		const [offer, ...others] = offers;
		if (offer === undefined) throw malformed("there is no offer in this");
		this.#port.answer(errand.ask, { kind: "offer", offer, others });
	}

	/** What is priced in money that was not asked for, or in ecash of another mint or unit than it says, misleads whoever reads it. */
	#requireWanted(
		listing: Listing,
		rails: readonly RailName[] | undefined,
	): void {
		if (!(rails ?? NOTES).includes(railOfPrice(listing)))
			throw malformed("this is a price in money that was not asked for");
		if (!isConsistent(this.#port.crypto, listing))
			throw malformed(
				"this is a price in ecash of another mint or unit than it says",
			);
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
		this.#port.emit({ kind: "begin-goods", ask, length, from: next });
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
		this.#port.emit({ kind: "keep-chunk", ask, chunk });
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

	/** Whoever asked for it needs it no more. */
	giveUp(ask: number): void {
		const at = this.#waiting.findIndex((errand) => errand.ask === ask);
		if (at >= 0) this.#waiting.splice(at, 1);
		const talk = this.#talk;
		if (talk.kind === "idle" || talk.errand.ask !== ask) return;
		this.#cancel();
		if (talk.errand.kind === "take" && talk.kind !== "cancelling")
			this.#port.emit({ kind: "drop-goods", ask });
	}

	/** Fetches no more for a purchase. Returns how many answers of the disk are still due. */
	stopFetching(ask: number): number {
		const at = this.#waiting.findIndex((errand) => errand.ask === ask);
		if (at >= 0) this.#waiting.splice(at, 1);
		const talk = this.#talk;
		if (talk.kind === "idle" || talk.errand.ask !== ask) return 0;
		this.#cancel();
		if (talk.kind === "receiving") return talk.unkept;
		return talk.kind === "making-room" ? 1 : 0;
	}

	/** What became of goods that come. Returns whether it was about them. */
	happened(event: GoodsEvent, now: number): boolean {
		const talk = this.#talk;
		if (
			(talk.kind !== "making-room" && talk.kind !== "receiving") ||
			talk.errand.ask !== event.ask
		)
			return false;
		this.#coming(talk, event, now);
		return true;
	}

	#coming(
		talk: Extract<Talk, { readonly kind: "making-room" | "receiving" }>,
		event: GoodsEvent,
		now: number,
	): void {
		const { errand, contractId, length, next } = talk;
		const { crypto } = this.#port;
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
			this.#port.step(errand.ask, { kind: "receiving", bytes, length });
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
		const { crypto, tetrad } = this.#port;
		const { offer } = errand;
		try {
			const received = receiver.finish();
			const kept = checkContract(crypto, tetrad, signed, {
				offer,
				contractId,
				received,
				now,
			});
			this.#port.purchased(errand, kept, next);
		} catch (thrown) {
			this.#failed(errand, asTetradError(thrown));
		}
	}

	/** The tetrad is over: what has begun comes to nothing. */
	close(why: TetradError): void {
		const talk = this.#talk;
		this.#talk = { kind: "idle" };
		if (
			talk.kind === "beginning" ||
			talk.kind === "making-room" ||
			talk.kind === "receiving"
		)
			this.#failed(talk.errand, why);
	}

	#send(bytes: Uint8Array): void {
		this.#port.emit({ kind: "to-agent", bytes });
	}
}

/** What a program asks for that names no rails. */
const NOTES: readonly RailName[] = ["own-notes"];

/** Whoever asks for several kinds of money is answered by several offers, and nobody else is. */
function offersIn(
	bytes: Uint8Array,
	rails: readonly RailName[] | undefined,
): readonly Offer[] {
	const expected =
		rails === undefined ? BETWEEN_AGENTS.offer : BETWEEN_AGENTS.offers;
	if (bytes[0] !== expected.type) throw malformed("this is not an offer");
	const offers =
		rails === undefined
			? [body(BETWEEN_AGENTS.offer, bytes)]
			: body(BETWEEN_AGENTS.offers, bytes).offers;
	const own = offers.map(copyOffer);
	const moneys = new Set(own.map(({ issuer }) => hex(issuer)));
	const ids = new Set(own.map(({ id }) => hex(id)));
	if (moneys.size < own.length || ids.size < own.length)
		throw malformed("two offers are in the same money, or are one");
	return own;
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

/** A mistake of whoever runs the machine. */
function unasked(what: string): TetradError {
	return new TetradError("internal", `${what} came that was not asked for`);
}
