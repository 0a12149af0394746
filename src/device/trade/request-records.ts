import { nodeCrypto } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import type { CertifiedDevice } from "../../identity/index.ts";
import { MAX_READ_ROWS } from "../../machine/index.ts";
import { formatAmount } from "../../money/index.ts";
import {
	type Contract,
	refundContract,
	refundText,
} from "../../trade/documents/index.ts";
import {
	answerTicket,
	beginTicket,
	beginWork,
	contractAnswer,
	cutTickets,
	dropWork,
	failTicket,
	forgetTickets,
	forgetWorks,
	hasAnswer,
	leaveWork,
	makeTicket,
	oweRest,
	paidModule,
	payRefund,
	type RefundGiver,
	readOwedTickets,
	readSale,
	readTicket,
	refundTicket,
	type SaleRow,
	sellAnswer,
	type TicketRow,
	type TicketUse,
	type WorkBegun,
} from "../../trade/records/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import type { AgentStore } from "../purse/index.ts";
import {
	FORGET_EVERY_MS,
	KEPT_ANSWER_MS,
	LEFT_FORGOTTEN_MS,
	MADE_FORGOTTEN_MS,
	MAX_LEFT_WORKS,
	MAX_OPEN_WORKS,
	MAX_REFUNDED_AT_ONCE,
	MAX_REFUNDED_IN_TURN,
	MAX_TOLD_UNPAID,
	MAX_UNPAID_TICKETS,
	TICKET_BYTES,
	WORK_OPEN_MS,
} from "./limits.ts";
import type { RequestOrder } from "./request-seller.ts";
import type { OwedRefund, ShopSale } from "./shop.ts";
import { paidOver, type ShopMoney } from "./shop-money.ts";

/** What a merchant's agent keeps of answers to requests: what was begun and is not paid, and what was paid first. */
export class RequestRecords {
	readonly #store: AgentStore;
	readonly #now: () => number;
	/** Of the money that is taken. */
	readonly #terms: ShopMoney;
	/** Device ids of the agent's modules. */
	readonly #modules: () => readonly Uint8Array[];
	/** When what is too old was last taken away. */
	#forgotten = 0;
	/** How many of a buyer's tickets that have failed were gone through with a module: the others are next. */
	readonly #passed = new Map<string, number>();
	/** Which refunds were said to be unpaid, and why: the oldest first. */
	readonly #told = new Set<string>();

	private constructor(
		store: AgentStore,
		now: () => number,
		terms: ShopMoney,
		modules: () => readonly Uint8Array[],
	) {
		this.#store = store;
		this.#now = now;
		this.#terms = terms;
		this.#modules = modules;
	}

	/** Those of an agent's store, which no other process has. What is too old to count goes, and what the end of the last process has cut has failed. */
	static async open(
		store: AgentStore,
		now: () => number,
		terms: ShopMoney,
		modules: () => readonly Uint8Array[],
	): Promise<RequestRecords> {
		const records = new RequestRecords(store, now, terms, modules);
		await records.forget();
		while ((await store.transact(cutTickets(BigInt(now())))) > 0);
		return records;
	}

