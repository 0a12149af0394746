export { release, releaseAround } from "./allocate.ts";
export {
	concat,
	copy,
	dec,
	enc,
	hex,
	malformed,
	parseUtf8,
	putUint32,
	sameBytes,
	textWithin,
	uint32At,
	utf8,
	utf8Within,
} from "./encoding.ts";
export {
	bool,
	bytes,
	type Field,
	type Fields,
	formOf,
	list,
	mapped,
	optional,
	packed,
	row,
	text,
	time,
	u8,
	u32,
	u64,
} from "./field.ts";
export {
	encodeFrame,
	FRAME_HEADER_BYTES,
	type Frame,
	frameHeader,
	MAX_FRAME_BODY,
	parseFrame,
	parseFrameHeader,
} from "./frame.ts";
export {
	BETWEEN_AGENTS_BYTE,
	BETWEEN_MODULES_BYTE,
	CONTENT,
	type ContentType,
	FILE_MESSAGE,
	FRAME,
	type FrameType,
	LINK,
	LIST_MESSAGE,
	type LinkMessageType,
	LOCK_BYTE,
	PAYMENT_TALK,
	PURCHASE_BYTE,
	REFUSAL,
	REGISTRY,
	SEVERAL_BYTE,
	TEXT_MESSAGE,
	WITH_AGENT_BYTE,
	WITH_ISSUER_BYTE,
	type WirePlace,
} from "./registry.ts";
export { remembering } from "./remembering.ts";
export { type SignatureRole, signedBytes } from "./signed-bytes.ts";
export {
	type Draft,
	type Signed,
	SignedDocument,
	Verified,
	type VerifyingKey,
} from "./signed-document.ts";
export {
	mappedStructure,
	type Structure,
	structure,
	twoForms,
} from "./structure.ts";
