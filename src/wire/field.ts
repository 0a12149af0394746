/*
 * The kinds of fields. Each says how a value is written as the bytes of one field of `enc`, and
 * how it is read from them: one value has one form, and what has another form is refused.
 */
import { TetradError } from "../errors.ts";
import {
	malformed,
	parseUtf8,
	putUint32,
	uint32At,
	utf8Into,
	utf8Length,
} from "./encoding.ts";

/** How one value is a field. A structure sees to the length of the field and to its place. */
export interface Field<Value> {
	/** The shortest and the longest form, in bytes. */
	readonly minBytes: number;
	readonly maxBytes: number;
	/** How long the form of a value is. Throws `invalid-argument` for a value that has none. */
	size(value: Value): number;
	/** Writes the form of a value whose size was asked for, and answers where it ends. */
	write(value: Value, out: Uint8Array, at: number): number;
	/** Reads what stands from `at` to `end`, which has a length within the bounds. Throws `malformed`. */
	read(bytes: Uint8Array, at: number, end: number): Value;
}

/** The bytes of a field as they are, exactly `length`, or from `length` to `maxLength`. Read as a view. */
export function bytes(
	length: number,
	maxLength: number = length,
): Field<Uint8Array> {
	return {
		minBytes: length,
		maxBytes: maxLength,
		size: sizeOfBytes,
		write: writeBytes,
		read: readBytes,
	};
}

function sizeOfBytes(value: Uint8Array): number {
	return value.length;
}

function writeBytes(value: Uint8Array, out: Uint8Array, at: number): number {
	out.set(value, at);
	return at + value.length;
}

function readBytes(bytes: Uint8Array, at: number, end: number): Uint8Array {
	return bytes.subarray(at, end);
}

/** An unsigned number in one byte. */
export const u8: Field<number> = fixed(
	1,
	(value) => requireWhole(value, 0xff),
	(value, out, at) => {
		out[at] = value;
	},
	(bytes, at) => bytes[at] as number,
);

/** An unsigned number in two bytes, big-endian. */
export const u16: Field<number> = fixed(
	2,
	(value) => requireWhole(value, 0xffff),
	(value, out, at) => {
		out[at] = value >> 8;
		out[at + 1] = value & 0xff;
	},
	(bytes, at) => ((bytes[at] as number) << 8) | (bytes[at + 1] as number),
);

/** An unsigned number in four bytes, big-endian. */
export const u32: Field<number> = fixed(
	4,
	(value) => requireWhole(value, 0xffff_ffff),
	(value, out, at) => putUint32(out, at, value),
	uint32At,
);

const MAX_UINT64: bigint = 2n ** 64n - 1n;

/** A number goes into a field and out of it through here: a view on each message would be one more object. */
const word = new DataView(new ArrayBuffer(8));

/** An unsigned number in eight bytes, big-endian. */
export const u64: Field<bigint> = fixed(
	8,
	(value) => {
		// A DataView would write the lowest 64 bits of any number.
		if (value < 0n || value > MAX_UINT64)
			throw invalid("a number is negative, or does not fit into 64 bits");
	},
	(value, out, at) => {
		word.setBigUint64(0, value);
		putUint32(out, at, word.getUint32(0));
		putUint32(out, at + 4, word.getUint32(4));
	},
	(bytes, at) => {
		word.setUint32(0, uint32At(bytes, at));
		word.setUint32(4, uint32At(bytes, at + 4));
		return word.getBigUint64(0);
	},
);

/** The last time that a `Date` can tell, in milliseconds since the epoch. */
const MAX_TIME = 8_640_000_000_000_000;

/** A time in milliseconds since the epoch, up to the last that a `Date` can tell: eight bytes, big-endian. */
export const time: Field<number> = fixed(
	8,
	(value) => {
		if (!Number.isInteger(value) || value < 0 || value > MAX_TIME)
			throw invalid("a time is out of range");
	},
	(value, out, at) => {
		putUint32(out, at, Math.floor(value / 2 ** 32));
		putUint32(out, at + 4, value);
	},
	(bytes, at) => {
		// Exact up to there, and nearest above, which is refused as well.
		const value = uint32At(bytes, at) * 2 ** 32 + uint32At(bytes, at + 4);
		if (value > MAX_TIME) throw malformed("a time is out of range");
		return value;
	},
);

