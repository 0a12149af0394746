/*
 * Contents that waited for the same seal, in one record (docs/protocol.md, Several in one record):
 * each as its type, its length and its bytes, which is the layout of a frame.
 */
import {
	CONTENT,
	type ContentType,
	copy,
	FRAME_HEADER_BYTES,
	putUint32,
	uint32At,
} from "../wire/index.ts";

/** The type of one content by itself. */
export type SingleType = Exclude<ContentType, typeof CONTENT.several>;

/** What a record held once it was opened, or one of several things that it held. */
export interface Content {
	readonly type: SingleType;
	readonly bytes: Uint8Array;
}

/** Contents in one record: an empty one costs its receiver more than the five bytes that it has on the wire. */
export const MAX_SEVERAL = 1024;

/** Type and length before each of several contents, in bytes. */
export const SEVERAL_HEADER_BYTES: number = FRAME_HEADER_BYTES;

/** Flights and closes are alone in their records, so that what a record ends or begins is never half of it. */
const MAY_BE_JOINED: ReadonlySet<number> = new Set<ContentType>([
	CONTENT.message,
	CONTENT.nested,
	CONTENT.link,
	CONTENT.lists,
]);

/** Whether contents of this type may be in one record with others. */
export function mayBeJoined(type: number): type is SingleType {
	return MAY_BE_JOINED.has(type);
}

/** Writes the header of one of several contents. */
export function putSeveralHeader(
	out: Uint8Array,
	at: number,
	type: SingleType,
	length: number,
): void {
	out[at] = type;
	putUint32(out, at + 1, length);
}

/**
 * The contents that a record of type several has, in order, or `undefined` when it is not made as it
 * has to be. A message of the application is a copy, since whoever gets one may keep it, or give its
 * memory back; the others are views.
 */
export function parseSeveral(bytes: Uint8Array): Content[] | undefined {
	const contents: Content[] = [];
	for (let at = 0; at < bytes.length; ) {
		const from = at + SEVERAL_HEADER_BYTES;
		if (from > bytes.length || contents.length === MAX_SEVERAL)
			return undefined;
		const type = bytes[at] as number;
		const end = from + uint32At(bytes, at + 1);
		if (!mayBeJoined(type) || end > bytes.length) return undefined;
		const content = bytes.subarray(from, end);
		contents.push({
			type,
			bytes: type === CONTENT.message ? copy(content) : content,
		});
		at = end;
	}
	return contents.length < 2 ? undefined : contents;
}
