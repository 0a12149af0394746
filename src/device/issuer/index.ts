export { type AuditRoots, runAudit } from "./audit-run.ts";
export { Issuer } from "./issuer.ts";
export {
	announceHttp,
	examineLedger,
	forgetHttp,
	type LedgerServers,
	makeIssuer,
	openLedger,
	placeLedger,
	readIssuerSettings,
	readOperatorToken,
	termsOf,
	termsPath,
	viewLedger,
} from "./issuer-home.ts";
export {
	auditAsJson,
	LedgerOperator,
	type Operator,
	PLAY_MONEY,
} from "./operator.ts";
export type { AccountJson, AuditJson, SaleJson } from "./operator-schemas.ts";
export { openSellingMaster } from "./selling-master.ts";
