import { hex } from "../../wire/index.ts";
import type { Quote } from "../trade/index.ts";
import { MAX_OPEN_QUOTES } from "./limits.ts";

/** What was quoted and can be bought, by the id of each quote in hexadecimal. */
export class OpenQuotes {
	readonly #quotes = new Map<string, Quote>();

	keep(quote: Quote, now: number): void {
		this.#quotes.set(hex(quote.offer.id), quote);
		if (this.#quotes.size <= MAX_OPEN_QUOTES) return;
		// A clock that is behind the merchant's keeps one for longer, and a quote is judged where it is taken.
		for (const [id, { offer }] of this.#quotes)
			if (offer.validUntil < now) this.#quotes.delete(id);
		for (const id of this.#quotes.keys()) {
			if (this.#quotes.size <= MAX_OPEN_QUOTES) break;
			this.#quotes.delete(id);
		}
	}

	get(id: string): Quote | undefined {
		return this.#quotes.get(id);
	}
}