	/** Keeps, before it is done, that work is done for an order; or says why it is not to be done. */
	begin({ id, buyer }: RequestOrder): Promise<WorkBegun> {
		const now = this.#now();
		this.#forgetAtTimes(now);
		const work = {
			id: fromHex(id),
			buyer: buyer.deviceId,
			time: BigInt(now),
		};
		return this.#store.transact(
			beginWork(work, {
				open: MAX_OPEN_WORKS,
				left: MAX_LEFT_WORKS,
				openSince: BigInt(now - WORK_OPEN_MS),
				leftSince: BigInt(now - LEFT_FORGOTTEN_MS),
			}),
		);
	}

	/** It was not done, or not because of its buyer: it does not count. */
	drop({ id }: RequestOrder): Promise<void> {
		return this.#store.transact(dropWork(fromHex(id)));
	}

	/** It was done, and its buyer has not paid. */
	leave({ id }: RequestOrder): Promise<void> {
		return this.#store.transact(leaveWork(fromHex(id)));
	}

	contracted({
		id,
		hash,
		sellerModule,
	}: Pick<Contract, "id" | "hash" | "sellerModule">): Promise<void> {
		return this.#store.transact(contractAnswer(id, hash, sellerModule));
	}

	/** Whether it is the contract of an answer, or of a ticket. */
	has(contract: Uint8Array): Promise<boolean> {
		return this.#store.transact(hasAnswer(contract));
	}

	/** Keeps the sale of an answer or of a ticket; `item` is its name, empty where that is not known any more. */
	sold(sale: ShopSale, item: string): Promise<void> {
		const { contract, amount, receipt, chain, buyer } = sale;
		const { issuer, currency, isPlay } = this.#terms;
		const time = BigInt(this.#now());
		const row = {
			contract,
			time,
			buyer: buyer.name,
			buyer_agent: buyer.deviceId,
			item,
			issuer,
			currency: currency.code,
			exponent: BigInt(currency.exponent),
			play: isPlay ? 1n : 0n,
			amount,
			receipt,
			receipt_chain: chain,
			...paidOver(sale, [this.#terms]),
		};
		return this.#store.transact(sellAnswer(row, time));
	}

	/** What cannot be taken away now is tried again. */
	#forgetAtTimes(now: number): void {
		if (now - this.#forgotten >= FORGET_EVERY_MS)
			void this.forget().catch(() => {});
	}

	/** Takes away what is too old to count. */
	async forget(): Promise<void> {
		const now = this.#now();
		this.#forgotten = now;
		const works = forgetWorks(BigInt(now - LEFT_FORGOTTEN_MS));
		while ((await this.#store.transact(works)) > 0);
		const tickets = forgetTickets({
			used: BigInt(now - KEPT_ANSWER_MS),
			unused: BigInt(now - MADE_FORGOTTEN_MS),
		});
		while ((await this.#store.transact(tickets)) > 0);
	}

	/** Makes a ticket for an order, and keeps it. Throws `limit-exceeded` for a buyer who has ordered too many and not paid for them. */
	async makeTicket(
		{ id, buyer, item, order }: RequestOrder,
		amount: bigint,
	): Promise<Uint8Array> {
		const now = this.#now();
		this.#forgetAtTimes(now);
		const ticket = nodeCrypto.random(TICKET_BYTES);
		const made = {
			id: fromHex(id),
			ticket,
			buyer: buyer.deviceId,
			time: BigInt(now),
			item,
			amount,
			wanted: order,
		};
		const since = BigInt(now - WORK_OPEN_MS);
		const isMade = await this.#store.transact(
			makeTicket(made, MAX_UNPAID_TICKETS, since),
		);
		if (isMade) return ticket;
		throw new TetradError(
			"limit-exceeded",
			"this buyer has ordered many tickets and not paid for them; ask again in an hour",
		);
	}

	/** Begins to answer the request of a ticket, durably and once, if `fits` says that it is for that request. */
	useTicket(
		ticket: Uint8Array,
		fits: (row: TicketRow) => boolean,
	): Promise<TicketUse> {
		const now = BigInt(this.#now());
		return this.#store.transact(beginTicket(ticket, fits, now));
	}

	/** Keeps what was answered. */
	answered({ id }: TicketRow, answer: Uint8Array): Promise<void> {
		return this.#store.transact(answerTicket(id, answer, BigInt(this.#now())));
	}

	/** There is no answer, and the price is owed back. */
	failed({ id }: TicketRow): Promise<void> {
		return this.#store.transact(failTicket(id, BigInt(this.#now())));
	}

	/** What is owed to a buyer, and given by the module of that device id, with which it has come: the price of each of its tickets that has failed, so many at once, and the next ones when it is asked again. */
	async owed(
		buyer: CertifiedDevice,
		module: Uint8Array,
	): Promise<readonly OwedRefund[]> {
		const tickets = await this.#nextOwed(buyer.deviceId, module);
		const owed: OwedRefund[] = [];
		for (const ticket of tickets) {
			owed.push(...(await this.#owed(ticket, buyer, module)));
		}
		return owed;
	}

	/** Those that are asked for in vain, since their buyer wants another one, stand in the way of none. */
	async #nextOwed(
		buyer: Uint8Array,
		module: Uint8Array,
	): Promise<readonly TicketRow[]> {
		const name = `${hex(buyer)} ${hex(module)}`;
		const before = this.#passed.get(name) ?? 0;
		const read = (skip: number) =>
			this.#store.transact(readOwedTickets(buyer, MAX_REFUNDED_AT_ONCE, skip));
		const next = await read(before);
		const isOver = next.length === 0 && before > 0;
		const tickets = isOver ? await read(0) : next;
		const after = (isOver ? 0 : before) + tickets.length;
		this.#passed.delete(name);
		if (tickets.length === MAX_REFUNDED_AT_ONCE && after < MAX_READ_ROWS)
			this.#passed.set(name, after);
		const [oldest] = this.#passed.keys();
		if (this.#passed.size > MAX_REFUNDED_IN_TURN && oldest !== undefined)
			this.#passed.delete(oldest);
		return tickets;
	}

	/** A ticket that was shown is sold, whether or not that was heard of before an end of this agent. What its owner has given back already is owed no more, and what is left of the price is. */
	async #owed(
		ticket: TicketRow,
		buyer: CertifiedDevice,
		module: Uint8Array,
	): Promise<readonly OwedRefund[]> {
		const { id, contract } = ticket;
		const sale = await this.#store.transact(readSale(contract));
		const giver = this.#giverOf(ticket, sale, module);
		const { issuer, currency, exponent, amount } = sale ?? {
			...{ issuer: this.#terms.issuer, currency: this.#terms.currency.code },
			...{ exponent: this.#terms.currency.exponent, amount: ticket.amount },
		};
		const left = async () => {
			const refunds = await this.#store.transact(
				oweRest({
					sale: contract,
					paid: amount,
					now: this.#now(),
					contractOf: (number) =>
						refundContract(nodeCrypto, { contract, number }),
					giver,
				}),
			);
			if (refunds.length === 0)
				await this.#store.transact(refundTicket(id, BigInt(this.#now())));
			return refunds;
		};
		const own = (await left()).filter((refund) =>
			sameBytes(refund.module, module),
		);
		return own.map((refund) => ({
			payment: {
				...{ contract: refund.contract, amount: refund.amount },
				...{ issuer, currency },
			},
			text: refundText({ contract, number: Number(refund.number) }),
			paid: async () => {
				await this.#store.transact(payRefund(refund));
				await left();
			},
			refused: (error) => {
				const money = { code: currency, exponent: Number(exponent) };
				const what = `${formatAmount(refund.amount, money)} ${currency}`;
				return this.#tell(
					hex(refund.contract),
					error,
					`a refund of ${what} is owed to ${buyer.name} and cannot be paid now`,
				);
			},
		}));
	}

	/** The module that was paid gives it back, as long as the agent has it, whether or not that sale was heard of; where it is not known which that was, the one with which the buyer has come. */
	#giverOf(
		{ module }: TicketRow,
		sale: SaleRow | undefined,
		met: Uint8Array,
	): RefundGiver {
		const isThere = (deviceId: Uint8Array) =>
			this.#modules().some((own) => sameBytes(own, deviceId));
		const payee = (sale && paidModule(sale)) ?? module;
		return { module: isThere(payee) ? payee : met, isThere };
	}

	/** The same is told once, however often it is asked for. */
	#tell(
		refund: string,
		error: TetradError,
		what: string,
	): TetradError | undefined {
		const { code, message } = error;
		const name = `${refund} ${code} ${message}`;
		if (this.#told.has(name)) return undefined;
		this.#told.add(name);
		const [oldest] = this.#told;
		if (this.#told.size > MAX_TOLD_UNPAID && oldest !== undefined)
			this.#told.delete(oldest);
		return new TetradError(code, `${what}: ${message}`, { cause: error });
	}

	/** What was sold under the contract of that id, for who has paid and wants it again: tickets alone are kept. */
	async soldAgain(contractId: Uint8Array): Promise<Uint8Array | undefined> {
		return (await this.#store.transact(readTicket(contractId)))?.ticket;
	}
}

function fromHex(text: string): Uint8Array {
	return new Uint8Array(Buffer.from(text, "hex"));
}
