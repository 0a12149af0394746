export { type AgentProcessOptions, runAgentProcess } from "./agent-process.ts";
export { openToRead } from "./file-transfer.ts";
export { runIssuerProcess } from "./issuer-process.ts";
export { runModuleProcess } from "./module-process.ts";
export {
	MAX_TEXT_BYTES,
	moneyText,
	type WantedPayment,
} from "./payment-talk.ts";
export type { ProcessEvent, PurseEvent, Report } from "./process-events.ts";
