import { allocate } from "./allocate.ts";
import { dec, malformed, putField } from "./encoding.ts";

/** The exact length of a field in bytes, or its least and greatest length. */
export type FieldLength = number | readonly [min: number, max: number];

type Values<Shape> = { readonly [Name in keyof Shape]: Uint8Array };

/** A message body with named fields in a fixed order, encoded as `enc` of exactly those fields. */
export interface Structure<Shape> {
	/** The largest encoding that `decode` accepts, in bytes. */
	readonly maxBytes: number;
	/** Part of a larger block, so not for an application: what it is given is a copy. */
	encode(values: Values<Shape>): Uint8Array;
	/**
	 * Views into `bytes`. Throws `malformed` unless every field is there with a fitting length,
	 * and `malformed` or `limit-exceeded` (from `dec`) when anything follows.
	 */
	decode(bytes: Uint8Array): Values<Shape>;
}

/** Declares a message body. `name` appears in refusals. */
export function structure<const Shape extends Record<string, FieldLength>>(
	name: string,
	shape: Shape,
): Structure<Shape> {
	const fields = Object.entries<FieldLength>(shape).map(([field, length]) =>
		typeof length === "number"
			? { field: field as keyof Shape & string, min: length, max: length }
			: {
					field: field as keyof Shape & string,
					min: length[0],
					max: length[1],
				},
	);
	return {
		maxBytes: fields.reduce((sum, { max }) => sum + 4 + max, 0),
		encode(values) {
			let size = 0;
			for (const { field } of fields) size += 4 + values[field].length;
			const out = allocate(size);
			let at = 0;
			for (const { field } of fields) at = putField(out, at, values[field]);
			return out;
		},
		decode(bytes) {
			const found = dec(bytes, fields.length);
			if (found.length !== fields.length)
				throw malformed(`${name} has ${fields.length} fields`);
			const values: Record<string, Uint8Array> = {};
			for (let i = 0; i < fields.length; i++) {
				const { field, min, max } = fields[i] as (typeof fields)[number];
				const value = found[i] as Uint8Array;
				if (value.length < min || value.length > max)
					throw malformed(`${name}: ${field} has a wrong length`);
				values[field] = value;
			}
			return values as Values<Shape>;
		},
	};
}
