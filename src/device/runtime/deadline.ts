/** Tells a machine when its deadline has come, however often the deadline moves. */
export class Deadline {
	readonly #now: () => number;
	readonly #expire: (deadline: number) => void;
	#armedFor: number | undefined;
	#timer: NodeJS.Timeout | undefined;

	/** `now` is the clock that the machine's deadlines are of. */
	constructor(now: () => number, expire: (deadline: number) => void) {
		this.#now = now;
		this.#expire = expire;
	}

	/** Follows the machine's deadline; `undefined` stops the timer. */
	follow(deadline: number | undefined): void {
		if (deadline === this.#armedFor) return;
		clearTimeout(this.#timer);
		this.#armedFor = deadline;
		if (deadline === undefined) return;
		this.#timer = setTimeout(
			() => this.#expire(deadline),
			Math.max(0, deadline - this.#now()),
		);
	}
}
