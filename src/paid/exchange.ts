import type { RequestDesk } from "../device/service/index.ts";
import type { RequestOrder } from "../device/trade/index.ts";
import { TetradError } from "../errors.ts";

type Records = Pick<RequestDesk["records"], "drop" | "leave">;

/** How an exchange is bounded. */
export interface ExchangeLimits {
	/** How long the answer may take, and then its payment, in milliseconds. */
	readonly answerWithinMs: number;
	readonly settleWithinMs: number;
	/** Aborts when the merchant itself ends: what is cut by that is held against no buyer. */
	readonly closing: AbortSignal;
}

/**
 * A request that has met its order: its answer is made, becomes the merchandise of the order, and
 * is paid or not.
 *
 *   answering ─answer─▶ settling ─sold─▶ over
 *       │                  └─the buyer is gone, or takes too long─▶ over, and left unpaid
 *       ├─it fails, or takes too long─▶ over, and nothing was done
 *       ├─the merchant's own side is cut─▶ over, and held against nobody
 *       └─the buyer is gone─▶ over, and left unpaid
 */
export class Exchange {
	readonly order: RequestOrder;
	/** What the order waits for. */
	readonly merchandise: Promise<Uint8Array>;
	/** Resolves with the contract's hash, in hexadecimal. */
	readonly paid: Promise<string>;
	/** Resolves when it is over, and kept as such. */
	readonly over: Promise<void>;
	readonly #records: Records;
	readonly #limits: ExchangeLimits;
	readonly #merchandise = Promise.withResolvers<Uint8Array>();
	readonly #paid = Promise.withResolvers<string>();
	readonly #over = Promise.withResolvers<void>();
	readonly #gone = new AbortController();
	#state: "answering" | "settling" | "over" = "answering";
	#timer: NodeJS.Timeout;
	readonly #close = (): void =>
		this.leave(new TetradError("tetrad-closed", "the merchant sells no more"));

	constructor(order: RequestOrder, records: Records, limits: ExchangeLimits) {
		this.order = order;
		this.#records = records;
		this.#limits = limits;
		this.merchandise = this.#merchandise.promise;
		this.paid = this.#paid.promise;
		this.over = this.#over.promise;
		// Whoever asks later hears of it all the same.
		this.merchandise.catch(() => {});
		this.paid.catch(() => {});
		this.#timer = setTimeout(
			() => this.fail(new TetradError("timed-out", "the answer took too long")),
			limits.answerWithinMs,
		);
		limits.closing.addEventListener("abort", this.#close, { once: true });
	}

	/** Aborts when nobody waits for the answer any more. */
	get signal(): AbortSignal {
		return this.#gone.signal;
	}

	/** The answer is there. Whether anybody waits for it. */
	answer(bytes: Uint8Array): boolean {
		if (this.#state !== "answering") return false;
		this.#state = "settling";
		clearTimeout(this.#timer);
		this.#timer = setTimeout(
			() =>
				this.leave(
					new TetradError("timed-out", "the buyer has not paid for the answer"),
				),
			this.#limits.settleWithinMs,
		);
		this.#merchandise.resolve(bytes);
		return true;
	}

	/** There is no answer, and nothing is paid. */
	fail(error: TetradError): void {
		if (this.#state !== "answering") return;
		this.#end(error, this.#records.drop(this.order));
	}

	/** The buyer has gone, and has not paid as far as is known. */
	leave(error: TetradError): void {
		if (this.#state === "over") return;
		this.#end(
			error,
			this.#limits.closing.aborted
				? Promise.resolve()
				: this.#records.leave(this.order),
		);
	}

	/** The merchant's own side was cut. What may be paid by then, and is not heard of, stays begun. */
	cut(error: TetradError): void {
		if (this.#state === "over") return;
		const mayBePaid = this.#state === "settling";
		this.#end(
			error,
			mayBePaid || this.#limits.closing.aborted
				? Promise.resolve()
				: this.#records.drop(this.order),
		);
	}

	/** It is paid. */
	sold(contract: string): void {
		this.#paid.resolve(contract);
		if (this.#state !== "over") this.#finish(Promise.resolve());
	}

	#end(error: TetradError, keeping: Promise<void>): void {
		this.#merchandise.reject(error);
		this.#paid.reject(error);
		this.#gone.abort(error);
		this.#finish(keeping);
	}

	#finish(keeping: Promise<void>): void {
		this.#state = "over";
		clearTimeout(this.#timer);
		this.#limits.closing.removeEventListener("abort", this.#close);
		// A store that has failed ends the agent, and says so there.
		void keeping.catch(() => {}).then(() => this.#over.resolve());
	}
}
