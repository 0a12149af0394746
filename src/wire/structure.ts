import { TetradError } from "../errors.ts";
import { allocate } from "./allocate.ts";
import { malformed, uint32At } from "./encoding.ts";
import { type Field, type Fields, fieldEnd, writeField } from "./field.ts";

/** A message body with named fields in a fixed order, encoded as `enc` of exactly those fields. */
export interface Structure<Value> {
	/** What it appears as in refusals. */
	readonly name: string;
	/** The fields in their order. */
	readonly fields: Readonly<Record<string, Field<unknown>>>;
	/** The largest encoding that `decode` accepts, in bytes. */
	readonly maxBytes: number;
	/**
	 * Part of a larger block, so not for an application: what it is given is a copy. Throws
	 * `invalid-argument` for a value that `decode` would not have found.
	 */
	encode(value: Value): Uint8Array;
	/** The same behind one byte that says which message it is, and in memory of its own. */
	encodeMessage(type: number, value: Value): Uint8Array;
	/**
	 * Bytes in it are views into `bytes`. Throws `malformed` unless every field is there with a
	 * fitting length and content, and nothing follows.
	 */
	decode(bytes: Uint8Array): Value;
}

/** Declares a message body: its name as it appears in refusals, and its fields in their order. */
export function structure<Value extends object>(
	name: string,
	fields: Fields<Value>,
): Structure<Value> {
	const columns = Object.entries<Field<unknown>>(fields).map(
		([key, field]) => ({ key: key as keyof Value & string, field }),
	);
	let maxBytes = 0;
	for (const { field } of columns) maxBytes += 4 + field.maxBytes;
	const sizeOf = (value: Value): number => {
		let size = 0;
		for (const { key, field } of columns) {
			const length = field.size(value[key]);
			if (length < field.minBytes || length > field.maxBytes)
				throw new TetradError(
					"invalid-argument",
					`${name}: ${key} has a wrong length`,
				);
			size += 4 + length;
		}
		return size;
	};
	const write = (value: Value, out: Uint8Array, from: number): Uint8Array => {
		let at = from;
		for (const { key, field } of columns)
			at = writeField(field, value[key], out, at);
		return out;
	};
	return {
		name,
		fields,
		maxBytes,
		encode: (value) => write(value, allocate(sizeOf(value)), 0),
		encodeMessage(type, value) {
			const out = new Uint8Array(1 + sizeOf(value));
			out[0] = type;
			return write(value, out, 1);
		},
		decode(bytes) {
			// Nothing is read before all of it is known to be there.
			let end = 0;
			for (const { key, field } of columns) {
				if (end === bytes.length)
					throw malformed(`${name} has ${columns.length} fields`);
				const from = end + 4;
				end = fieldEnd(bytes, end, bytes.length);
				if (end - from < field.minBytes || end - from > field.maxBytes)
					throw malformed(`${name}: ${key} has a wrong length`);
			}
			if (end !== bytes.length)
				throw malformed(`${name} has ${columns.length} fields`);
			const value: Record<string, unknown> = {};
			let at = 0;
			for (const { key, field } of columns) {
				const next = at + 4 + uint32At(bytes, at);
				value[key] = field.read(bytes, at + 4, next);
				at = next;
			}
			return value as Value;
		},
	};
}

/**
 * A message body in two forms: the fields of `short`, or those and further ones, which `long` has.
 * `isLong` says which form a value has, and the number of fields which was read.
 */
export function twoForms<Value>(
	short: Structure<Value>,
	long: Structure<Value>,
	isLong: (value: Value) => boolean,
): Structure<Value> {
	const count = Object.keys(short.fields).length;
	return {
		name: long.name,
		fields: long.fields,
		maxBytes: long.maxBytes,
		encode: (value) => (isLong(value) ? long : short).encode(value),
		encodeMessage: (type, value) =>
			(isLong(value) ? long : short).encodeMessage(type, value),
		decode(bytes) {
			let end = 0;
			for (let i = 0; i < count && end < bytes.length; i++)
				end = fieldEnd(bytes, end, bytes.length);
			return (end === bytes.length ? short : long).decode(bytes);
		},
	};
}

/**
 * A message body whose values are made of those of another. `from` throws `malformed` for what no
 * value is made of; `to` undoes it.
 */
export function mappedStructure<Inner, Value>(
	inner: Structure<Inner>,
	{
		from,
		to,
	}: {
		readonly from: (inner: Inner) => Value;
		readonly to: (value: Value) => Inner;
	},
): Structure<Value> {
	return {
		name: inner.name,
		fields: inner.fields,
		maxBytes: inner.maxBytes,
		encode: (value) => inner.encode(to(value)),
		encodeMessage: (type, value) => inner.encodeMessage(type, to(value)),
		decode: (bytes) => from(inner.decode(bytes)),
	};
}
