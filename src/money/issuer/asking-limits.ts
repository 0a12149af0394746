import { hex } from "../../wire/index.ts";
import {
	FRUITLESS_AGAIN_MS,
	MAX_FRUITLESS,
	MAX_LIMITED_MODULES,
} from "../documents/index.ts";

interface Budget {
	/** Requests that the module may still make. */
	left: number;
	/** When that was so; milliseconds since the epoch. */
	at: number;
}

/**
 * What each module may still ask. A request takes one from its budget, and gives it back when it
 * moved something, or said what was known; those that come to nothing come back with time.
 */
export class AskingLimits {
	/** By device id in hexadecimal. Who is not in it has the whole budget. */
	readonly #budgets = new Map<string, Budget>();

	/** Whether that module may ask now; it has then. */
	take(device: Uint8Array, now: number): boolean {
		const key = hex(device);
		const budget = this.#budgets.get(key) ?? { left: MAX_FRUITLESS, at: now };
		const regained = Math.floor((now - budget.at) / FRUITLESS_AGAIN_MS);
		if (regained > 0) {
			budget.left = Math.min(MAX_FRUITLESS, budget.left + regained);
			budget.at += regained * FRUITLESS_AGAIN_MS;
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
		if (budget.left >= MAX_FRUITLESS) this.#budgets.delete(key);
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
