import { formatAddress, parseAddress } from "../carrier/index.ts";
import type {
	AgentService,
	AskOptions,
	RequestDesk,
	Ware,
} from "../device/service/index.ts";
import type { RequestSeller } from "../device/trade/index.ts";
import { asTetradError, TetradError } from "../errors.ts";
import { copy, hex } from "../wire/index.ts";
import type { Admitted } from "./admitted.ts";
import type { Exchange } from "./exchange.ts";
import { ItemNames, type Priced } from "./item-name.ts";
import {
	ANSWER_WITHIN_MS,
	MAX_ANSWER_BYTES,
	MAX_KEPT_ANSWER_BYTES,
	MAX_OPEN,
	MAX_OPEN_OF_BUYER,
	MEET_WITHIN_MS,
	SELLS_WITHIN_MS,
	SETTLE_WITHIN_MS,
} from "./limits.ts";
import { OrderBook, type OrderLimits } from "./order-book.ts";
import type { PaidTerms } from "./terms.ts";
import { TICKET, TicketDesk } from "./ticket-desk.ts";
import { untilGivenUp } from "./waiting.ts";

/** How a merchant is paid for answers to requests. */
export interface PaidRequestsOptions
	extends Partial<OrderLimits>,
		Pick<AskOptions, "step"> {
	/** Where buyers' agents come; what the side says unless given. */
	readonly listen?: string | undefined;
	/** Where they are told to come; where the agent listens unless given. */
	readonly address?: string | undefined;
	/** What answers are sold as; "request" unless given. */
	readonly item?: string | undefined;
	/** What the same agent sells beside. */
	readonly beside?: Ware | undefined;
	/** One answer, in bytes. */
	readonly maxAnswerBytes?: number | undefined;
}

/** What all terms of a merchant have in common. */
export type Payee = Omit<PaidTerms, "mode" | "amount" | "item" | "request">;

/** The price of one route, tool or request. */
export type RequestPrice = Priced;

/**
 * What a merchant's agent is paid for answers with. It sells them in this process, as long as this is
 * open, and each is sold for one request.
 */
export class PaidRequests implements AsyncDisposable {
	/** Resolves when it sells no more, and rejects with why it cannot any more. */
	readonly over: Promise<void>;
	readonly #desk: RequestDesk;
	readonly #book: OrderBook;
	readonly #tickets: TicketDesk;
	readonly #names: ItemNames;
	/** Where buyers' agents are told to come. */
	readonly address: string;
	readonly #maxAnswerBytes: number;
	readonly #closing: AbortSignal;
	readonly #leave: () => Promise<void>;
	#isClosed = false;

	private constructor(selling: Selling, leave: () => Promise<void>) {
		this.#desk = selling.desk;
		this.#book = selling.book;
		this.#tickets = selling.tickets;
		this.#names = selling.names;
		this.address = selling.address;
		this.over = selling.over;
		this.#closing = selling.closing;
		this.#maxAnswerBytes = selling.maxAnswerBytes;
		this.#leave = leave;
	}

	/**
	 * Begins to sell, and resolves when the issuer was met, or could not be. Opened again for an agent that is open so, by another part of the same program,
	 * it sells with that: it takes no options then but `step`, which hears nothing, and goes on until each of them is
	 * closed. Rejects as `AgentService.sell` does: with `busy` where the agent sells already, or runs in
	 * another process.
	 */
	static async open(
		agent: AgentService,
		options: PaidRequestsOptions = {},
	): Promise<PaidRequests> {
		const known = shared.get(agent);
		if (known !== undefined && saysHow(options))
			throw new TetradError(
				"busy",
				"this agent sells answers already: say how where that is opened first",
			);
		const stop = known?.stop ?? new AbortController();
		const one = known ?? {
			stop,
			selling: beginSelling(agent, options, stop),
			users: 0,
		};
		shared.set(agent, one);
		one.users++;
		const leave = async () => {
			if (--one.users > 0) return;
			if (shared.get(agent) === one) shared.delete(agent);
			stop.abort();
			await one.selling.then(({ over }) => over).catch(() => {});
		};
		try {
			const selling = await one.selling;
			// What has failed is begun anew by who opens it again.
			const forget = () => {
				if (shared.get(agent) === one) shared.delete(agent);
			};
			selling.over.then(forget, forget);
			return new PaidRequests(selling, leave);
		} catch (thrown) {
			await leave();
			throw thrown;
		}
	}

