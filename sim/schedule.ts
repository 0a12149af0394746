/* Virtual time: what is to happen and when, one thing after another. */

/** Something that is to happen, until it is cancelled. */
export interface Scheduled {
	readonly at: number;
	cancel(): void;
}

interface Entry extends Scheduled {
	readonly turn: number;
	run: (() => void) | undefined;
}

export class Schedule {
	/** Milliseconds since the epoch; it never goes back. */
	#now: number;
	readonly #heap: Entry[] = [];
	#turns = 0;

	constructor(now: number) {
		this.#now = now;
	}

	get now(): number {
		return this.#now;
	}

	/** Of two at one time the one that was asked for first comes first. */
	at(time: number, run: () => void): Scheduled {
		const entry: Entry = {
			at: Math.max(time, this.#now),
			turn: this.#turns++,
			run,
			cancel() {
				entry.run = undefined;
			},
		};
		this.#heap.push(entry);
		this.#up(this.#heap.length - 1);
		return entry;
	}

	after(milliseconds: number, run: () => void): Scheduled {
		return this.at(this.#now + milliseconds, run);
	}

	/** Lets the next thing happen, if there is one by then. */
	step(until: number): boolean {
		for (let next = this.#heap[0]; next !== undefined; next = this.#heap[0]) {
			if (next.run === undefined) {
				this.#pop();
				continue;
			}
			if (next.at > until) break;
			this.#pop();
			this.#now = next.at;
			next.run();
			return true;
		}
		this.#now = Math.max(this.#now, until);
		return false;
	}

	#pop(): void {
		const last = this.#heap.pop();
		if (last === undefined || this.#heap.length === 0) return;
		this.#heap[0] = last;
		this.#down();
	}

	#up(from: number): void {
		const heap = this.#heap;
		let at = from;
		while (at > 0) {
			const parent = (at - 1) >> 1;
			if (!isBefore(heap[at] as Entry, heap[parent] as Entry)) return;
			this.#swap(at, parent);
			at = parent;
		}
	}

	#down(): void {
		const heap = this.#heap;
		let at = 0;
		for (;;) {
			let least = at;
			for (const child of [2 * at + 1, 2 * at + 2])
				if (
					child < heap.length &&
					isBefore(heap[child] as Entry, heap[least] as Entry)
				)
					least = child;
			if (least === at) return;
			this.#swap(at, least);
			at = least;
		}
	}

	#swap(one: number, other: number): void {
		const heap = this.#heap;
		const kept = heap[one] as Entry;
		heap[one] = heap[other] as Entry;
		heap[other] = kept;
	}
}

function isBefore(one: Entry, other: Entry): boolean {
	return one.at < other.at || (one.at === other.at && one.turn < other.turn);
}
