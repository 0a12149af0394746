import type {
	AgentEvent,
	AgentService,
	BuyOptions,
	Purchase,
	Quote,
} from "../../device/service/index.ts";
import { PURCHASE_WITHIN_MS } from "./limits.ts";

/** Where a purchase is that is under way. */
export type Stage =
	| { readonly kind: "paying" }
	/** For the owner of the module; nothing is paid before. */
	| { readonly kind: "waiting"; readonly contract: string | undefined };

/** What is said of it to whoever waits. */
export type Said = (what: string) => void;

/**
 * One purchase while it is made. It belongs to nobody who waits for it: whoever gives up, or is
 * gone, comes back to it by its quote.
 */
export class UnderWay {
	/** It is bought, or why not. */
	readonly over: Promise<Purchase>;
	/** Which thing it is of, and by which quote. */
	readonly thing: string;
	readonly quote: Quote;
	readonly #listeners = new Set<Said>();
	readonly #waiters = new Set<() => void>();
	#stage: Stage = { kind: "paying" };
	/** What was said last. */
	#last: string | undefined;

	constructor(
		agent: AgentService,
		quote: Quote,
		thing: string,
		options: Omit<BuyOptions, "step" | "signal" | "waits">,
	) {
		this.quote = quote;
		this.thing = thing;
		this.over = agent.buy(quote.id, {
			...options,
			waits: true,
			signal: AbortSignal.timeout(PURCHASE_WITHIN_MS),
			step: (event) => this.#hear(event),
		});
		this.over.catch(() => {});
	}

	get stage(): Stage {
		return this.#stage;
	}

	/** Resolves when it begins to wait for its owner, from now on, and else with the signal. */
	waitsAnew(signal: AbortSignal): Promise<undefined> {
		return new Promise((resolve) => {
			const done = () => {
				this.#waiters.delete(done);
				resolve(undefined);
			};
			if (signal.aborted) return resolve(undefined);
			this.#waiters.add(done);
			signal.addEventListener("abort", done, { once: true });
		});
	}

	/** Tells of the last step and of each that follows, until it is disposed of. */
	listen(said: Said): Disposable {
		if (this.#last !== undefined) said(this.#last);
		this.#listeners.add(said);
		return { [Symbol.dispose]: () => void this.#listeners.delete(said) };
	}

	#hear(event: AgentEvent): void {
		const what = sayingOf(event);
		if (what === undefined) return;
		if (event.event === "purchase" && event.state === "waiting") {
			this.#stage = { kind: "waiting", contract: event.contract };
			for (const waiter of this.#waiters) waiter();
		} else if (event.event === "purchase") this.#stage = { kind: "paying" };
		this.#last = what;
		for (const said of this.#listeners) said(what);
	}
}

function sayingOf(event: AgentEvent): string | undefined {
	switch (event.event) {
		case "confirmed":
			return "the merchant is met";
		case "progress":
			return `${event.bytes} of ${event.size} bytes are here`;
		case "purchase":
			return PURCHASE[event.state];
		default:
			return undefined;
	}
}

const PURCHASE: Readonly<Record<string, string>> = {
	paying: "the goods are here, sealed, and are being paid for",
	waiting: "it waits for the owner of the wallet",
	paid: "it is paid, and the goods are being opened",
	fetching: "it is paid, and what is missing of the goods is fetched again",
	"in-doubt": "it is not known yet whether it is paid",
};
