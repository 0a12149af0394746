/* What is on its way to a buyer, and when the buyer is heard: one that is being answered may still cancel, and one that takes no answer is not heard any further. */
import type { Steps } from "../../machine/index.ts";
import { STALL_MS } from "./limits.ts";
import type { SellingEffect } from "./selling-events.ts";
import { unasked } from "./unasked.ts";

export class ToBuyer {
	readonly #steps: Steps<SellingEffect>;
	#unsent = 0;
	#isReceiving = false;
	/** The next one, from a buyer that has not taken all of the last answer. */
	#question: Uint8Array | undefined;

	/** It keeps the deadline of these. */
	constructor(steps: Steps<SellingEffect>) {
		this.#steps = steps;
	}

	/** How many messages the buyer has not taken. */
	get unsent(): number {
		return this.#unsent;
	}

	receive(): void {
		if (this.#steps.ended || this.#isReceiving) return;
		if (this.#question !== undefined) return;
		this.#isReceiving = true;
		this.#steps.emit({ kind: "receive" });
	}

	received(): void {
		this.#isReceiving = false;
	}

	tell(bytes: Uint8Array, now: number): void {
		this.#unsent++;
		this.#steps.deadline = now + STALL_MS;
		this.#steps.emit({ kind: "to-agent", bytes });
	}

	/** The buyer has taken a message. */
	sent(now: number): void {
		if (this.#unsent === 0) throw unasked("room for a message");
		this.#unsent--;
		this.#steps.deadline = this.#unsent === 0 ? undefined : now + STALL_MS;
	}

	/** It is heard when the buyer has taken all of the last answer. */
	hold(question: Uint8Array): void {
		this.#question = question;
	}

	/** What was held, if the buyer has taken all. */
	takeHeld(): Uint8Array | undefined {
		if (this.#unsent > 0) return undefined;
		const question = this.#question;
		this.#question = undefined;
		return question;
	}
}