/** One byte: 1 for true and 0 for false. */
export const bool: Field<boolean> = fixed(
	1,
	() => {},
	(value, out, at) => {
		out[at] = value ? 1 : 0;
	},
	(bytes, at) => {
		const byte = bytes[at] as number;
		if (byte > 1) throw malformed("a byte is neither yes nor no");
		return byte === 1;
	},
);

/** UTF-8, from `min` to `max` bytes of it. A text with half of a surrogate pair is none. */
export function text(min: number, max: number): Field<string> {
	return {
		minBytes: min,
		maxBytes: max,
		size(value) {
			if (!value.isWellFormed())
				throw invalid("a text has half of a character");
			const length = utf8Length(value);
			if (length < min || length > max)
				throw invalid(`a text has ${length} bytes, and not ${min} to ${max}`);
			return length;
		},
		write: utf8Into,
		read: (bytes, at, end) => parseUtf8(bytes.subarray(at, end)),
	};
}

/** `undefined` as an empty field, and else a field that is never empty. */
export function optional<Value>(field: Field<Value>): Field<Value | undefined> {
	if (field.minBytes === 0)
		throw invalid("an optional field is empty only when it is not there");
	return {
		minBytes: 0,
		maxBytes: field.maxBytes,
		size: (value) => (value === undefined ? 0 : field.size(value)),
		write: (value, out, at) =>
			value === undefined ? at : field.write(value, out, at),
		read(bytes, at, end) {
			if (at === end) return undefined;
			if (end - at < field.minBytes)
				throw malformed("an optional field is too short");
			return field.read(bytes, at, end);
		},
	};
}

/** `enc` of `min` to `max` values in one field. */
export function list<Value>(
	item: Field<Value>,
	min: number,
	max: number,
): Field<readonly Value[]> {
	return {
		minBytes: min * (4 + item.minBytes),
		maxBytes: max * (4 + item.maxBytes),
		size(values) {
			requireCount(values.length, min, max);
			let size = 0;
			for (const value of values) size += 4 + sizeWithin(item, value);
			return size;
		},
		write(values, out, at) {
			let next = at;
			for (const value of values) next = writeField(item, value, out, next);
			return next;
		},
		read(bytes, at, end) {
			const values: Value[] = [];
			let next = at;
			while (next < end) {
				if (values.length === max) throw malformed("a list is too long");
				const from = next + 4;
				next = fieldEnd(bytes, next, end);
				if (next - from < item.minBytes || next - from > item.maxBytes)
					throw malformed("an item of a list has a wrong length");
				values.push(item.read(bytes, from, next));
			}
			if (values.length < min)
				throw malformed(
					values.length === 0 ? "a list is empty" : "a list is too short",
				);
			return values;
		},
	};
}

/** `min` to `max` values of one length after another, with nothing between them, in one field. */
export function packed<Value>(
	item: Field<Value>,
	min: number,
	max: number,
): Field<readonly Value[]> {
	const each = lengthOf(item);
	return {
		minBytes: min * each,
		maxBytes: max * each,
		size(values) {
			requireCount(values.length, min, max);
			for (const value of values) sizeWithin(item, value);
			return values.length * each;
		},
		write(values, out, at) {
			let next = at;
			for (const value of values) next = item.write(value, out, next);
			return next;
		},
		read(bytes, at, end) {
			if ((end - at) % each !== 0)
				throw malformed("an item of a list is cut short");
			const values: Value[] = [];
			for (let next = at; next < end; next += each)
				values.push(item.read(bytes, next, next + each));
			return values;
		},
	};
}

