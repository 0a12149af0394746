/* What an agent has bought, sold and been offered, as the service says it. */
import { nodeCrypto } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import { nameInDeviceId } from "../../money/index.ts";
import {
	encodePurchaseReceipt,
	type Listing,
	parseContract,
	parseItemDescription,
	RAIL_NAMES,
	railOfPrice,
	railPromises,
} from "../../trade/documents/index.ts";
import {
	type PurchaseRow,
	paidModule,
	type SaleRow,
} from "../../trade/records/index.ts";
import { hex } from "../../wire/index.ts";
import { issuerName, mintOf, stateOf } from "../process/index.ts";
import {
	type Quote as TradeQuote,
	viewPurchase,
	viewPurchases,
	viewRefunds,
	viewSales,
} from "../trade/index.ts";
import type {
	CatalogueItem,
	MoneyOf,
	Purchase,
	Quote,
	Sale,
} from "./agent-service.ts";

export function itemOf(listing: Listing): CatalogueItem {
	const { description, kind, length, amount } = listing;
	const { name, mediaType, about } = description;
	return {
		item: name,
		kind,
		amount,
		...(length === undefined ? {} : { size: Number(length) }),
		...(mediaType === "" ? {} : { type: mediaType }),
		...(about === "" ? {} : { about }),
		rail: railOfPrice(listing),
		...(listing.mint === undefined
			? {}
			: { mint: listing.mint.url, unit: listing.mint.unit }),
		...moneyOfListing(listing),
	};
}

export function quoteOf(quote: TradeQuote): Quote {
	const { offer, fee, merchant, merchantModule, address } = quote;
	const { order } = offer.description;
	return {
		id: hex(offer.id),
		...itemOf(offer),
		...(offer.mint === undefined || fee === undefined ? {} : { fee }),
		...(order === "" ? {} : { order }),
		merchant: merchant.name,
		merchantId: hex(merchant.deviceId),
		address,
		module: merchantModule.name,
		moduleId: hex(merchantModule.deviceId),
		until: instant(offer.validUntil),
		promises: railPromises(railOfPrice(offer)),
	};
}

/** What was bought, the newest first. */
export async function purchasesIn(
	home: string,
	limit: number,
): Promise<Purchase[]> {
	const refunded = await refundsIn(home);
	const purchases = await viewPurchases(home, limit);
	return purchases.map(({ row }) => ({
		...purchaseOf(row),
		...refunded(row.contract),
	}));
}

/** A purchase, and what of it was given back. */
export async function withRefunds(
	home: string,
	purchase: Purchase,
): Promise<Purchase> {
	const refunded = await refundsIn(home);
	return { ...purchase, ...refunded(fromHex(purchase.contract)) };
}

/** What was sold, the newest first. */
export async function salesIn(home: string, limit: number): Promise<Sale[]> {
	const refunded = await refundsIn(home);
	const sales = await viewSales(home, limit);
	return sales.map((row) => ({ ...saleOf(row), ...refunded(row.contract) }));
}

/** A purchase as it is kept, without what was given back since. */
export function purchaseOf(row: PurchaseRow): Purchase {
	const contract = parseContract(nodeCrypto, row.document);
	const { name, order } = parseItemDescription(row.description);
	const mint = mintOf(contract);
	return {
		contract: hex(row.contract),
		...(row.offer.length === 0 ? {} : { quote: hex(row.offer) }),
		state: stateOf(row),
		time: instant(row.time),
		item: name,
		...(order === "" ? {} : { order }),
		merchant: row.merchant,
		merchantId: hex(contract.sellerAgent),
		module: row.merchant_module,
		amount: contract.amount,
		...(row.fee > 0n ? { fee: row.fee } : {}),
		rail: contract.rail,
		...(mint === undefined ? {} : { mint: mint.url, unit: mint.unit }),
		until: instant(contract.bookBy),
		path: row.target,
		size: Number(contract.length),
		receipted: row.receipt.length > 0,
		...(row.code === "" ? {} : { code: row.code, reason: row.reason }),
		...moneyOfRow(row, contract, mint?.url),
	};
}

function saleOf(row: SaleRow): Sale {
	const paid = paidModule(row);
	const rail = RAIL_NAMES.find((name) => name === row.rail);
	return {
		contract: hex(row.contract),
		time: instant(row.time),
		item: row.item,
		buyer: row.buyer,
		...(paid === undefined ? {} : { module: nameInDeviceId(paid) }),
		amount: row.amount,
		...(rail === undefined ? {} : { rail }),
		...(row.mint === "" ? {} : { mint: row.mint, unit: row.unit }),
		...moneyOfRow(row, row, row.mint === "" ? undefined : row.mint),
	};
}

/** The receipt of a purchase. Throws `invalid-argument` when there is none. */
export async function receiptIn(
	home: string,
	contract: string,
): Promise<{ readonly contract: string; readonly receipt: Uint8Array }> {
	const { row } = await viewPurchase(home, contract);
	if (row.receipt.length === 0)
		throw new TetradError(
			"invalid-argument",
			row.key.length === 0
				? "this purchase has no receipt: it was not bought, or is still in doubt"
				: "this purchase has no receipt: its merchant never sent one, and the issuer has said that it was booked",
		);
	const receipt = encodePurchaseReceipt({
		contract: row.document,
		contractChain: row.chain,
		receipt: row.receipt,
		receiptChain: row.receipt_chain,
		salt: row.salt,
		description: row.description,
	});
	return { contract: hex(row.contract), receipt };
}

/** What proves that goods are wrong. Throws `invalid-argument` when nothing does. */
export async function disputeIn(
	home: string,
	contract: string,
): Promise<{
	readonly contract: string;
	readonly merchant: string;
	readonly evidence: Uint8Array;
}> {
	const { row, item } = await viewPurchase(home, contract);
	if (stateOf(row) !== "wrong")
		throw new TetradError(
			"invalid-argument",
			`there is nothing to dispute about ${JSON.stringify(item.name)}: no chunk of it was found that is not what the merchant signed for`,
		);
	const { merchant, evidence } = row;
	return { contract: hex(row.contract), merchant, evidence };
}

/** What of each price was given back, where something was. */
async function refundsIn(
	home: string,
): Promise<(sale: Uint8Array) => { readonly refunded?: bigint }> {
	const sums = new Map<string, bigint>();
	for (const { sale, amount, state } of await viewRefunds(home))
		if (state === "paid")
			sums.set(hex(sale), (sums.get(hex(sale)) ?? 0n) + amount);
	return (sale) => {
		const refunded = sums.get(hex(sale));
		return refunded === undefined ? {} : { refunded };
	};
}

function moneyOfListing({
	currency,
	money: { exponent, isPlay },
	issuer,
	mint,
}: Pick<Listing, "currency" | "money" | "issuer" | "mint">): MoneyOf {
	return {
		...{ currency, exponent, play: isPlay },
		issuer: issuerName(issuer, mint?.url),
	};
}

function moneyOfRow(
	{ exponent, play }: Pick<PurchaseRow, "exponent" | "play">,
	{
		currency,
		issuer,
	}: { readonly currency: string; readonly issuer: Uint8Array },
	mint?: string,
): MoneyOf {
	return {
		currency,
		// Where only the module knows decimals, minor units are shown.
		exponent: Math.max(0, Number(exponent)),
		play: play === 1n,
		issuer: issuerName(issuer, mint),
	};
}

function fromHex(text: string): Uint8Array {
	return new Uint8Array(Buffer.from(text, "hex"));
}

function instant(time: bigint | number): string {
	return new Date(Number(time)).toISOString();
}
