import { malformed, putUint32, uint32At } from "./encoding.ts";
import { FRAME, type FrameType } from "./registry.ts";

export const FRAME_HEADER_BYTES = 5;

/** The largest body of any frame: a record with 256 KiB of content, its type byte, and its tag. */
export const MAX_FRAME_BODY: number = 2 ** 18 + 1 + 16;

const TYPES: ReadonlySet<number> = new Set(Object.values(FRAME));

/**
 * Everything that crosses a carrier is a frame: one type byte, a 32-bit big-endian length, a
 * body. A sealed record is a frame too, and its header is the associated data of its seal, so
 * a record of session 2 has the same form inside a record of session 1 as on a wire.
 */
export interface Frame {
	readonly type: FrameType;
	readonly body: Uint8Array;
}

export function frameHeader(type: FrameType, bodyLength: number): Uint8Array {
	const header = new Uint8Array(FRAME_HEADER_BYTES);
	header[0] = type;
	putUint32(header, 1, bodyLength);
	return header;
}

export function encodeFrame(type: FrameType, body: Uint8Array): Uint8Array {
	const out = new Uint8Array(FRAME_HEADER_BYTES + body.length);
	out[0] = type;
	putUint32(out, 1, body.length);
	out.set(body, FRAME_HEADER_BYTES);
	return out;
}

/**
 * What a header announces. Throws `malformed` for fewer than `FRAME_HEADER_BYTES`, an unknown
 * type, or a body over `MAX_FRAME_BODY`, before anything of that length is allocated.
 */
export function parseFrameHeader(
	bytes: Uint8Array,
	at = 0,
): { type: FrameType; bodyLength: number } {
	if (bytes.length - at < FRAME_HEADER_BYTES)
		throw malformed("a frame is cut short");
	const type = bytes[at] as number;
	if (!TYPES.has(type)) throw malformed("these are not frames of Tetrad");
	const bodyLength = uint32At(bytes, at + 1);
	if (bodyLength > MAX_FRAME_BODY)
		throw malformed(`a frame of ${bodyLength} bytes is over the limit`);
	return { type: type as FrameType, bodyLength };
}

/** Exactly one frame; the body is a view. */
export function parseFrame(bytes: Uint8Array): Frame {
	const { type, bodyLength } = parseFrameHeader(bytes);
	if (bytes.length !== FRAME_HEADER_BYTES + bodyLength)
		throw malformed("a frame and its length differ");
	return { type, body: bytes.subarray(FRAME_HEADER_BYTES) };
}