/** The fields of a value, by their names. */
export type Fields<Value> = {
	readonly [Name in keyof Value]-?: Field<Value[Name]>;
};

/** A value whose fields have one length each, one after another with nothing between them, in one field. */
export function row<Value extends object>(fields: Fields<Value>): Field<Value> {
	const columns = Object.entries<Field<unknown>>(fields);
	let length = 0;
	for (const [, field] of columns) length += lengthOf(field);
	return {
		minBytes: length,
		maxBytes: length,
		size(value) {
			for (const [name, field] of columns)
				sizeWithin(field, value[name as keyof Value]);
			return length;
		},
		write(value, out, at) {
			let next = at;
			for (const [name, field] of columns)
				next = field.write(value[name as keyof Value], out, next);
			return next;
		},
		read(bytes, at) {
			const value: Record<string, unknown> = {};
			let next = at;
			for (const [name, field] of columns) {
				const from = next;
				next += field.minBytes;
				value[name] = field.read(bytes, from, next);
			}
			return value as Value;
		},
	};
}

/**
 * A field whose values are made of those of another. `from` throws `malformed` for what no value
 * is made of; `to` undoes it, and throws `invalid-argument` for what is no value.
 */
export function mapped<Inner, Value>(
	field: Field<Inner>,
	{
		from,
		to,
	}: {
		readonly from: (inner: Inner) => Value;
		readonly to: (value: Value) => Inner;
	},
): Field<Value> {
	return {
		minBytes: field.minBytes,
		maxBytes: field.maxBytes,
		size: (value) => field.size(to(value)),
		write: (value, out, at) => field.write(to(value), out, at),
		read: (bytes, at, end) => from(field.read(bytes, at, end)),
	};
}

/** The form of one value by itself. Throws `invalid-argument` for a value that has none. */
export function formOf<Value>(field: Field<Value>, value: Value): Uint8Array {
	const out = new Uint8Array(sizeWithin(field, value));
	field.write(value, out, 0);
	return out;
}

/** Writes a field of `enc`, with its length before it. */
export function writeField<Value>(
	field: Field<Value>,
	value: Value,
	out: Uint8Array,
	at: number,
): number {
	const end = field.write(value, out, at + 4);
	putUint32(out, at, end - at - 4);
	return end;
}

/** Where the field ends whose length stands at `at`. Throws `malformed` when that is beyond `end`. */
export function fieldEnd(bytes: Uint8Array, at: number, end: number): number {
	if (end - at < 4) throw malformed("a field length is cut short");
	const length = uint32At(bytes, at);
	if (length > end - at - 4)
		throw malformed("a field runs past the end of its message");
	return at + 4 + length;
}

/** The size of a value. Throws `invalid-argument` when no reader would take it. */
function sizeWithin<Value>(field: Field<Value>, value: Value): number {
	const size = field.size(value);
	if (size < field.minBytes || size > field.maxBytes)
		throw invalid("an item has a wrong length");
	return size;
}

function fixed<Value>(
	length: number,
	check: (value: Value) => void,
	put: (value: Value, out: Uint8Array, at: number) => void,
	read: (bytes: Uint8Array, at: number) => Value,
): Field<Value> {
	return {
		minBytes: length,
		maxBytes: length,
		size(value) {
			check(value);
			return length;
		},
		write(value, out, at) {
			put(value, out, at);
			return at + length;
		},
		read,
	};
}

function lengthOf(field: Field<unknown>): number {
	if (field.minBytes !== field.maxBytes)
		throw invalid("what stands without its length has one length");
	return field.minBytes;
}

function requireWhole(value: number, max: number): void {
	if (!Number.isInteger(value) || value < 0 || value > max)
		throw invalid(`a number is not one from 0 to ${max}`);
}

function requireCount(count: number, min: number, max: number): void {
	if (count < min || count > max)
		throw invalid(`a list has ${count} items, and not ${min} to ${max}`);
}

function invalid(what: string): TetradError {
	return new TetradError("invalid-argument", what);
}
