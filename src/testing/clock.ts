/** A clock that stands still until it is set. Times are in milliseconds since the epoch. */
export class TestClock {
	readonly #base: () => number;
	#offset: number;

	/** A town's, which shows `base`; or with another clock a device's, which follows that one until it is set wrong. */
	constructor(base: number | TestClock) {
		this.#base = typeof base === "number" ? () => 0 : () => base.now();
		this.#offset = typeof base === "number" ? base : 0;
	}

	readonly now = (): number => this.#base() + this.#offset;

	/** Shows that time from now on; a device's clock goes on from there as the town's does. */
	set(time: number): void {
		this.#offset = time - this.#base();
	}

	/** Moves it on, or back if `ms` is below zero; a device's clock alone, not that of the others. */
	advance(ms: number): void {
		this.#offset += ms;
	}
}
