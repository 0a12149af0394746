export {
	beginPurchase,
	concludePurchase,
	type NewPurchase,
	type PurchaseOutcome,
	type PurchaseState,
	readProvisional,
	readPurchase,
} from "./purchases.ts";
export {
	countUnpaid,
	MAX_UNPAID,
	recordMade,
	recordSale,
	settleMade,
} from "./sales.ts";
export {
	AGENT_SCHEMA,
	MADE,
	type MadeRow,
	PURCHASES,
	type PurchaseRow,
	REFUNDS,
	type RefundRow,
	SALES,
	type SaleRow,
} from "./tables.ts";
