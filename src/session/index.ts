export { type SignatureRole, signedBytes } from "../wire/index.ts";
export {
	AuthenticatedDevice,
	authenticate,
	CREDENTIAL,
	type Credential,
} from "./authentication.ts";
export {
	AnsweringMessage1,
	AwaitingMessage2,
	message1Overhead,
	type NoiseSetup,
	readMessage1,
	type SessionSecrets,
	startInitiator,
} from "./noise.ts";
export { MAX_COUNTER, nonceFor } from "./nonce.ts";
export { MAX_JOINED_BYTES, MAX_WAITING_BYTES, Outbox } from "./outbox.ts";
export {
	MAX_CONTENT_BYTES,
	RECORD_OVERHEAD,
	REKEY_INTERVAL,
	RecordOpener,
	RecordSealer,
} from "./record.ts";
export { LONG_BODY_BYTES } from "./record-keys.ts";
export { Session, type SessionEnd } from "./session.ts";
export {
	type Content,
	type ContentRow,
	MAX_SEVERAL,
	parseSeveral,
	SEVERAL_HEADER_BYTES,
	type SingleType,
} from "./several.ts";
export {
	LINK_PROTOCOL,
	type NoisePattern,
	type NoiseProtocol,
	type RecordAead,
	SUITES,
	type Suite,
	type SuiteName,
	suiteById,
	suiteByName,
} from "./suite.ts";
