/* What a list of tools says that a call costs, so that nobody has to call a tool to know. */
import { z } from "zod";
import { TetradError } from "../errors.ts";
import type { PaidMode, PaidTerms } from "../paid/index.ts";

/** Amounts are decimal texts of minor units. */
export interface ListedPrice {
	readonly mode: PaidMode;
	readonly amount: string;
	readonly currency: string;
	readonly exponent: number;
	readonly play: boolean;
	readonly issuer: string;
}

const priceForm: z.ZodType<ListedPrice> = z.object({
	mode: z.enum(["sealed", "prepaid"]),
	amount: z.string().regex(/^[1-9]\d{0,18}$/),
	currency: z.string(),
	exponent: z.int(),
	play: z.boolean(),
	issuer: z.string(),
});

/** The price as it stands in a list. */
export function listedPrice({
	mode,
	amount,
	currency,
	exponent,
	play,
	issuer,
}: Omit<PaidTerms, "item" | "request">): ListedPrice {
	return { mode, amount: `${amount}`, currency, exponent, play, issuer };
}

/** Reads what a list says; `undefined` where it says no price. */
export function parseListedPrice(said: unknown): ListedPrice | undefined {
	return priceForm.safeParse(said).data;
}

/** Throws `payment-refused` for terms that ask for more than was listed, or for something else. */
export function requireListed(listed: ListedPrice, terms: PaidTerms): void {
	const asked = listedPrice(terms);
	const isListed =
		terms.amount <= BigInt(listed.amount) &&
		asked.currency === listed.currency &&
		asked.exponent === listed.exponent &&
		asked.play === listed.play &&
		asked.issuer === listed.issuer;
	if (!isListed)
		throw new TetradError(
			"payment-refused",
			`nothing was paid: the tool was listed at ${listed.amount} minor units, and asks for ${asked.amount} or for other money; list the tools again and call it anew`,
		);
}
