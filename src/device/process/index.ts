export { serve } from "./agent-answer.ts";
export { AgentAtWork } from "./agent-at-work.ts";
export { type AgentProcessOptions, runAgentProcess } from "./agent-process.ts";
export { type SettleAt, settleEach, settleOnce } from "./agent-settling.ts";
export { type Alongside, alongside } from "./alongside.ts";
export { calmReport } from "./calm-report.ts";
export { runIssuerProcess } from "./issuer-process.ts";
export { runModuleProcess } from "./module-process.ts";
export { openToRead } from "./outgoing-file.ts";
export type { WantedPayment } from "./paying-other.ts";
export {
	type Money,
	moneyText,
	type ProcessEvent,
	type PurseEvent,
	type Report,
} from "./process-events.ts";
export { WHY_APPROVAL } from "./purse-events.ts";
export { promisesText, railText, risksText } from "./rail-text.ts";
export { serveRefunds } from "./refund-desk.ts";
export { keepRefund, runRefunding } from "./refunding.ts";
export { observer, reportRefused } from "./tetrad-events.ts";
export {
	issuerName,
	mintOf,
	priceText,
	purchaseReporter,
	reportBought,
	reportQuote,
	reportResumed,
	sellerReporter,
	stateOf,
} from "./trade-events.ts";
export {
	type AgentHomeOptions,
	type AgentPlan,
	type CallMerchant,
	type FurtherModuleAt,
	isFirstOf,
	type OpenedAgent,
	openAgentHome,
} from "./with-agent.ts";
