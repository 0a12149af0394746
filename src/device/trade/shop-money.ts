/* The kinds of money that a shop takes, and what its things cost in each. */
import { TetradError } from "../../errors.ts";
import { type IssuerTerms, parseAmount } from "../../money/index.ts";
import {
	type Listing,
	MAX_OFFERS,
	type MintOfPrice,
} from "../../trade/documents/index.ts";
import type { SaleRow } from "../../trade/records/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import type { Item, Pricing } from "./catalogue-file.ts";
import type { ShopSale } from "./shop.ts";

/** Money that a shop takes: an issuer's notes, or ecash of a mint. */
export interface ShopMoney extends IssuerTerms {
	/** There where it is ecash. */
	readonly mint?: MintOfPrice;
}

/** Of these the first is the one in which prices are that name no currency. */
export type TakenMoneys = readonly [ShopMoney, ...ShopMoney[]];

/** The same. Throws `invalid-argument` for none, for too many, for one twice, and for one code with several decimals. */
export function requireMoneys(moneys: readonly ShopMoney[]): TakenMoneys {
	const [first, ...others] = moneys;
	if (first === undefined) throw invalid("say for which money it is sold");
	if (moneys.length > MAX_OFFERS)
		throw invalid(`a shop takes at most ${MAX_OFFERS} kinds of money`);
	const ids = new Set(moneys.map(({ issuer }) => hex(issuer)));
	if (ids.size < moneys.length)
		throw invalid("a shop takes one kind of money twice");
	for (const { currency: one } of moneys)
		for (const { currency: other } of moneys)
			if (one.code === other.code && one.exponent !== other.exponent)
				throw invalid(
					`two kinds of money are called ${one.code}, and have other decimals: a price in it could be misread`,
				);
	return [first, ...others];
}

/** What prices are read with. `price` is of all that has none of its own, such as "1.00", or "1.00, 1200 SAT" in several currencies. */
export function pricingOf(
	[first, ...others]: TakenMoneys,
	price?: string,
): Pricing {
	const currency = first.currency;
	const more = new Map(
		others.map(({ currency: of }) => [of.code, of] as const),
	);
	more.delete(currency.code);
	const currencies = { currency, others: [...more.values()] };
	if (price === undefined) return currencies;
	const prices = new Map<string, bigint>();
	for (const part of price.split(",")) {
		const [, amount = "", code = currency.code] =
			/^\s*([0-9.]+)(?:\s+([A-Z0-9]{1,8}))?\s*$/.exec(part) ?? [];
		const of = code === currency.code ? currency : more.get(code);
		if (amount === "" || of === undefined)
			throw invalid(
				`${JSON.stringify(part.trim())} is no price in money that is taken`,
			);
		if (prices.has(code)) throw invalid(`there are two prices in ${code}`);
		prices.set(code, parseAmount(amount, of));
	}
	const own = prices.get(currency.code);
	prices.delete(currency.code);
	return {
		...currencies,
		prices,
		...(own === undefined ? {} : { price: own }),
	};
}

/** Over which rail a sale was paid, and at which mint where that is ecash, as far as the shop still takes it. */
export function paidOver(
	{ ecash }: Pick<ShopSale, "ecash">,
	moneys: readonly ShopMoney[],
): Pick<SaleRow, "rail" | "mint" | "unit"> {
	if (ecash === undefined) return { rail: "own-notes", mint: "", unit: "" };
	const at = moneys.find(({ issuer }) => sameBytes(issuer, ecash.issuer))?.mint;
	return { rail: "cashu", mint: at?.url ?? "", unit: at?.unit ?? "" };
}

/** What an item costs in that money, in minor units; nothing where it is not sold for it. */
export function priceOf(
	{ price, prices }: Pick<Item, "price" | "prices">,
	{ currency: { code } }: ShopMoney,
	[first]: TakenMoneys,
): bigint | undefined {
	return code === first.currency.code ? price : prices?.get(code);
}

/** A price as listings have it. */
export function inListing(
	{ issuer, currency, isPlay, mint }: ShopMoney,
	amount: bigint,
): Pick<Listing, "issuer" | "currency" | "money" | "amount" | "mint"> {
	return {
		issuer,
		currency: currency.code,
		money: { exponent: currency.exponent, isPlay },
		amount,
		...(mint === undefined ? {} : { mint }),
	};
}

function invalid(message: string): TetradError {
	return new TetradError("invalid-argument", message);
}
