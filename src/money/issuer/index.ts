export { foldRows } from "./fold-rows.ts";
export { IssuerMachine } from "./issuer.ts";
export type { IssuerJob } from "./issuer-jobs.ts";
export type { IssuerParameters } from "./issuer-parameters.ts";
export type { IssuerReport } from "./issuer-report.ts";
export type { NewNote } from "./ledger.ts";
export {
	type Asked,
	type Conflict,
	declinedMessage,
	type Refusal,
	type RequestOutcome,
	type SettledRequest,
} from "./ledger-answers.ts";
export { predecessor } from "./ledger-bookings.ts";
export {
	type Account,
	accountOf,
	accountsNamed,
	type ConflictRow,
	claimLedger,
	claimSellingMaster,
	credit,
	evidenceOf,
	listAccounts,
	listConflicts,
	listSales,
	type NoteStatus,
	noteStatus,
	openAccount,
	type SaleStatus,
	sellingMasterOf,
} from "./ledger-desk.ts";
export {
	type EntryKind,
	entries,
	newAccount,
	SYSTEM,
} from "./ledger-entries.ts";
export {
	conflictId,
	creditTransaction,
	ledgerValue,
	masterHash,
	nameInDeviceId,
	noteSerial,
	requestTransaction,
} from "./ledger-ids.ts";
export {
	ACCOUNTS,
	ANSWERS,
	BOOKINGS,
	CHAINS,
	CONFLICTS,
	CREDITS,
	ENTRIES,
	HEADS,
	LEDGER_SCHEMA,
	META,
	NOTES,
	type RowOf,
	TRANSFERS,
} from "./ledger-tables.ts";
export type { RequestKind } from "./module-requests.ts";
export type {
	JudgedSale,
	MarkedTransfer,
	ReadTerms,
	SaidTerms,
	SaleJudge,
	Seller,
	SellingSecret,
} from "./sale-judge.ts";
