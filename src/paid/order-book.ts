import type { RequestDesk } from "../device/service/index.ts";
import type {
	QuotedRequest,
	RequestOrder,
	RequestSeller,
} from "../device/trade/index.ts";
import { TetradError, unreachable } from "../errors.ts";
import { hex } from "../wire/index.ts";
import { PaysFirst } from "./admitted.ts";
import { Exchange } from "./exchange.ts";
import type { ItemNames } from "./item-name.ts";
import { MAX_QUOTES, MAX_QUOTES_OF_BUYER } from "./limits.ts";
import { untilGivenUp } from "./waiting.ts";

/** How orders and requests are bounded. */
export interface OrderLimits {
	/** How long one waits for the other, in milliseconds. */
	readonly meetWithinMs: number;
	readonly answerWithinMs: number;
	readonly settleWithinMs: number;
	/** Orders and requests that wait or are answered, in all and of one certified agent. */
	readonly maxOpen: number;
	readonly maxOpenOfBuyer: number;
}

type Meeting =
	/** It was not taken, and no request has named it. */
	| { readonly kind: "quoted" }
	/** The order is there, and waits for the request. */
	| {
			readonly kind: "order";
			readonly order: RequestOrder;
			readonly met: PromiseWithResolvers<Exchange>;
	  }
	/** The request is there, and waits for the order. */
	| { readonly kind: "request"; readonly met: PromiseWithResolvers<Exchange> }
	| { readonly kind: "met" }
	/** It was answered, or came to nothing after they had met: no other request gets it. */
	| { readonly kind: "over" };

interface Entry {
	readonly quote: QuotedRequest;
	/** Of the buyer's agent, in hexadecimal. */
	readonly buyer: string;
	meeting: Meeting;
}

/** Brings each order of a sealed answer together with the one request that it is for. */
export class OrderBook implements RequestSeller {
	readonly #desk: RequestDesk;
	readonly #names: ItemNames;
	readonly #limits: OrderLimits;
	readonly #closing: AbortSignal;
	/** Quotes, the oldest first, by id. */
	readonly #entries = new Map<string, Entry>();
	/** Ids of those of each buyer, the oldest first. */
	readonly #ofBuyer = new Map<string, Set<string>>();
	/** How many wait or are answered, of each buyer. */
	readonly #open = new Map<string, number>();
	#allOpen = 0;
	/** What is answered or not paid yet, by the id of its order. */
	readonly #exchanges = new Map<string, Exchange>();
	/** What the merchant's own side has cut. */
	readonly #cut = new WeakSet<RequestOrder>();

	constructor(
		desk: RequestDesk,
		names: ItemNames,
		limits: OrderLimits,
		closing: AbortSignal,
	) {
		this.#desk = desk;
		this.#names = names;
		this.#limits = limits;
		this.#closing = closing;
	}

	/** How many orders and requests wait, or are answered. */
	get open(): number {
		return this.#allOpen;
	}

	// The agent's side.

	price(
		item: string,
		order: string,
	): { readonly amount: bigint; readonly about: string } | undefined {
		const priced = this.#names.read(item, order);
		if (priced?.mode !== "sealed") return undefined;
		return {
			amount: priced.amount,
			about: "the answer to this request, sealed until it is paid",
		};
	}

