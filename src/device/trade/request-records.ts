import type { IssuerTerms } from "../../money/index.ts";
import {
	beginWork,
	contractAnswer,
	dropWork,
	forgetWorks,
	hasAnswer,
	leaveWork,
	readTicket,
	sellAnswer,
	type WorkBegun,
} from "../../trade/records/index.ts";
import type { AgentStore } from "../purse/index.ts";
import {
	LEFT_FORGOTTEN_MS,
	MAX_LEFT_WORKS,
	MAX_OPEN_WORKS,
	WORK_OPEN_MS,
} from "./limits.ts";
import type { RequestOrder } from "./request-seller.ts";
import type { ShopSale } from "./shop.ts";

/** What a merchant's agent keeps of answers to requests: what was begun and is not paid, and what was paid first. */
export class RequestRecords {
	readonly #store: AgentStore;
	readonly #now: () => number;

	private constructor(store: AgentStore, now: () => number) {
		this.#store = store;
		this.#now = now;
	}

	/** Those of an agent's store; what is too old to count goes. */
	static async open(
		store: AgentStore,
		now: () => number,
	): Promise<RequestRecords> {
		const records = new RequestRecords(store, now);
		await store.transact(forgetWorks(BigInt(now() - LEFT_FORGOTTEN_MS)));
		return records;
	}

	/** Keeps, before it is done, that work is done for an order; or says why it is not to be done. */
	begin({ id, buyer }: RequestOrder): Promise<WorkBegun> {
		const now = this.#now();
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

	contracted(id: Uint8Array, contract: Uint8Array): Promise<void> {
		return this.#store.transact(contractAnswer(id, contract));
	}

	/** Whether it is the contract of an answer, or of a ticket. */
	has(contract: Uint8Array): Promise<boolean> {
		return this.#store.transact(hasAnswer(contract));
	}

	/** Keeps the sale of an answer or of a ticket; `item` is its name, empty where that is not known any more. */
	sold(sale: ShopSale, terms: IssuerTerms, item: string): Promise<void> {
		const { contract, amount, receipt, chain, buyer } = sale;
		const { issuer, currency, isPlay } = terms;
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
		};
		return this.#store.transact(sellAnswer(row, time));
	}

	/** What was sold under the contract of that id, for who has paid and wants it again: tickets alone are kept. */
	async soldAgain(contractId: Uint8Array): Promise<Uint8Array | undefined> {
		return (await this.#store.transact(readTicket(contractId)))?.ticket;
	}
}

function fromHex(text: string): Uint8Array {
	return new Uint8Array(Buffer.from(text, "hex"));
}
