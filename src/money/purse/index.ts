export {
	ARCHIVE_START,
	type ArchiveCursor,
	type ArchiveStep,
	type FoundToArchive,
	findToArchive,
	pruneArchived,
	type Unarchived,
} from "./archive.ts";
export {
	type Balance,
	type Balances,
	type BalanceView,
	balanceParts,
	type HeldBecause,
	HISTORY_READ,
	type HistoryView,
	historyView,
	NO_BALANCES,
	NOTES_READ,
	type NoteView,
	noBalance,
	noteView,
	readBalances,
	type ViewPart,
} from "./balance-history.ts";
export {
	type EcashSeed,
	ecashSeed,
	keepEcashSeed,
	takeEcashSeed,
} from "./ecash-load.ts";
export type { PurseEcash } from "./ecash-part.ts";
export * as ecashTables from "./ecash-tables.ts";
export type { PurseJob } from "./pending-jobs.ts";
export { PurseMachine, type PurseMachineOptions } from "./purse.ts";
export { CLOCK_TOLERANCE_MS, FEE_ALWAYS, FEE_PART } from "./purse-limits.ts";
export {
	loadPurse,
	markRestored,
	type PurseStart,
	type PurseState,
	placing,
	readPlace,
} from "./purse-load.ts";
export type {
	EcashOrderKind,
	EcashOrderState,
	PurseReport,
	WhyApproval,
} from "./purse-report.ts";
export * as purseTables from "./purse-tables.ts";
export type {
	AtMint,
	CommittedSale,
	DeliveredSale,
	GivenSecret,
	MakeSalePart,
	OfferedSale,
	RefundedBy,
	SaleEvent,
	SalePart,
	SalePayment,
	SaleRail,
	SaleReport,
	SellsAtMint,
	Sold,
} from "./sale-part.ts";
export * as saleTables from "./sale-tables.ts";
export { countingRows } from "./spending-sums.ts";
export * as spendingTables from "./spending-tables.ts";
