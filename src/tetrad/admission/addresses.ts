import type { LoadLimits } from "../parameters.ts";
import { Rate } from "./rate.ts";

const SECOND_MS = 1_000;

/** So many of one address are told in a second why they may not come, and so many at once after a silence. */
const TOLD_PER_SECOND = 8;
const BURST_OF_TOLD = 32;

/** Addresses that are remembered although nothing is open from them; the one that has been longest away is forgotten first. */
export const MAX_REMEMBERED = 8192;

/** What there is from one address. */
export interface FromAddress {
	readonly source: string;
	/** New connections. */
	readonly rate: Rate;
	/** Those that are told why they may not come. */
	readonly told: Rate;
	/** Ids of half-open connections, the oldest first. */
	readonly halfOpen: Set<number>;
	/** Offers of it that are worked on. */
	working: number;
}

/** What there is from each address. */
export class Addresses {
	readonly #limits: LoadLimits;
	/** The one that came last comes last. */
	readonly #all = new Map<string, FromAddress>();
	/** Those from which something is half open. */
	readonly #busy = new Set<FromAddress>();
	#halfOpen = 0;

	constructor(limits: LoadLimits) {
		this.#limits = limits;
	}

	/** Half-open connections of all. */
	get halfOpen(): number {
		return this.#halfOpen;
	}

	of(source: string, now: number): FromAddress {
		const { perSecondOfAddress, burstOfAddress } = this.#limits;
		const known = this.#all.get(source) ?? {
			source,
			rate: new Rate(perSecondOfAddress, SECOND_MS, burstOfAddress, now),
			told: new Rate(TOLD_PER_SECOND, SECOND_MS, BURST_OF_TOLD, now),
			halfOpen: new Set(),
			working: 0,
		};
		this.#all.delete(source);
		this.#all.set(source, known);
		this.#forget();
		return known;
	}

	/** Without counting that as its coming. */
	peek(source: string): FromAddress | undefined {
		return this.#all.get(source);
	}

	open(from: FromAddress, id: number): void {
		from.halfOpen.add(id);
		this.#busy.add(from);
		this.#halfOpen++;
	}

	close(from: FromAddress, id: number): void {
		if (!from.halfOpen.delete(id)) return;
		this.#halfOpen--;
		if (from.halfOpen.size === 0) this.#busy.delete(from);
	}

	/** The oldest connection of whichever address has most, when it has more than so many. */
	oldestOfMost(moreThan: number): number | undefined {
		let most: FromAddress | undefined;
		for (const one of this.#busy)
			if (one.halfOpen.size > (most?.halfOpen.size ?? moreThan)) most = one;
		const [oldest] = most?.halfOpen ?? [];
		return oldest;
	}

	#forget(): void {
		if (this.#all.size <= MAX_REMEMBERED + this.#halfOpen) return;
		for (const [source, { halfOpen, working }] of this.#all)
			if (halfOpen.size === 0 && working === 0) {
				this.#all.delete(source);
				return;
			}
	}
}
