export { AgentStore } from "./agent-store.ts";
export {
	readIssuerTerms,
	termsToFile,
	writeIssuerTerms,
} from "./issuer-terms.ts";
export { MAX_HISTORY } from "./limits.ts";
export {
	type CheckedLog,
	verifyLog,
	viewLog,
} from "./log-check.ts";
export { isTakenDown } from "./order-taken.ts";
export {
	type PurseBalance,
	type PurseChange,
	type PurseNote,
	type PurseOrder,
	type PurseQueues,
	viewBalances,
	viewBehind,
	viewHistory,
	viewNotes,
	viewOrders,
	viewQueues,
} from "./owner-view.ts";
export {
	type PaidPayment,
	type PaymentOptions,
	Payments,
	type PaymentsOptions,
} from "./payments.ts";
export { Purse, type PurseOptions } from "./purse.ts";
export {
	archivePurse,
	archiveStore,
	isInLog,
	logNames,
	readArchive,
} from "./purse-archive.ts";
export {
	backUpPurse,
	type PurseBackup,
	restorePurse,
} from "./purse-backup.ts";
export {
	balancesOf,
	createPurse,
	defaultUndeposited,
	hasPurse,
	moduleIdOf,
	moduleKeyOf,
	type PurseIssuer,
	parseLimits,
	readPurseSettings,
	requireNothingHeld,
	type Undeposited,
	viewPurse,
	viewWaiting,
} from "./purse-home.ts";
export type { PurseMint } from "./purse-mints.ts";
export {
	placeApproval,
	placeCancellation,
	placeGiveBack,
	placeLimits,
	placeOverride,
	placeWithdrawal,
	readOrders,
} from "./purse-orders.ts";
export { newOwner, type Owner, openOwner } from "./purse-owner.ts";
export {
	NOTHING_SPENT,
	type PurseSpending,
	viewSpending,
	type WaitingPayment,
} from "./spending-view.ts";
export type { Witness } from "./witness.ts";
