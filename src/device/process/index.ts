export { type AgentProcessOptions, runAgentProcess } from "./agent-process.ts";
export { runIssuerProcess } from "./issuer-process.ts";
export { runModuleProcess } from "./module-process.ts";
export { openToRead } from "./outgoing-file.ts";
export type { WantedPayment } from "./paying-other.ts";
export {
	moneyText,
	type ProcessEvent,
	type PurseEvent,
	type Report,
} from "./process-events.ts";
export { WHY_APPROVAL } from "./purse-events.ts";
export { runRefunding } from "./refunding.ts";
export {
	priceText,
	rowMoney,
	stateOf,
} from "./trade-events.ts";
export {
	type CallMerchant,
	runBuying,
	runCatalogue,
	runResolving,
	runSelling,
} from "./trade-process.ts";