	/** What a request is told that is not paid. Throws `invalid-argument` for a price that is none. */
	terms(request: string, price: RequestPrice): PaidTerms {
		const item = this.#names.of(request, price);
		const { mode, amount } = price;
		if (mode === "prepaid" && this.#desk.terms.mint !== undefined)
			throw new TetradError(
				"invalid-argument",
				"what is paid first has to be given back when it is not answered, and that is done in notes alone: sell it sealed, or for notes",
			);
		return { ...this.payee, mode, amount, item, request };
	}

	/** Who is paid, and in whose money. */
	get payee(): Payee {
		const { agent, module, terms } = this.#desk;
		return {
			address: this.address,
			agent,
			module,
			currency: terms.currency.code,
			exponent: terms.currency.exponent,
			play: terms.isPlay,
			issuer: terms.name,
		};
	}

	/**
	 * Lets a request be answered that says how it is paid: `id` is what its buyer has sent with it, and
	 * `request` and `price` are what it really asks for and what that costs. Rejects, and nothing is to be
	 * done then, with `malformed` for what is no such id; `payment-refused` when it pays for another
	 * request, price or mode, or was used before; `PaysFirst`, which is one of these, for a buyer who
	 * has to pay first, or `NotAnswered` for a ticket whose request has failed; `offer-expired` for what is not known here; `timed-out`, `busy`, `limit-exceeded`
	 * and `aborted`.
	 */
	async admit(
		id: string,
		request: string,
		price: RequestPrice,
		signal?: AbortSignal,
	): Promise<Admitted> {
		if (this.#isClosed || this.#closing.aborted)
			throw new TetradError("tetrad-closed", "nothing is sold here any more");
		const item = this.#names.of(request, price);
		// Who has a ticket has paid, though it was told since that it need not pay first.
		if (price.mode === "prepaid" || TICKET.test(id))
			return this.#tickets.admit(id, request, price);
		if (!/^[0-9a-f]{32}$/.test(id))
			throw new TetradError("malformed", "that names no payment");
		const exchange = await this.#book.admit(id, item, request, signal);
		return this.#sealed(exchange);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		if (this.#isClosed) return;
		this.#isClosed = true;
		await this.#leave();
	}

	#sealed(exchange: Exchange): Admitted {
		const most = this.#maxAnswerBytes;
		const { name, deviceId } = exchange.order.buyer;
		return {
			buyer: { name, id: hex(deviceId) },
			signal: exchange.signal,
			async answer(bytes) {
				if (bytes.length > most) {
					exchange.fail(tooLong(most));
					await exchange.over;
					throw tooLong(most);
				}
				exchange.answer(copy(bytes));
				return { contract: await exchange.paid };
			},
			async fail(error) {
				exchange.fail(sayable(error));
				await exchange.over;
			},
		};
	}
}

/** What an agent sells answers with. */
interface Selling {
	readonly desk: RequestDesk;
	readonly book: OrderBook;
	readonly tickets: TicketDesk;
	readonly names: ItemNames;
	readonly address: string;
	readonly over: Promise<void>;
	readonly closing: AbortSignal;
	readonly maxAnswerBytes: number;
}

/** The same, and how many parts of the program it is open for. */
interface Shared {
	readonly selling: Promise<Selling>;
	readonly stop: AbortController;
	users: number;
}

const shared = new WeakMap<AgentService, Shared>();

/** Whether options are about more than who hears of it. */
function saysHow({ step: _, ...options }: PaidRequestsOptions): boolean {
	const { listen, address, item, beside, maxAnswerBytes } = options;
	const { meetWithinMs, answerWithinMs, settleWithinMs } = options;
	const { maxOpen, maxOpenOfBuyer } = options;
	return [
		...[listen, address, item, beside, maxAnswerBytes, meetWithinMs],
		...[answerWithinMs, settleWithinMs, maxOpen, maxOpenOfBuyer],
	].some((said) => said !== undefined);
}

/** Sells answers until `stop`, which aborts as well when it cannot go on. */
async function beginSelling(
	agent: AgentService,
	options: PaidRequestsOptions,
	stop: AbortController,
): Promise<Selling> {
	const { listen, beside, item = "request", step } = options;
	const { maxAnswerBytes = MAX_ANSWER_BYTES } = options;
	const names = new ItemNames(item);
	const limits = {
		meetWithinMs: options.meetWithinMs ?? MEET_WITHIN_MS,
		answerWithinMs: options.answerWithinMs ?? ANSWER_WITHIN_MS,
		settleWithinMs: options.settleWithinMs ?? SETTLE_WITHIN_MS,
		maxOpen: options.maxOpen ?? MAX_OPEN,
		maxOpenOfBuyer: options.maxOpenOfBuyer ?? MAX_OPEN_OF_BUYER,
	};
	const ofTickets = {
		maxAnswerBytes: Math.min(maxAnswerBytes, MAX_KEPT_ANSWER_BYTES),
		answerWithinMs: limits.answerWithinMs,
	};
	const closing = stop.signal;
	const ready =
		Promise.withResolvers<Pick<Selling, "desk" | "book" | "tickets">>();
	const listening = Promise.withResolvers<string>();
	const met = Promise.withResolvers<void>();
	const over = agent.sell({
		requests: (desk) => {
			const book = new OrderBook(desk, names, limits, closing);
			const tickets = new TicketDesk(desk, names, ofTickets, closing);
			ready.resolve({ desk, book, tickets });
			return sellerOf(book, tickets);
		},
		beside,
		listen,
		signal: closing,
		step: (event) => {
			if (event.event === "listening" && event.module === undefined)
				listening.resolve(event.address);
			if (event.event === "settled" || event.event === "refused") met.resolve();
			step?.(event);
		},
	});
	over.catch((thrown: unknown) => {
		ready.reject(thrown);
		listening.reject(thrown);
		// Whoever waits for an order or a request waits in vain.
		stop.abort();
	});
	listening.promise.catch(() => {});
	const parts = await ready.promise;
	const here = await listening.promise;
	// A module sells with what its issuer has given it: no buyer is to come before that.
	await untilGivenUp(met.promise, SELLS_WITHIN_MS, "the issuer", [
		closing,
	]).catch(() => {});
	const address = atPort(options.address ?? here, parts.desk.port);
	return { ...parts, names, address, over, closing, maxAnswerBytes };
}

/** Of several modules one is paid for requests, and whoever pays meets the agent with that one. */
function atPort(address: string, port: number | undefined): string {
	const at = parseAddress(address);
	return port === undefined || at.kind !== "tcp"
		? address
		: formatAddress({ ...at, port });
}

/** Each item says which of the two it is of. */
function sellerOf(book: OrderBook, tickets: TicketDesk): RequestSeller {
	const isTicket = ({ item }: { readonly item: string }) =>
		ItemNames.priceOf(item)?.mode === "prepaid";
	return {
		price: (item, order) =>
			book.price(item, order) ?? tickets.price(item, order),
		quoted(quote) {
			if (!isTicket(quote)) book.quoted(quote);
		},
		answer: (order, signal) =>
			isTicket(order) ? tickets.answer(order) : book.answer(order, signal),
		sold: (order, contract) => book.sold(order, contract),
		left: (order) => book.left(order),
		cut: (order) => book.cut(order),
	};
}

/** What a buyer may hear of why there is no answer. */
function sayable(thrown: unknown): TetradError {
	const error = asTetradError(thrown);
	return error.family === "peer"
		? error
		: new TetradError(
				"payment-refused",
				"the request was not answered, and nothing is paid",
				{ cause: thrown },
			);
}

function tooLong(most: number): TetradError {
	return new TetradError(
		"limit-exceeded",
		`the answer is longer than ${most} bytes`,
	);
}
