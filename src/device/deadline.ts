/** Calls `expire` once when a machine's deadline has come, by the monotonic clock, unless `stop` comes first. */
export class Deadline {
	readonly #timer: NodeJS.Timeout;

	constructor(timeoutMs: number, expire: () => void) {
		this.#timer = setTimeout(expire, timeoutMs);
	}

	stop(): void {
		clearTimeout(this.#timer);
	}
}
