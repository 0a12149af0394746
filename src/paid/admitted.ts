import { TetradError } from "../errors.ts";

/** A buyer, as it is certified. */
export interface PaidBuyer {
	readonly name: string;
	/** Device id of its agent, in hexadecimal. */
	readonly id: string;
}

/** A request that is to be answered now. */
export interface Admitted {
	readonly buyer: PaidBuyer;
	/** What was answered before to who has paid first: it is answered again, and nothing is done anew. */
	readonly kept?: Uint8Array | undefined;
	/** Aborts when nobody waits for the answer any more, or it takes too long. */
	readonly signal: AbortSignal;
	/**
	 * Hands over the whole answer, once. Resolves with the contract's hash in hexadecimal when it is
	 * paid or, of what was paid first, kept. When it rejects, the answer is to be given to nobody: it is
	 * not paid, or owed back.
	 */
	answer(bytes: Uint8Array): Promise<{ readonly contract: string }>;
	/** There is no answer: nothing is paid, or what was paid first is owed back. The buyer of a sealed answer hears why where `error` is a `TetradError` that is about it. */
	fail(error: unknown): Promise<void>;
}

/** This buyer has left answers unpaid, and pays first from now on. Nothing was done, and nothing is paid. */
export class PaysFirst extends TetradError {
	constructor() {
		super(
			"payment-refused",
			"this buyer has left an answer unpaid: it is answered when it pays first (prepaid), and sealed again once it has",
		);
	}
}

/** The request of a ticket came to nothing, and is not answered any more. */
export class NotAnswered extends TetradError {
	/** Whether what was paid was given back already. */
	readonly isRefunded: boolean;

	constructor(isRefunded: boolean) {
		super(
			"payment-refused",
			`the request of this ticket was not answered, and what was paid for it ${isRefunded ? "was given" : "is owed"} back`,
		);
		this.isRefunded = isRefunded;
	}
}
