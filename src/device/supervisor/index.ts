export { answerOf, DeviceProcess } from "./device-process.ts";
export { type AskedSecrets, plansOfSide } from "./side-plans.ts";
export {
	type ProcessPlan,
	type ProcessState,
	Supervisor,
} from "./supervisor.ts";
