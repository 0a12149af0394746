/* When two purchases are of the same thing: a program that was started anew, or another one, may not know of the first. */
import type { Purchase, Quote } from "./agent-service.ts";

/** Names a thing: what one merchant sells under one name, made to one order. */
export function thingOf({
	merchantId,
	item,
	order = "",
}: Pick<Quote, "merchantId" | "item" | "order">): string {
	return JSON.stringify([merchantId, item, order]);
}

/** Whether a purchase is not over, or was made so lately and was not given back; milliseconds since the epoch. */
export function isOpenOrMadeSince(
	{ state, time, amount, refunded = 0n }: Purchase,
	since: number,
): boolean {
	switch (state) {
		case "in-doubt":
			return true;
		case "bought":
		case "wrong":
			return Date.parse(time) >= since && refunded < amount;
		case "not-bought":
		case "void":
			return false;
	}
}

/** A thing that is being bought, until it is disposed of; `isCopy` when it already is by another quote. */
export interface ThingUnderWay extends Disposable {
	readonly thing: string;
	readonly isCopy: boolean;
}

/** What is being bought, by thing and quote. */
export class ThingsUnderWay {
	readonly #quotes = new Map<string, string[]>();

	begin(thing: string, quote: string): ThingUnderWay {
		const quotes = this.#quotes.get(thing) ?? [];
		const isCopy = quotes.some((other) => other !== quote);
		quotes.push(quote);
		this.#quotes.set(thing, quotes);
		return {
			thing,
			isCopy,
			[Symbol.dispose]: () => {
				quotes.splice(quotes.indexOf(quote), 1);
				if (quotes.length === 0) this.#quotes.delete(thing);
			},
		};
	}
}
