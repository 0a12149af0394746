/** So many at once after a silence, and then so many in a period. */
export class Rate {
	readonly #perMs: number;
	readonly #burst: number;
	#left: number;
	#at: number;

	/** `periodMs` is how long `count` take, in milliseconds. */
	constructor(count: number, periodMs: number, burst: number, now: number) {
		this.#perMs = count / periodMs;
		this.#burst = burst;
		this.#left = burst;
		this.#at = now;
	}

	/** Whether one more may be. */
	has(now: number): boolean {
		this.#refill(now);
		return this.#left >= 1;
	}

	/** Whether one more may be; it then counts. */
	take(now: number): boolean {
		if (!this.has(now)) return false;
		this.#left -= 1;
		return true;
	}

	#refill(now: number): void {
		// A time that goes backwards gives nothing.
		const passed = Math.max(0, now - this.#at);
		this.#at = now;
		this.#left = Math.min(this.#burst, this.#left + passed * this.#perMs);
	}
}
