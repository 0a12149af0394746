export type { DeviceContext, LinkContext, NamedChain } from "../context.ts";
export { demandSize } from "../parameters.ts";
export {
	AgentInitiator,
	type AgentInitiatorOptions,
} from "./agent-initiator.ts";
export type { AgentMachine, ConfirmedAgent } from "./agent-machine.ts";
export { AgentResponder } from "./agent-responder.ts";
export { ModuleInitiator, type ModuleOptions } from "./module-initiator.ts";
export type { ConfirmedModule, ModuleMachine } from "./module-machine.ts";
export { ModuleResponder } from "./module-responder.ts";
export { type Effect, endBody, type MachineOptions } from "./role-machine.ts";
