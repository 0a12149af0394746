export { answerOf, DeviceProcess } from "./device-process.ts";
export { type AskedSecrets, plansOfSide, plansOfWorld } from "./side-plans.ts";
export {
	type ProcessState,
	Supervisor,
} from "./supervisor.ts";
