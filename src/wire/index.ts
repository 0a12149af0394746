export { release } from "./allocate.ts";
export {
	concat,
	copy,
	dec,
	enc,
	hex,
	malformed,
	parseUtf8,
	putField,
	putUint32,
	sameBytes,
	uint32At,
	utf8,
	utf8Within,
} from "./encoding.ts";
export {
	encodeFrame,
	FRAME,
	FRAME_HEADER_BYTES,
	type Frame,
	type FrameType,
	frameHeader,
	MAX_FRAME_BODY,
	parseFrame,
	parseFrameHeader,
} from "./frame.ts";
export { type SignatureRole, signedBytes } from "./signed-bytes.ts";
export { type FieldLength, type Structure, structure } from "./structure.ts";