	quoted(quote: QuotedRequest): void {
		const buyer = hex(quote.buyer.deviceId);
		const own = this.#ofBuyer.get(buyer) ?? new Set();
		this.#ofBuyer.set(buyer, own);
		own.add(quote.id);
		this.#entries.set(quote.id, { quote, buyer, meeting: { kind: "quoted" } });
		if (own.size > MAX_QUOTES_OF_BUYER) this.#forgetOldest(own);
		if (this.#entries.size > MAX_QUOTES)
			this.#forgetOldest(this.#entries.keys());
	}

	async answer(order: RequestOrder, signal: AbortSignal): Promise<Uint8Array> {
		const entry = this.#entryOf(order.quote);
		const { meeting, quote } = entry;
		// The machine has judged the offer; this is what it was made for.
		if (
			hex(order.buyer.deviceId) !== entry.buyer ||
			order.item !== quote.item ||
			order.order !== quote.order
		)
			throw new TetradError(
				"payment-refused",
				"that quote was made to another buyer, or for something else",
			);
		const met =
			meeting.kind === "request"
				? await this.#meet(entry, order, meeting.met)
				: await this.#waitForRequest(entry, order, signal);
		const gone = () => this.#gone(order, met);
		if (signal.aborted) gone();
		signal.addEventListener("abort", gone, { once: true });
		try {
			return await met.merchandise;
		} finally {
			signal.removeEventListener("abort", gone);
		}
	}

	sold(order: RequestOrder, contract: string): void {
		this.#exchanges.get(order.id)?.sold(contract);
	}

	left(order: RequestOrder): void {
		this.#exchanges
			.get(order.id)
			?.leave(
				new TetradError(
					"payment-refused",
					"the buyer has gone without paying for the answer",
				),
			);
	}

	cut(order: RequestOrder): void {
		this.#cut.add(order);
		this.#exchanges.get(order.id)?.cut(cutHere());
	}

	/** Nobody waits for what an order asked for. */
	#gone(order: RequestOrder, exchange: Exchange): void {
		if (this.#cut.has(order)) exchange.cut(cutHere());
		else
			exchange.leave(
				new TetradError("aborted", "the buyer does not wait any more"),
			);
	}

	// The side of requests.

	/**
	 * The exchange of a request with the order that it names. Rejects with `payment-refused` when
	 * the order is for another request, price or mode, or was answered before, or where its buyer has
	 * left others unpaid, which is `PaysFirst` where it can pay first;
	 * `offer-expired` for one that is not known; `timed-out` when it does not come in time, `busy` and
	 * `limit-exceeded` while too much is under way, and `aborted`.
	 */
	async admit(
		quote: string,
		item: string,
		request: string,
		signal: AbortSignal | undefined,
	): Promise<Exchange> {
		const entry = this.#entryOf(quote);
		if (entry.quote.item !== item || entry.quote.order !== request)
			throw new TetradError(
				"payment-refused",
				"this payment is for another request, another price or another mode; nothing was done for it",
			);
		const { meeting } = entry;
		switch (meeting.kind) {
			case "quoted":
				return this.#waitForOrder(entry, signal);
			case "order":
				return this.#meet(entry, meeting.order, meeting.met);
			case "request":
			case "met":
			case "over":
				throw new TetradError(
					"payment-refused",
					"this payment was used already: each is for one request",
				);
			default:
				return unreachable(meeting);
		}
	}

	async #waitForRequest(
		entry: Entry,
		order: RequestOrder,
		signal: AbortSignal,
	): Promise<Exchange> {
		switch (entry.meeting.kind) {
			case "quoted":
				break;
			case "over":
				throw new TetradError(
					"offer-expired",
					"this quote was taken before, and nothing was paid for it now; ask again without it",
				);
			case "order":
			case "request":
			case "met":
				throw new TetradError(
					"payment-refused",
					"this quote was taken already, and its answer is being made; nothing was paid for it now",
				);
			default:
				return unreachable(entry.meeting);
		}
		const met = this.#waiting(entry, (met) => ({ kind: "order", order, met }));
		return this.#until(
			entry,
			met,
			signal,
			"the request that is to be answered",
			(exchange) => this.#gone(order, exchange),
		);
	}

	#waitForOrder(
		entry: Entry,
		signal: AbortSignal | undefined,
	): Promise<Exchange> {
		const met = this.#waiting(entry, (met) => ({ kind: "request", met }));
		return this.#until(
			entry,
			met,
			signal,
			"the order that pays for it",
			(exchange) =>
				exchange.leave(
					new TetradError("aborted", "nobody waits for the answer any more"),
				),
		);
	}

	#waiting(
		entry: Entry,
		meeting: (met: PromiseWithResolvers<Exchange>) => Meeting,
	): PromiseWithResolvers<Exchange> {
		this.#requireRoom(entry.buyer);
		const met = Promise.withResolvers<Exchange>();
		met.promise.catch(() => {});
		this.#become(entry, meeting(met));
		return met;
	}

	/** Waits for the other of the two; who does not come in time may come again. */
	async #until(
		entry: Entry,
		met: PromiseWithResolvers<Exchange>,
		signal: AbortSignal | undefined,
		what: string,
		late: (exchange: Exchange) => void,
	): Promise<Exchange> {
		try {
			return await untilGivenUp(met.promise, this.#limits.meetWithinMs, what, [
				this.#closing,
				...(signal === undefined ? [] : [signal]),
			]);
		} catch (thrown) {
			const { meeting } = entry;
			if ("met" in meeting && meeting.met === met)
				this.#become(entry, { kind: "quoted" });
			// They met while this one was leaving.
			else void met.promise.then(late, () => {});
			throw thrown;
		}
	}

	/** Both are there: it is kept that work is begun, and nothing is done before. */
	async #meet(
		entry: Entry,
		order: RequestOrder,
		other: PromiseWithResolvers<Exchange>,
	): Promise<Exchange> {
		this.#become(entry, { kind: "met" });
		try {
			const begun = await this.#desk.records.begin(order);
			if (begun === "left") throw this.#whyNotSealed();
			if (begun === "open") throw tooMuchOpen();
			const { records } = this.#desk;
			const exchange = new Exchange(order, records, {
				...this.#limits,
				closing: this.#closing,
			});
			this.#exchanges.set(order.id, exchange);
			void exchange.over.then(() => {
				this.#exchanges.delete(order.id);
				this.#become(entry, { kind: "over" });
			});
			other.resolve(exchange);
			return exchange;
		} catch (thrown) {
			this.#become(entry, { kind: "over" });
			other.reject(thrown);
			throw thrown;
		}
	}

	/** What is sold for ecash is sold sealed or not at all, so that who has left some has no other way to pay. */
	#whyNotSealed(): TetradError {
		return this.#desk.terms.mint === undefined ? new PaysFirst() : hasLeft();
	}

	#requireRoom(buyer: string): void {
		if ((this.#open.get(buyer) ?? 0) >= this.#limits.maxOpenOfBuyer)
			throw tooMuchOpen();
		if (this.#allOpen >= this.#limits.maxOpen)
			throw new TetradError(
				"busy",
				"too many requests are answered at once; ask again later",
			);
	}

	#become(entry: Entry, meeting: Meeting): void {
		const change = Number(isOpen(meeting)) - Number(isOpen(entry.meeting));
		entry.meeting = meeting;
		if (change === 0) return;
		this.#allOpen += change;
		const open = (this.#open.get(entry.buyer) ?? 0) + change;
		if (open === 0) this.#open.delete(entry.buyer);
		else this.#open.set(entry.buyer, open);
	}

	#entryOf(quote: string): Entry {
		const entry = this.#entries.get(quote);
		if (entry === undefined)
			throw new TetradError(
				"offer-expired",
				"this payment is not known here, or not any more; ask again without one",
			);
		return entry;
	}

	/** Forgets the oldest quote of these that nobody waits for. */
	#forgetOldest(ids: Iterable<string>): void {
		for (const id of ids) {
			const entry = this.#entries.get(id);
			if (entry === undefined || isOpen(entry.meeting)) continue;
			this.#entries.delete(id);
			const own = this.#ofBuyer.get(entry.buyer);
			own?.delete(id);
			if (own?.size === 0) this.#ofBuyer.delete(entry.buyer);
			return;
		}
	}
}

function isOpen({ kind }: Meeting): boolean {
	return kind !== "quoted" && kind !== "over";
}

function cutHere(): TetradError {
	return new TetradError(
		"carrier-failed",
		"the merchant's own module or agent was cut off while this was answered; nothing is held against anybody",
	);
}

function hasLeft(): TetradError {
	return new TetradError(
		"payment-refused",
		"this buyer has left an answer unpaid, and is answered again once it is paid for, or a day is over",
	);
}

function tooMuchOpen(): TetradError {
	return new TetradError(
		"limit-exceeded",
		"this buyer has too many requests under way; ask again when one has ended",
	);
}
