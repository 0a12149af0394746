export type { ClosedBy, Ended } from "../machine/machine.ts";
export {
	type LinkEffect,
	LinkMachine,
	type LinkOptions,
	type Pairing,
} from "./link/link.ts";
export { type PairingEffect, PairingMachine } from "./link/pairing.ts";
export { ListExchange, ListMemory } from "./list-exchange.ts";
export * as messages from "./messages.ts";
export { LINK, type LinkMessageType } from "./messages.ts";
export * from "./parameters.ts";
export { makePolicy, type Policy } from "./policy.ts";
export {
	AgentInitiator,
	type AgentInitiatorOptions,
} from "./role/agent-initiator.ts";
export type { AgentMachine, ConfirmedAgent } from "./role/agent-machine.ts";
export { AgentResponder } from "./role/agent-responder.ts";
export {
	ModuleInitiator,
	type ModuleOptions,
} from "./role/module-initiator.ts";
export type { ConfirmedModule, ModuleMachine } from "./role/module-machine.ts";
export { ModuleResponder } from "./role/module-responder.ts";
export {
	type DeviceContext,
	type Effect,
	endBody,
	type LinkContext,
	type MachineOptions,
} from "./role/role-machine.ts";
export { safetyWords } from "./safety-code.ts";
export { SignedHashes } from "./signed-hashes.ts";
export type { Parties, Transcript } from "./transcript.ts";
