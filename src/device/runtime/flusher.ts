/** What a flusher needs of whatever it flushes. */
export interface FlusherPort {
	/** Whether anything waits to be sealed. */
	waits(): boolean;
	/** Seals it, and sends it. */
	flush(): void;
	/** Of the way that it goes: see `Carrier.written`. */
	written(): Promise<void> | undefined;
}

/**
 * Says when what is sent is sealed: the first of a turn at once, and what comes after it together at
 * the end of the turn; and while the way is being written to, all together when that is done, since
 * anything sealed before would only wait behind it.
 */
export class Flusher {
	readonly #port: FlusherPort;
	/** What was sent in this turn, or waits for the way, is not over. */
	#awake = false;

	constructor(port: FlusherPort) {
		this.#port = port;
	}

	/** Whether what is sent now is to be sealed at once. Whatever is sent after it in this turn is not. */
	takesAtOnce(): boolean {
		if (this.#awake || this.#port.written() !== undefined) return false;
		this.#begin();
		return true;
	}

	/** To be called after each event: something may wait now. */
	wake(): void {
		if (!this.#awake && this.#port.waits()) this.#begin();
	}

	#begin(): void {
		this.#awake = true;
		// After the promises that what happened has settled, whose owners may have more to send.
		process.nextTick(this.#turnEnds);
	}

	readonly #turnEnds = (): void => {
		const written = this.#port.waits() ? this.#port.written() : undefined;
		if (written === undefined) this.#flush();
		else void written.then(this.#flush);
	};

	readonly #flush = (): void => {
		this.#awake = false;
		if (this.#port.waits()) this.#port.flush();
	};
}
