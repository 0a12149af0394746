export type { ClosedBy, Ended } from "../machine/index.ts";
export {
	Admission,
	type AdmissionCounts,
	type AdmissionEffect,
	type AdmissionEvent,
	partOf,
} from "./admission/index.ts";
export type { DeviceContext, LinkContext } from "./context.ts";
export {
	cipherBetween,
	LINK_CIPHERS,
	type LinkCipher,
	type LinkEffect,
	type LinkEvent,
	LinkMachine,
	type LinkOptions,
	type Pairing,
	type PairingEffect,
	type PairingEnd,
	type PairingEvent,
	PairingMachine,
	PairingTries,
} from "./link/index.ts";
export { ListExchange, ListMemory } from "./list-exchange.ts";
export * as messages from "./messages.ts";
export {
	DEFAULT_TIMEOUT_MS,
	LINK_BYTE,
	LINK_HEADER_BYTES,
	type LinkMode,
	type ListLimits,
	LOAD_LIMITS,
	type LoadLimits,
	MAX_AGENT_MESSAGE_BYTES,
	MAX_LIST_MEMORY_BYTES,
	MAX_MODULE_MESSAGE_BYTES,
	MAX_PAIRING_TRIES,
	PLACES,
	type Place,
	PROTOCOL_VERSION,
	ROOT_BYTE,
	ROUTING_BYTE,
	type Root,
	type Routing,
	TETRAD_ID_BYTES,
} from "./parameters.ts";
export { makePolicy, type Policy } from "./policy.ts";
export { ResumptionTokens } from "./resumption-tokens.ts";
export {
	type AgentEffect,
	type AgentEvent,
	type AgentInitiatorOptions,
	AgentMachine,
	type AgentResponderOptions,
	agentInitiator,
	agentResponder,
	type ConfirmedAgent,
	type ConfirmedModule,
	endBody,
	type MachineOptions,
	type ModuleEffect,
	type ModuleEvent,
	ModuleMachine,
	type ModuleOptions,
	moduleInitiator,
	moduleResponder,
	placeThatBegins,
	readToItsEnd,
} from "./role/index.ts";
export { safetyWords } from "./safety-code.ts";
export { SignedHashes } from "./signed-hashes.ts";
export type { Parties, Transcript } from "./transcript.ts";
