/*
 * Whether a price is as it was asked for. An agent that runs may be of another version than the
 * program that asks it: what it does not know of what it is asked, it may leave out.
 */
import { TetradError } from "../../errors.ts";
import { isAvoided } from "../../trade/agent/index.ts";
import { railPromises } from "../../trade/documents/index.ts";
import type { Quote, QuoteOptions } from "./agent-service.ts";

/** Throws `payment-refused` for a quote over a rail, with promises or in a currency that was not asked for. */
export function requireAsAsked(
	{ rail, currency }: Pick<Quote, "rail" | "currency">,
	asked: Pick<QuoteOptions, "rails" | "avoid" | "currency">,
): void {
	const { rails, avoid = [] } = asked;
	const isIt =
		(rails === undefined || rails.includes(rail)) &&
		!isAvoided(railPromises(rail), avoid) &&
		(asked.currency === undefined || asked.currency === currency);
	if (!isIt)
		throw new TetradError(
			"payment-refused",
			`nothing was paid: the agent that runs has a price in ${currency} over ${rail}, which was not asked for; it is of another version than this program, and does not know of that: stop it, and start it anew`,
		);
}
