/** How many are watched at a time; the oldest makes room. */
const MAX_WATCHED = 10_000;

/** What hears a duration, in seconds. */
interface Hears {
	observe(seconds: number): void;
}

/** How long what was begun took until it was over. */
export class Stopwatches<Key> {
	/** In milliseconds, by a clock that nobody sets. */
	readonly #begun = new Map<Key, number>();

	get size(): number {
		return this.#begun.size;
	}

	/** Begins anew when it was begun before. */
	start(key: Key): void {
		this.#begun.delete(key);
		this.#begun.set(key, performance.now());
		const [oldest] = this.#begun.keys();
		if (this.#begun.size > MAX_WATCHED && oldest !== undefined)
			this.#begun.delete(oldest);
	}

	/** What was never begun is left out. */
	stop(key: Key, hears?: Hears): void {
		const begun = this.#begun.get(key);
		if (begun === undefined) return;
		this.#begun.delete(key);
		hears?.observe((performance.now() - begun) / 1000);
	}
}
