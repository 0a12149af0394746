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
 * Has what waits sealed at the end of the turn in which it was sent, so that what one turn sends is
 * sealed together; and while the way is being written to, when that is done, since anything sealed
 * before would only wait behind it.
 */
export class Flusher {
	readonly #port: FlusherPort;
	#awake = false;

	constructor(port: FlusherPort) {
		this.#port = port;
	}

	/** To be called after each event: something may wait now. */
	wake(): void {
		if (this.#awake || !this.#port.waits()) return;
		this.#awake = true;
		// After the promises that what happened has settled, whose owners may have more to send.
		process.nextTick(this.#turnEnds);
	}

	readonly #turnEnds = (): void => {
		const written = this.#port.written();
		if (written === undefined) this.#flush();
		else void written.then(this.#flush);
	};

	readonly #flush = (): void => {
		this.#awake = false;
		if (this.#port.waits()) this.#port.flush();
	};
}
