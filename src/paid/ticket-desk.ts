import type { RequestDesk } from "../device/service/index.ts";
import type { RequestOrder, TicketRow } from "../device/trade/index.ts";
import { TetradError, unreachable } from "../errors.ts";
import { nameInDeviceId } from "../money/index.ts";
import { copy, hex } from "../wire/index.ts";
import { type Admitted, NotAnswered, type PaidBuyer } from "./admitted.ts";
import { ItemNames, type Priced } from "./item-name.ts";

/** How a ticket is written. */
export const TICKET: RegExp = /^[0-9a-f]{64}$/;

/** How answers to tickets are bounded. */
export interface TicketLimits {
	/** One answer, in bytes. */
	readonly maxAnswerBytes: number;
	/** How long one may take, in milliseconds. */
	readonly answerWithinMs: number;
}

/** Sells tickets for requests that are paid first, and answers each of these once. */
export class TicketDesk {
	readonly #desk: RequestDesk;
	readonly #names: ItemNames;
	readonly #limits: TicketLimits;
	readonly #closing: AbortSignal;

	constructor(
		desk: RequestDesk,
		names: ItemNames,
		limits: TicketLimits,
		closing: AbortSignal,
	) {
		this.#desk = desk;
		this.#names = names;
		this.#limits = limits;
		this.#closing = closing;
	}

	price(
		item: string,
		order: string,
	): { readonly amount: bigint; readonly about: string } | undefined {
		const priced = this.#names.read(item, order);
		if (priced?.mode !== "prepaid") return undefined;
		return {
			amount: priced.amount,
			about:
				"a ticket for this request, which is paid before it is answered: what is paid may have no answer, and is owed back then",
		};
	}

	async answer(order: RequestOrder): Promise<Uint8Array> {
		const priced = ItemNames.priceOf(order.item);
		if (priced === undefined)
			throw new TetradError("internal", "a ticket was ordered without a price");
		return this.#desk.records.makeTicket(order, priced.amount);
	}

	/** Lets the request of a ticket be answered, or says what was answered. Rejects as `PaidRequests.admit`. */
	async admit(
		id: string,
		request: string,
		{ amount }: Priced,
	): Promise<Admitted> {
		if (!TICKET.test(id))
			throw new TetradError("malformed", "that is no ticket");
		const { records } = this.#desk;
		const use = await records.useTicket(
			new Uint8Array(Buffer.from(id, "hex")),
			({ wanted }) => wanted === request,
		);
		switch (use.kind) {
			case "unknown":
				throw new TetradError(
					"offer-expired",
					"this ticket is for another request, or is none, or was forgotten; nothing was done for it",
				);
			case "begun":
				if (ItemNames.priceOf(use.ticket.item)?.amount === amount)
					return this.#admitted(use.ticket);
				// It costs something else by now: nothing is done for it, and what was paid is owed back.
				await records.failed(use.ticket);
				throw new NotAnswered(false);
			case "used":
				return this.#used(use.ticket);
			default:
				return unreachable(use);
		}
	}

	#used(ticket: TicketRow): Admitted {
		switch (ticket.state) {
			case "answered":
				return again(ticket);
			case "begun":
				throw new TetradError(
					"busy",
					"the request of this ticket is being answered; ask again for its answer",
				);
			default:
				throw new NotAnswered(ticket.state === "refunded");
		}
	}

	/** It is paid: an answer is made and kept whether or not anybody waits for it. */
	#admitted(ticket: TicketRow): Admitted {
		const { records } = this.#desk;
		const { maxAnswerBytes, answerWithinMs } = this.#limits;
		const buyer = buyerOf(ticket);
		const late = new AbortController();
		const closing = this.#closing;
		let isOver = false;
		/** Whether it was not over yet. */
		const end = () => {
			clearTimeout(timer);
			closing.removeEventListener("abort", end);
			const was = isOver;
			isOver = true;
			return !was;
		};
		const fail = async () => {
			if (!end()) return;
			late.abort();
			await records.failed(ticket);
		};
		const timer = setTimeout(() => void fail().catch(() => {}), answerWithinMs);
		// What is cut so has failed when the merchant sells again.
		closing.addEventListener("abort", end, { once: true });
		return {
			buyer,
			signal: AbortSignal.any([late.signal, closing]),
			async answer(bytes) {
				if (bytes.length > maxAnswerBytes) {
					await fail();
					throw tooLong(maxAnswerBytes);
				}
				if (!end()) throw new NotAnswered(false);
				await records.answered(ticket, copy(bytes));
				return { contract: hex(ticket.contract) };
			},
			fail,
		};
	}
}

/** What was answered is answered again. */
function again(ticket: TicketRow): Admitted {
	const contract = hex(ticket.contract);
	return {
		buyer: buyerOf(ticket),
		kept: ticket.answer,
		signal: new AbortController().signal,
		answer: async () => ({ contract }),
		fail: async () => {},
	};
}

function buyerOf({ buyer }: TicketRow): PaidBuyer {
	return { name: nameInDeviceId(buyer), id: hex(buyer) };
}

function tooLong(most: number): TetradError {
	return new TetradError(
		"limit-exceeded",
		`the answer is longer than ${most} bytes; what was paid for it is owed back`,
	);
}
