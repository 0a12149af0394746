export { auditWires, type WireAudit } from "./audit.ts";
export {
	CLAIMS,
	type ClaimResult,
	checkClaim,
	type Dissected,
	NEEDS_TOKENS,
} from "./claims.ts";
export { type Custody, whereOf } from "./custody.ts";
export { dissect, type WireFrame } from "./dissect.ts";
export { takenBy, type Victim } from "./doubt.ts";
export { KEY_ROOMS } from "./key-room.ts";
export { byPlace, NAMES } from "./names.ts";
export type { DoubtfulSale, Sale, SaleStep } from "./sale.ts";
export {
	type Books,
	checkBooks,
	checkDelivery,
	checkReceipt,
	type Delivery,
	type ReceiptCheck,
} from "./sale-check.ts";
export { type Run, type RunOptions, Stage } from "./stage.ts";
export type { SaleMoney } from "./teller.ts";
