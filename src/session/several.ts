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

/** Contents of one type that followed each other in a record, in order: one or more. */
export interface ContentRow {
	readonly type: SingleType;
	readonly all: Uint8Array[];
}

/** Contents in one record: an empty one costs its receiver more than the five bytes that it has on the wire. */
export const MAX_SEVERAL = 1024;

/** Type and length before each of several contents, in bytes. */
export const SEVERAL_HEADER_BYTES: number = FRAME_HEADER_BYTES;

/**
 * Small messages that came together share memory of so many bytes: memory of its own for each costs
 * more than sealing it did, and whoever keeps one keeps no more than this.
 */
const SHARED_BYTES = 4096;

const NOTHING: Uint8Array = new Uint8Array();

/** Flights and closes are alone in their records, so that what a record ends or begins is never half of it. */
const MAY_BE_JOINED: ReadonlySet<number> = new Set<ContentType>([
	CONTENT.message,
	CONTENT.nested,
	CONTENT.link,
	CONTENT.lists,
]);

/** Whether contents of this type may be in one record with others. */
function mayBeJoined(type: number): type is SingleType {
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
 * The contents that a record of type several has, in order, those of one type that follow each other
 * together, or `undefined` when it is not made as it has to be. A message of the application is a
 * copy, since whoever gets one may keep it; the others are views.
 */
export function parseSeveral(bytes: Uint8Array): ContentRow[] | undefined {
	const rows: ContentRow[] = [];
	let row: ContentRow | undefined;
	let count = 0;
	/** Copies of messages in a row, which begin and end there in the record. */
	let copies = NOTHING;
	let copiedFrom = 0;
	let copiedTo = 0;
	for (let at = 0; at < bytes.length; ) {
		const from = at + SEVERAL_HEADER_BYTES;
		if (from > bytes.length || count === MAX_SEVERAL) return undefined;
		const type = bytes[at] as number;
		const end = from + uint32At(bytes, at + 1);
		if (!mayBeJoined(type) || end > bytes.length) return undefined;
		count++;
		if (type !== row?.type) {
			row = { type, all: [] };
			rows.push(row);
		}
		if (type === CONTENT.message) {
			if (end > copiedTo) {
				copiedFrom = from;
				copiedTo = endOfRow(bytes, from, end);
				copies = copy(bytes.subarray(copiedFrom, copiedTo));
			}
			row.all.push(copies.subarray(from - copiedFrom, end - copiedFrom));
		} else row.all.push(bytes.subarray(from, end));
		at = end;
	}
	return count < 2 ? undefined : rows;
}

/** Where those messages end that follow one from `from` to `end` and may share memory with it. */
function endOfRow(bytes: Uint8Array, from: number, end: number): number {
	for (let last = end; ; ) {
		const next = last + SEVERAL_HEADER_BYTES;
		if (next > bytes.length || bytes[last] !== CONTENT.message) return last;
		const nextEnd = next + uint32At(bytes, last + 1);
		if (nextEnd > bytes.length || nextEnd - from > SHARED_BYTES) return last;
		last = nextEnd;
	}
}
