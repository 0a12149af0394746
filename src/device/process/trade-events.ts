import { nodeCrypto } from "../../crypto/index.ts";
import { type TetradError, unreachable } from "../../errors.ts";
import { formatAmount, nameInDeviceId, nameOfMint } from "../../money/index.ts";
import {
	type Contract,
	type MintOfPrice,
	type Offer,
	parseContract,
	parseItemDescription,
	railOfPrice,
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
	mint,
}: Pick<Offer, "amount" | "currency" | "money" | "issuer" | "mint">): Money {
	return {
		amount: formatAmount(amount, { code: currency, exponent }),
		currency,
		play: isPlay,
		issuer: issuerName(issuer, mint?.url),
	};
}

/** What an issuer is called, or a mint that stands where one does, where its address is known. */
export function issuerName(
	issuer: Uint8Array,
	mint: string | undefined,
): string {
	return mint === undefined ? nameInDeviceId(issuer) : nameOfMint(mint);
}

/** An amount in the money of an offer. */
function feeText({ currency: code, money }: Offer, fee: bigint): string {
	return formatAmount(fee, { code, exponent: money.exponent });
}

/** The mint that a contract is paid at; nothing for notes. */
export function mintOf({
	seller,
}: Pick<Contract, "seller">): MintOfPrice | undefined {
	if (seller.kind === "certified") return undefined;
	const { mint: url, unit } = seller.terms;
	return { url, unit };
}

/** What a kept purchase or sale cost. */
function rowMoney(
	{ exponent, play }: Pick<PurchaseRow, "exponent" | "play">,
	contract: Contract,
): Money {
	const { amount, currency, issuer } = contract;
	const mint = mintOf(contract);
	return priceText({
		amount,
		currency,
		issuer,
		...(mint === undefined ? {} : { mint }),
		// Where only the module knows decimals, minor units are shown.
		money: { exponent: Math.max(0, Number(exponent)), isPlay: play === 1n },
	});
}

/** What a mint has taken beside that, if it has taken anything. */
function rowFee(
	{ exponent, fee }: Pick<PurchaseRow, "exponent" | "fee">,
	{ currency: code }: Contract,
): { readonly fee?: string } {
	const of = { code, exponent: Math.max(0, Number(exponent)) };
	return fee > 0n ? { fee: formatAmount(fee, of) } : {};
}

/** Reports what was quoted, and what is promised of the money that it is to be paid with. */
export function reportQuote(
	{ offer, fee, merchant, merchantModule }: Quote,
	report: Report,
): void {
	const rail = railOfPrice(offer);
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
		rail,
		promises: railPromises(rail),
		...(offer.mint === undefined
			? {}
			: { mint: offer.mint.url, unit: offer.mint.unit }),
		...(offer.mint === undefined || fee === undefined
			? {}
			: { fee: feeText(offer, fee) }),
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
		const of =
			contract === undefined
				? {}
				: { contract: hex(contract.hash), rail: contract.rail };
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
					rail: step.contract.rail,
					...(step.contract.rail === "cashu"
						? { lockedUntil: new Date(step.contract.bookBy).toISOString() }
						: {}),
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
		...rowFee(row, contract),
	});
}

/** Reports what a merchant's agent has to say of a sale. `money` is of amounts in the money of that issuer, and in notes where none is named. */
export function sellerReporter(
	tetrad: number,
	buyer: string,
	names: (contract: Uint8Array) => string,
	money: (amount: bigint, issuer?: Uint8Array) => Money,
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
					...money(contract.amount, contract.issuer),
				});
			}
			case "sold": {
				const { contract, amount, ecash, buyer } = event.sale;
				return report({
					event: "sold",
					tetrad,
					contract: hex(contract),
					item: names(contract),
					buyer: buyer.name,
					...money(amount, ecash?.issuer),
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
		rail: contract.rail,
		...(state === "bought" ? { path: purchase.target } : {}),
		...(state === "in-doubt"
			? { until: new Date(contract.bookBy).toISOString() }
			: {}),
		...(error === undefined ? {} : { code: error.code, reason: error.message }),
		...rowMoney(purchase, contract),
		...rowFee(purchase, contract),
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
