import { TetradError } from "../errors.ts";
import { allocate } from "./allocate.ts";
import { malformed } from "./encoding.ts";
import { type Field, type Fields, fieldEnd, writeField } from "./field.ts";

/** A message body with named fields in a fixed order, encoded as `enc` of exactly those fields. */
export interface Structure<Value> {
	/** What it appears as in refusals. */
	readonly name: string;
	/** The fields in their order. */
	readonly fields: Fields<Value>;
	/** The largest encoding that `decode` accepts, in bytes. */
	readonly maxBytes: number;
	/**
	 * Part of a larger block, so not for an application: what it is given is a copy. Throws
	 * `invalid-argument` for a value that `decode` would not have found.
	 */
	encode(value: Value): Uint8Array;
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
	return {
		name,
		fields,
		maxBytes,
		encode(value) {
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
			const out = allocate(size);
			let at = 0;
			for (const { key, field } of columns)
				at = writeField(field, value[key], out, at);
			return out;
		},
		decode(bytes) {
			const value: Record<string, unknown> = {};
			let at = 0;
			for (const { key, field } of columns) {
				if (at === bytes.length)
					throw malformed(`${name} has ${columns.length} fields`);
				const from = at + 4;
				at = fieldEnd(bytes, at, bytes.length);
				if (at - from < field.minBytes || at - from > field.maxBytes)
					throw malformed(`${name}: ${key} has a wrong length`);
				value[key] = field.read(bytes, from, at);
			}
			if (at !== bytes.length)
				throw malformed(`${name} has ${columns.length} fields`);
			return value as Value;
		},
	};
}
