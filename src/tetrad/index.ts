export {
	AgentInitiator,
	type AgentInitiatorOptions,
} from "./agent-initiator.ts";
export type { AgentMachine, ConfirmedAgent } from "./agent-machine.ts";
export { AgentResponder } from "./agent-responder.ts";
export {
	type LinkEffect,
	LinkMachine,
	type LinkOptions,
	type Pairing,
} from "./link.ts";
export { ListExchange, ListMemory } from "./list-exchange.ts";
export type { ClosedBy, Ended } from "./machine.ts";
export * as messages from "./messages.ts";
export { LINK, type LinkMessageType } from "./messages.ts";
export { ModuleInitiator, type ModuleOptions } from "./module-initiator.ts";
export type { ConfirmedModule, ModuleMachine } from "./module-machine.ts";
export { ModuleResponder } from "./module-responder.ts";
export { type PairingEffect, PairingMachine } from "./pairing.ts";
export * from "./parameters.ts";
export { makePolicy, type Policy } from "./policy.ts";
export {
	type DeviceContext,
	type Effect,
	endBody,
	type LinkContext,
	type MachineOptions,
} from "./role-machine.ts";
export { safetyWords } from "./safety-code.ts";
export { SignedHashes } from "./signed-hashes.ts";
export type { Parties, Transcript } from "./transcript.ts";
