export type { OpenAgentOptions } from "./agent-place.ts";
export type {
	AgentEvent,
	AgentService,
	AgentStatus,
	Approval,
	AskOptions,
	Balance,
	BuyOptions,
	CatalogueItem,
	Decision,
	HistoryEntry,
	ListOptions,
	ModuleStatus,
	MoneyOf,
	OrderTaken,
	OwnerOptions,
	Purchase,
	Quote,
	QuoteOptions,
	ResolveOptions,
	Sale,
	SellOptions,
} from "./agent-service.ts";
export {
	disputeIn,
	purchasesIn,
	receiptIn,
	salesIn,
} from "./agent-views.ts";
export { commandEnvironment } from "./command-environment.ts";
export type {
	ForSale,
	RequestDesk,
	Ware,
} from "./for-sale.ts";
export type {
	CreditedAccount,
	CreditOptions,
	IssuerAccount,
	IssuerAudit,
	IssuerConflict,
	IssuerSale,
	IssuerService,
	RunIssuerOptions,
} from "./issuer-service.ts";
export {
	approvalsInAll,
	balancesInAll,
	historyInAll,
	homeOfWaiting,
} from "./module-homes.ts";
export type {
	Archived,
	ArchivePayments,
	BackedUp,
	BehindHead,
	EcashWork,
	LimitChanges,
	ModuleService,
	OrderEcash,
	Ordered,
	OrderedWithdrawal,
	OwnedNote,
	OwnerLimits,
	SpendingLimits,
	UnarchivedPayment,
	UsedLimits,
} from "./module-service.ts";
export { openAgent, reachAgent, runningAgent } from "./open-agent.ts";
export { openIssuer } from "./open-issuer.ts";
export { openLocalAgent } from "./open-local-agent.ts";
export { openModule, restoreFromSeed, restoreModule } from "./open-module.ts";
export type { FurtherModule } from "./own-modules.ts";
export { balancesIn } from "./purse-views.ts";
export { isOpenOrMadeSince, thingOf } from "./same-thing.ts";
export { readCatalogue } from "./selling.ts";
export { requireSeveral, runServing } from "./serving.ts";
