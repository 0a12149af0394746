import type { Quote } from "../../device/service/index.ts";
import { MAX_KNOWN_QUOTES } from "./limits.ts";

/** A quote that was given, and whether another copy of the same thing was wanted. */
export interface KnownQuote {
	readonly quote: Quote;
	readonly anotherCopy: boolean;
}

/** What these tools have quoted: nothing else is bought with them. */
export class KnownQuotes {
	readonly #quotes = new Map<string, KnownQuote>();

	keep(quote: Quote, anotherCopy: boolean): void {
		this.#quotes.set(quote.id, { quote, anotherCopy });
		const [oldest] = this.#quotes.keys();
		if (this.#quotes.size > MAX_KNOWN_QUOTES && oldest !== undefined)
			this.#quotes.delete(oldest);
	}

	get(id: string): KnownQuote | undefined {
		return this.#quotes.get(id);
	}

	forget(id: string): void {
		this.#quotes.delete(id);
	}
}
