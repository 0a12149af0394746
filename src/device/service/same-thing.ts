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

/** A thing that is being bought, until it is disposed of; `isCopy` when it already is by another quote, or was before this one began. */
export interface ThingUnderWay extends Disposable {
	readonly isCopy: boolean;
}

/** What is being bought, by thing and quote. */
export class ThingsUnderWay {
	readonly #quotes = new Map<string, string[]>();
	/** Of each thing the last one that is looking at what was bought before. */
	readonly #looking = new Map<string, Promise<unknown>>();

	/** Whoever begins while another looks waits for that: or else the first would see what the second leaves, and each be the copy of the other. */
	async begin(
		thing: string,
		quote: string,
		wasBought: () => Promise<boolean>,
	): Promise<ThingUnderWay> {
		const quotes = this.#quotes.get(thing) ?? [];
		const isSecond = quotes.some((other) => other !== quote);
		quotes.push(quote);
		this.#quotes.set(thing, quotes);
		const over = () => {
			quotes.splice(quotes.indexOf(quote), 1);
			if (quotes.length === 0) this.#quotes.delete(thing);
		};
		const before = this.#looking.get(thing);
		const looking = (async () => {
			// What it found, or failed at, is its own affair.
			await before?.catch(() => {});
			return isSecond || (await wasBought());
		})();
		this.#looking.set(thing, looking);
		try {
			return { isCopy: await looking, [Symbol.dispose]: over };
		} catch (error) {
			over();
			throw error;
		} finally {
			if (this.#looking.get(thing) === looking) this.#looking.delete(thing);
		}
	}
}
