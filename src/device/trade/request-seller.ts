import type { CertifiedDevice } from "../../identity/index.ts";

/*
 * What a program sells that answers requests: each answer is made for one order, whose text says
 * what is asked for. Ids are in hexadecimal.
 */

/** A price that went to a buyer. */
export interface QuotedRequest {
	/** Of the quote, which is taken by it. */
	readonly id: string;
	readonly item: string;
	/** What was asked for. It is the buyer's text: to be compared, and not to be run. */
	readonly order: string;
	readonly buyer: CertifiedDevice;
	/** Until when it can be taken, in milliseconds since the epoch. */
	readonly until: number;
}

/** A quote that was taken. */
export interface RequestOrder {
	/** Of the contract that it is sold under. */
	readonly id: string;
	readonly quote: string;
	readonly item: string;
	readonly order: string;
	readonly buyer: CertifiedDevice;
}

/** Who answers orders. What it throws goes to the buyer as what `Shop` throws does. */
export interface RequestSeller {
	/** What that item costs with that order, in minor units, and what is said about it; `undefined` for what is not its own. */
	price(
		item: string,
		order: string,
	): { readonly amount: bigint; readonly about: string } | undefined;
	/** That price has gone to a buyer. */
	quoted(quote: QuotedRequest): void;
	/** Makes what is sold for an order, until `signal` says that nobody waits for it. */
	answer(order: RequestOrder, signal: AbortSignal): Promise<Uint8Array>;
	/** The own module has the money for it. */
	sold(order: RequestOrder, contract: string): void;
	/** Its buyer has gone, and it was not heard that it is paid. */
	left(order: RequestOrder): void;
	/** The merchant's own side was cut, and it was not heard that it is paid. It is the same object as was given to `answer`, whose signal comes later. */
	cut(order: RequestOrder): void;
}
