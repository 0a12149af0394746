export type { ConfirmedAgent } from "./agent-conversation.ts";
export {
	type AgentInitiatorOptions,
	agentInitiator,
} from "./agent-initiator.ts";
export { AgentMachine } from "./agent-machine.ts";
export {
	type AgentResponderOptions,
	agentResponder,
} from "./agent-responder.ts";
export { endBody } from "./link-end.ts";
export { type ConfirmedModule, readToItsEnd } from "./module-conversation.ts";
export { type ModuleOptions, moduleInitiator } from "./module-initiator.ts";
export { ModuleMachine, placeThatBegins } from "./module-machine.ts";
export { moduleResponder } from "./module-responder.ts";
export type {
	AgentEffect,
	AgentEvent,
	MachineOptions,
	ModuleEffect,
	ModuleEvent,
} from "./role.ts";
