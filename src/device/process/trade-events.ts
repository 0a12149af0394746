import { nodeCrypto } from "../../crypto/index.ts";
import { type TetradError, unreachable } from "../../errors.ts";
import { formatAmount, nameInDeviceId } from "../../money/index.ts";
import {
	type Contract,
	type Offer,
	parseContract,
	parseItemDescription,
	railPromises,
} from "../../trade/documents/index.ts";
import type { PurchaseRow } from "../../trade/records/index.ts";
import { hex } from "../../wire/index.ts";
import type { BuyStep, Quote, SellerEvent } from "../trade/index.ts";
import type { Money, Report } from "./process-events.ts";

/** A price, as events say it. */
export function priceText({
	amount,
	currency,
	money: { exponent, isPlay },
	issuer,
}: Pick<Offer, "amount" | "currency" | "money" | "issuer">): Money {
	return {
		amount: formatAmount(amount, { code: currency, exponent }),
		currency,
		play: isPlay,
		issuer: nameInDeviceId(issuer),
	};
}

/** What a kept purchase or sale cost. */
function rowMoney(
	{ exponent, play }: Pick<PurchaseRow, "exponent" | "play">,
	{
		amount,
		currency,
		issuer,
	}: Pick<Contract, "amount" | "currency" | "issuer">,
): Money {
	return priceText({
		amount,
		currency,
		issuer,
		// Where only the module knows decimals, minor units are shown.
		money: { exponent: Math.max(0, Number(exponent)), isPlay: play === 1n },
	});
}

/** Offers name the issuer of notes. */
export const RAIL_OF_OFFERS = "own-notes";

/** Reports what was quoted, and what is promised of the money that it is to be paid with. */
export function reportQuote(
	{ offer, merchant, merchantModule }: Quote,
	report: Report,
): void {
	report({
		event: "quoted",
		item: offer.description.name,
		...(offer.description.order === ""
			? {}
			: { order: offer.description.order }),
		...(offer.description.about === ""
			? {}
			: { about: offer.description.about }),
		...(offer.length === undefined ? {} : { size: Number(offer.length) }),
		merchant: merchant.name,
		module: merchantModule.name,
		until: new Date(offer.validUntil).toISOString(),
		rail: RAIL_OF_OFFERS,
		promises: railPromises(RAIL_OF_OFFERS),
		...priceText(offer),
	});
}

/** Reports how far a purchase is; of its goods each percent, under number 1. */
export function purchaseReporter(report: Report): (step: BuyStep) => void {
	let said = "";
	const progress = (
		what: "receiving" | "opening",
		bytes: bigint,
		length: bigint,
	) => {
		const percent = length === 0n ? 100n : (bytes * 100n) / length;
		const saying = `${what} ${percent}`;
		if (saying === said) return;
		said = saying;
		report({
			event: "progress",
			tetrad: what === "receiving" ? 1 : 2,
			bytes: Number(bytes),
			size: Number(length),
		});
	};
	let contract: Contract | undefined;
	return (step) => {
		const of = contract === undefined ? {} : { contract: hex(contract.hash) };
		switch (step.kind) {
			case "receiving":
			case "opening":
				return progress(step.kind, step.bytes, step.length);
			case "provisional":
				contract = step.contract;
				return report({
					event: "purchase",
					state: "paying",
					contract: hex(step.contract.hash),
					until: new Date(step.contract.payBy).toISOString(),
				});
			case "waiting":
				return report({
					event: "purchase",
					state: "waiting",
					...of,
					...(contract === undefined
						? {}
						: { until: new Date(contract.payBy).toISOString() }),
					code: step.error.code,
					reason: step.error.message,
				});
			case "in-doubt":
				return report({
					event: "purchase",
					state: "in-doubt",
					...of,
					...(contract === undefined
						? {}
						: { until: new Date(contract.bookBy).toISOString() }),
					code: step.error.code,
					reason: step.error.message,
				});
			case "paid":
			case "fetching":
				return report({ event: "purchase", state: step.kind, ...of });
			default:
				return unreachable(step);
		}
	};
}

/** Reports a purchase whose goods are here. */
export function reportBought(row: PurchaseRow, report: Report): void {
	const contract = parseContract(nodeCrypto, row.document);
	report({
		event: "bought",
		contract: hex(row.contract),
		item: parseItemDescription(row.description).name,
		merchant: row.merchant,
		path: row.target,
		size: Number(contract.length),
		receipted: row.receipt.length > 0,
		...rowMoney(row, contract),
	});
}

/** Reports what a merchant's agent has to say of a sale. `money` is of amounts in its currency. */
export function sellerReporter(
	tetrad: number,
	buyer: string,
	names: (contract: Uint8Array) => string,
	money: (amount: bigint) => Money,
	report: Report,
): (event: SellerEvent) => void {
	return (event) => {
		switch (event.kind) {
			case "sending":
				return;
			case "offered": {
				const { contract, description } = event;
				return report({
					event: "offered",
					tetrad,
					contract: hex(contract.hash),
					item: description.name,
					buyer,
					...money(contract.amount),
				});
			}
			case "sold": {
				const { contract, amount } = event.sale;
				return report({
					event: "sold",
					tetrad,
					contract: hex(contract),
					item: names(contract),
					buyer,
					...money(amount),
				});
			}
			case "trouble":
				return report({
					event: "unavailable",
					tetrad,
					peer: buyer,
					code: event.error.code,
					reason: event.error.message,
				});
			default:
				return unreachable(event);
		}
	};
}

/** Reports where a purchase is that was gone on with. */
export function reportResumed(
	purchase: PurchaseRow,
	error: TetradError | undefined,
	report: Report,
): void {
	const contract = parseContract(nodeCrypto, purchase.document);
	const state = stateOf(purchase);
	report({
		event: "purchase",
		state,
		contract: hex(purchase.contract),
		...(state === "bought" ? { path: purchase.target } : {}),
		...(state === "in-doubt"
			? { until: new Date(contract.bookBy).toISOString() }
			: {}),
		...(error === undefined ? {} : { code: error.code, reason: error.message }),
		...rowMoney(purchase, contract),
	});
}

/** What an owner is told of a purchase: it is always one of these. */
export function stateOf({
	state,
	evidence,
}: Pick<PurchaseRow, "state" | "evidence">):
	| "bought"
	| "wrong"
	| "not-bought"
	| "void"
	| "in-doubt" {
	switch (state) {
		case "final":
			return evidence.length > 0 ? "wrong" : "bought";
		case "aborted":
			return "not-bought";
		case "refunded":
			return "void";
		default:
			return "in-doubt";
	}
}
