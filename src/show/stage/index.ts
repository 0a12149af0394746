export { auditWires, type WireAudit } from "./audit.ts";
export {
	CLAIMS,
	type ClaimResult,
	checkClaim,
	type Dissected,
	NEEDS_TOKENS,
} from "./claims.ts";
export { type Custody, whereOf } from "./custody.ts";
export { type Dissection, dissect, type WireFrame } from "./dissect.ts";
export { KEY_ROOMS } from "./key-room.ts";
export { byPlace, NAMES, type Run, type RunOptions, Stage } from "./stage.ts";
export type { MoneySeen, ShownBalances, Teller } from "./teller.ts";
