import { dec, enc, malformed } from "./encoding.ts";

/** The exact length of a field in bytes, or its least and greatest length. */
export type FieldLength = number | readonly [min: number, max: number];

type Values<Shape> = { readonly [Name in keyof Shape]: Uint8Array };

/** A message body with named fields in a fixed order, encoded as `enc` of exactly those fields. */
export interface Structure<Shape> {
	/** The largest encoding that `decode` accepts, in bytes. */
	readonly maxBytes: number;
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
	const names = Object.keys(shape) as (keyof Shape & string)[];
	const bounds = names.map((field) => {
		const length = shape[field] as FieldLength;
		return typeof length === "number" ? ([length, length] as const) : length;
	});
	return {
		maxBytes: bounds.reduce((sum, [, max]) => sum + 4 + max, 0),
		encode: (values) => enc(...names.map((field) => values[field])),
		decode(bytes) {
			const fields = dec(bytes, names.length);
			if (fields.length !== names.length)
				throw malformed(`${name} has ${names.length} fields`);
			const values: Record<string, Uint8Array> = {};
			for (const [i, field] of names.entries()) {
				const [min, max] = bounds[i] as readonly [number, number];
				const value = fields[i] as Uint8Array;
				if (value.length < min || value.length > max)
					throw malformed(`${name}: ${field} has a wrong length`);
				values[field] = value;
			}
			return values as Values<Shape>;
		},
	};
}
