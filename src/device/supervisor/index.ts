export type { SaidEvent } from "./child.ts";
export { answerOf, DeviceProcess } from "./device-process.ts";
export type { SupervisorLimits } from "./limits.ts";
export {
	type AskedSecrets,
	plansOfSide,
} from "./side-plans.ts";
export {
	type ProcessPlan,
	type ProcessState,
	Supervisor,
	type SupervisorOptions,
} from "./supervisor.ts";
