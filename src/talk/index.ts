export {
	AgentAnswering,
	type AgentAnsweringEffect,
	type AgentAnsweringEvent,
	type AgentAnsweringOptions,
	type ProposedPayment,
} from "./agent-answering.ts";

export { harmlessName, numberedName } from "./file-name.ts";

export {
	FileReceiving,
	type FileReceivingEffect,
	type FileReceivingEvent,
	type FileWorkEffect,
	type FileWorkEvent,
	type ReceivedFile,
} from "./file-receiving.ts";
export {
	FileSending,
	type FileSendingEffect,
	type FileSendingEvent,
} from "./file-sending.ts";
export {
	CHUNK_BYTES,
	DEFAULT_MAX_FILE_BYTES,
	MAX_KEPT_NAME_BYTES,
	MAX_TEXT_BYTES,
} from "./limits.ts";
export { FILE, PAYMENT } from "./messages.ts";
export {
	ModuleGreeting,
	type ModuleGreetingEffect,
	type ModuleGreetingEvent,
} from "./module-greeting.ts";
export {
	newContract,
	PaymentProposing,
	type PaymentProposingEffect,
	type PaymentProposingEvent,
} from "./payment-proposing.ts";
export type { SessionOneEffect, SessionOneEvent } from "./session-one.ts";
export { parseText, textMessage } from "./text.ts";
