/* What the agent's service says, as the tools say it. */
import {
	promisesText,
	railText,
	risksText,
} from "../../device/process/index.ts";
import type {
	Balance,
	CatalogueItem,
	MoneyOf,
	Purchase,
	Quote,
} from "../../device/service/index.ts";
import { formatAmount } from "../../money/index.ts";
import type {
	BalanceShown,
	ItemSays,
	ItemShown,
	Price,
	PurchaseShown,
	QuoteShown,
} from "./answers.ts";
import { MAX_ABOUT, MAX_ABOUT_IN_LIST, MAX_TEXT } from "./limits.ts";
import { isPlain, shownLine } from "./merchant-text.ts";

export function itemShown(one: CatalogueItem): ItemShown {
	const { kind, size } = one;
	return {
		kind,
		price: priceOf(one),
		...(size === undefined ? {} : { sizeBytes: size }),
		canBeQuoted: isPlain(one.item),
		merchantSays: saysOf(one, MAX_ABOUT_IN_LIST),
	};
}

export function quoteShown(quote: Quote): QuoteShown {
	const { id, kind, size, order, until, address, rail, promises } = quote;
	return {
		quoteId: id,
		price: priceOf(quote),
		...(quote.fee === undefined ? {} : { fee: amountOf(quote.fee, quote) }),
		merchant: {
			...merchantOf(quote),
			address: address.replace(/^tcp:/, ""),
			module: shownLine(quote.module, MAX_TEXT),
		},
		until,
		kind,
		paidWith: {
			rail,
			money: shownLine(railText(rail, quote), MAX_TEXT),
			promises: promisesText(promises),
			risks: risksText(promises),
		},
		...(size === undefined ? {} : { sizeBytes: size }),
		...(order === undefined ? {} : { order }),
		merchantSays: saysOf(quote, MAX_ABOUT),
	};
}

/** What is known of a purchase that was quoted, while there is nothing durable to tell. */
export function quotedPurchase(
	quote: Quote,
	state: "under-way" | "waiting-for-owner",
): PurchaseShown {
	const { id, order } = quote;
	return {
		state,
		quoteId: id,
		price: priceOf(quote),
		merchant: merchantOf(quote),
		...(order === undefined ? {} : { order }),
		hasReceipt: false,
		merchantSays: { item: shownLine(quote.item, MAX_TEXT) },
	};
}

export function purchaseShown(purchase: Purchase): PurchaseShown {
	const { contract, quote, state, time, order, refunded } = purchase;
	const { path, size, code, reason = "", fee } = purchase;
	return {
		state,
		purchaseId: contract,
		...(quote === undefined ? {} : { quoteId: quote }),
		price: priceOf(purchase),
		...(fee === undefined ? {} : { fee: amountOf(fee, purchase) }),
		...(refunded === undefined
			? {}
			: { refunded: amountOf(refunded, purchase) }),
		time,
		merchant: merchantOf(purchase),
		...(order === undefined ? {} : { order }),
		...(state === "bought" ? { file: { path, sizeBytes: size } } : {}),
		hasReceipt: purchase.receipted,
		...(code === undefined
			? {}
			: { problem: { code, details: shownLine(reason, MAX_TEXT) } }),
		merchantSays: { item: shownLine(purchase.item, MAX_TEXT) },
	};
}

export function balanceShown(balance: Balance): BalanceShown {
	const { currency, play, issuer, spendable, held, inDoubt } = balance;
	return {
		...{ currency, play, issuer },
		spendable: amountOf(spendable, balance),
		held: amountOf(held, balance),
		inDoubt: amountOf(inDoubt, balance),
	};
}

function priceOf(of: MoneyOf & { readonly amount: bigint }): Price {
	const { amount, currency, play, issuer } = of;
	return { amount: amountOf(amount, of), currency, play, issuer };
}

function amountOf(
	amount: bigint,
	{ currency: code, exponent }: Pick<MoneyOf, "currency" | "exponent">,
): string {
	return formatAmount(amount, { code, exponent });
}

function merchantOf({
	merchant,
	merchantId,
}: Pick<Quote, "merchant" | "merchantId">): PurchaseShown["merchant"] {
	return { name: shownLine(merchant, MAX_TEXT), id: merchantId };
}

function saysOf(
	{ item, about, type }: Pick<CatalogueItem, "item" | "about" | "type">,
	most: number,
): ItemSays {
	return {
		item: shownLine(item, MAX_TEXT),
		...(about === undefined ? {} : { about: shownLine(about, most) }),
		...(type === undefined ? {} : { type: shownLine(type, MAX_TEXT) }),
	};
}
