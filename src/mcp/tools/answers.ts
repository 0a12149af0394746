/* What the tools answer, as data. Whatever a merchant wrote stands in `merchantSays` and nowhere else. */
import type { ItemKind, RailName } from "../../trade/documents/index.ts";

/** A decimal text with its money, and never a number of a computer. */
export interface Price {
	readonly amount: string;
	readonly currency: string;
	readonly play: boolean;
	readonly issuer: string;
}

/** A merchant's agent, as it was certified. */
interface MerchantShown {
	readonly name: string;
	readonly id: string;
}

/** What a merchant says of an item. */
export interface ItemSays {
	readonly item: string;
	readonly about?: string | undefined;
	readonly type?: string | undefined;
}

export interface ItemShown {
	readonly kind: ItemKind;
	readonly price: Price;
	readonly sizeBytes?: number | undefined;
	/** Whether its name can be said again by whoever has read it. */
	readonly canBeQuoted: boolean;
	readonly merchantSays: ItemSays;
}

export interface QuoteShown {
	readonly quoteId: string;
	readonly price: Price;
	/** What a mint asks for beside, where that is known: the buyer pays it as well. */
	readonly fee?: string | undefined;
	readonly merchant: MerchantShown & {
		readonly address: string;
		readonly module: string;
	};
	readonly until: string;
	readonly kind: ItemKind;
	/** What is paid with, and what that promises. */
	readonly paidWith: {
		readonly rail: RailName;
		readonly money: string;
		readonly promises: string;
		readonly risks: string;
	};
	readonly sizeBytes?: number | undefined;
	readonly order?: string | undefined;
	readonly merchantSays: ItemSays;
}

export type PurchaseState =
	| "bought"
	| "under-way"
	| "waiting-for-owner"
	| "in-doubt"
	| "not-bought"
	| "void"
	| "wrong";

export interface PurchaseShown {
	readonly state: PurchaseState;
	readonly purchaseId?: string | undefined;
	readonly quoteId?: string | undefined;
	readonly price: Price;
	/** What the mint has taken beside, once it is over: both together are what it cost. */
	readonly fee?: string | undefined;
	readonly refunded?: string | undefined;
	readonly time?: string | undefined;
	readonly merchant: MerchantShown;
	readonly order?: string | undefined;
	readonly file?:
		| { readonly path: string; readonly sizeBytes: number }
		| undefined;
	readonly hasReceipt: boolean;
	/** What the owner runs to approve it. */
	readonly ownerCommand?: string | undefined;
	readonly problem?:
		| { readonly code: string; readonly details: string }
		| undefined;
	readonly merchantSays: {
		readonly item: string;
		/** The goods, where they are a text that is not long. */
		readonly text?: string | undefined;
	};
}

/** What can be done now, in a sentence for a model. */
interface WithNext {
	readonly next: string;
}

export interface CatalogueAnswer extends WithNext {
	readonly items: readonly ItemShown[];
	readonly more?: number | undefined;
}

export interface QuoteAnswer extends WithNext {
	readonly state: "quoted" | PurchaseState;
	readonly quote?: QuoteShown | undefined;
	readonly purchase?: PurchaseShown | undefined;
}

export interface BuyAnswer extends WithNext {
	readonly state: PurchaseState;
	readonly purchase: PurchaseShown;
}

export interface StatusAnswer extends WithNext {
	readonly wallet: { readonly name: string };
	readonly purchases: readonly PurchaseShown[];
}

export interface BalanceShown {
	readonly currency: string;
	readonly play: boolean;
	readonly issuer: string;
	readonly spendable: string;
	readonly held: string;
	readonly inDoubt: string;
}

export interface BalanceAnswer extends WithNext {
	readonly balances: readonly BalanceShown[];
}

export interface ReceiptAnswer extends WithNext {
	readonly purchaseId: string;
	readonly path: string;
}

// What the tools are asked.

export interface CatalogueAsked {
	readonly merchant: string;
	readonly from?: number | undefined;
}

export interface QuoteAsked {
	readonly merchant: string;
	readonly item: string;
	readonly order?: string | undefined;
	readonly anotherCopy?: boolean | undefined;
}

export interface BuyAsked {
	readonly quoteId: string;
}

export interface StatusAsked {
	readonly quoteId?: string | undefined;
}

export interface ReceiptAsked {
	readonly purchaseId: string;
}
