import { TetradError } from "../errors.ts";
import { MAX_PAYING } from "./limits.ts";

/** Lets so many at once have their turn for each key; the others wait, in order. */
export class Turns {
	readonly #atOnce: number;
	readonly #taken = new Map<string, number>();
	readonly #waiting = new Map<string, Set<() => void>>();
	#all = 0;

	constructor(atOnce: number) {
		this.#atOnce = atOnce;
	}

	/** Waits for a turn, which lasts until what it resolves to is disposed of. Rejects with `busy` when too many wait, and with `aborted`. */
	async take(
		key: string,
		signal: AbortSignal | undefined,
	): Promise<Disposable> {
		if (this.#all >= MAX_PAYING)
			throw new TetradError(
				"busy",
				`nothing was paid: ${MAX_PAYING} requests are being paid for already`,
			);
		this.#all++;
		try {
			const taken = this.#taken.get(key) ?? 0;
			if (taken < this.#atOnce) this.#taken.set(key, taken + 1);
			else await this.#wait(key, signal);
		} catch (thrown) {
			this.#all--;
			throw thrown;
		}
		let isOver = false;
		return {
			[Symbol.dispose]: () => {
				if (isOver) return;
				isOver = true;
				this.#all--;
				this.#leave(key);
			},
		};
	}

	/** The turn of one that has ended is handed over as it is. */
	#leave(key: string): void {
		const [next] = this.#waiting.get(key) ?? [];
		if (next !== undefined) return next();
		const taken = (this.#taken.get(key) ?? 1) - 1;
		if (taken === 0) this.#taken.delete(key);
		else this.#taken.set(key, taken);
	}

	async #wait(key: string, signal: AbortSignal | undefined): Promise<void> {
		const turn = Promise.withResolvers<void>();
		const waiting = this.#waiting.get(key) ?? new Set();
		this.#waiting.set(key, waiting);
		const leave = () => {
			waiting.delete(go);
			if (waiting.size === 0) this.#waiting.delete(key);
		};
		const go = () => {
			leave();
			turn.resolve();
		};
		const giveUp = () => {
			leave();
			turn.reject(new TetradError("aborted", "the caller gave up waiting"));
		};
		waiting.add(go);
		if (signal?.aborted) giveUp();
		signal?.addEventListener("abort", giveUp, { once: true });
		try {
			await turn.promise;
		} finally {
			signal?.removeEventListener("abort", giveUp);
		}
	}
}
