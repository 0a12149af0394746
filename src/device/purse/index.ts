export { AgentStore } from "./agent-store.ts";
export {
	type AgentStorePlace,
	agentStorePlace,
	hasAgentStore,
	moveAgentStore,
	openAgentView,
	requireSharedStore,
	viewAgentStore,
} from "./agent-store-place.ts";
export {
	type EcashOrderView,
	viewEcashOrder,
	viewEcashOrders,
} from "./ecash-view.ts";
export {
	readIssuerTerms,
	termsToFile,
	writeIssuerTerms,
} from "./issuer-terms.ts";
export { MAX_HISTORY, MAX_SEED_TEXT } from "./limits.ts";
export {
	type CheckedLog,
	verifyLog,
	viewLog,
} from "./log-check.ts";
export { isTakenDown } from "./order-taken.ts";
export {
	type MintChoice,
	type MintInvoice,
	type OrderOfMint,
	OwnerEcash,
	type PaidInvoice,
	type SentToken,
} from "./owner-ecash.ts";
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
export { mintNamed, type PurseMint, trustedMint } from "./purse-mints.ts";
export {
	isWaiting,
	type NewEcashOrder,
	placeApproval,
	placeCancellation,
	placeEcashOrder,
	placeGiveBack,
	placeLimits,
	placeOverride,
	placeToken,
	placeWithdrawal,
	readOrders,
} from "./purse-orders.ts";
export { newOwner, type Owner, openOwner } from "./purse-owner.ts";
export {
	readSeedFile,
	showSeed,
	takeSeed,
	writeSeedFile,
} from "./purse-seed.ts";
export type { SeedText } from "./seed-text.ts";
export {
	NOTHING_SPENT,
	type PurseSpending,
	viewSpending,
	type WaitingPayment,
} from "./spending-view.ts";
export type { Witness } from "./witness.ts";
