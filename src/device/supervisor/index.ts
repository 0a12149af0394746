export type { SaidEvent } from "./child.ts";
export { answerOf, DeviceProcess } from "./device-process.ts";
export type { SupervisorLimits } from "./limits.ts";
export {
	type ProcessPlan,
	type ProcessState,
	Supervisor,
	type SupervisorOptions,
} from "./supervisor.ts";
