import { hex } from "../../wire/index.ts";
import { MAX_LIMITED_MODULES } from "../documents/index.ts";

interface Budget {
	/** Requests that the module may still make. */
	left: number;
	/** When that was so; milliseconds since the epoch. */
	at: number;
}

/**
 * How often each module may still ask what moves nothing. A request takes one from its budget, and
 * gives it back when it moved something; all others come back with time.
 */
export class AskingLimits {
	readonly #most: number;
	readonly #againMs: number;
	/** By device id in hexadecimal. Who is not in it has the whole budget. */
	readonly #budgets = new Map<string, Budget>();

	/** `most` requests at once, and one more after each `againMs`. */
	constructor(most: number, againMs: number) {
		this.#most = most;
		this.#againMs = againMs;
	}

	/** Whether that module may ask now; it has then. */
	take(device: Uint8Array, now: number): boolean {
		const key = hex(device);
		const budget = this.#budgets.get(key) ?? { left: this.#most, at: now };
		const regained = Math.floor((now - budget.at) / this.#againMs);
		if (regained > 0) {
			budget.left = Math.min(this.#most, budget.left + regained);
			budget.at += regained * this.#againMs;
		}
		// A clock that was set back takes nothing away.
		budget.at = Math.min(budget.at, now);
		if (budget.left === 0) return false;
		budget.left--;
		this.#remember(key, budget);
		return true;
	}

	/** That request was not in vain. */
	giveBack(device: Uint8Array): void {
		const key = hex(device);
		const budget = this.#budgets.get(key);
		if (budget === undefined) return;
		budget.left++;
		if (budget.left >= this.#most) this.#budgets.delete(key);
	}

	#remember(key: string, budget: Budget): void {
		// A map keeps the order of insertion: the first has not asked for the longest time.
		this.#budgets.delete(key);
		const [oldest] = this.#budgets.keys();
		if (this.#budgets.size >= MAX_LIMITED_MODULES && oldest !== undefined)
			this.#budgets.delete(oldest);
		this.#budgets.set(key, budget);
	}
}
