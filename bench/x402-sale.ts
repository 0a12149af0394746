import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { installStock, STOCK } from "./stock.ts";

/** What stock/x402/main.ts says. */
export interface X402Sales {
	/** Of the first purchase of all. */
	readonly first_ms: number;
	readonly latency_ms: readonly number[];
	readonly together_per_second: number;
	/** How often was paid, and how often were the goods there, after each step. */
	readonly lost_answer: PaidAndDelivered & {
		readonly same_payment_again: PaidAndDelivered & { readonly status: number };
		readonly bought_again: PaidAndDelivered;
	};
}

interface PaidAndDelivered {
	readonly paid: number;
	readonly delivered: number;
}

/**
 * The same sale by x402, in a process of its own. Its packages are installed now if they are not
 * there: nothing else needs them. Resolves with why when it cannot be had.
 */
export async function x402Sales(asked: {
	readonly bytes: number;
	readonly warmUp: number;
	readonly rounds: number;
	readonly buyers: number;
}): Promise<X402Sales | string> {
	const { bytes, warmUp, rounds, buyers } = asked;
	try {
		installStock();
		const { stdout } = await promisify(execFile)(process.execPath, [
			`${STOCK}x402/main.ts`,
			...[bytes, warmUp, rounds, buyers].map(String),
		]);
		return JSON.parse(stdout);
	} catch (thrown) {
		return thrown instanceof Error ? thrown.message : String(thrown);
	}
}
