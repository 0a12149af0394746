/* Members of objects in JSON, each read as what it has to be. All throw `malformed`, and name the member. */
import { TetradError } from "../../errors.ts";
import { malformed } from "../../wire/index.ts";
import type { Json, JsonObject } from "./json.ts";

/** Whether a member is left out, or is `null`, which mints write for the same. */
function isAbsent(value: Json | undefined): value is null | undefined {
	return value === undefined || value === null;
}

/** What `read` makes of a member, or `undefined` where there is none. */
export function optionally<Value>(
	object: JsonObject,
	name: string,
	read: (object: JsonObject, name: string) => Value,
): Value | undefined {
	return isAbsent(object.get(name)) ? undefined : read(object, name);
}

export function asObject(value: Json | undefined, what: string): JsonObject {
	if (!(value instanceof Map)) throw wrong(what, "an object");
	return value;
}

export function object(of: JsonObject, name: string): JsonObject {
	return asObject(of.get(name), name);
}

/** Each item of an array of at most `max`. Throws `limit-exceeded` beyond. */
export function array<Item>(
	of: JsonObject,
	name: string,
	max: number,
	read: (item: Json) => Item,
): Item[] {
	const value = of.get(name);
	if (!isArray(value)) throw wrong(name, "an array");
	if (value.length > max)
		throw new TetradError(
			"limit-exceeded",
			`${name} has ${value.length} items, and ${max} are taken`,
		);
	return value.map(read);
}

function isArray(value: Json | undefined): value is readonly Json[] {
	return Array.isArray(value);
}

/** A text of 1 to `max` characters. */
export function text(of: JsonObject, name: string, max: number): string {
	const value = of.get(name);
	if (typeof value !== "string" || value === "" || value.length > max)
		throw wrong(name, `a text of 1 to ${max} characters`);
	return value;
}

export function truth(of: JsonObject, name: string): boolean {
	const value = of.get(name);
	if (typeof value !== "boolean") throw wrong(name, "true or false");
	return value;
}

/** An integer of 0 to `max`. */
export function integer(of: JsonObject, name: string, max: bigint): bigint {
	const value = of.get(name);
	if (typeof value !== "bigint" || value < 0n || value > max)
		throw wrong(name, `an integer of 0 to ${max}`);
	return value;
}

/** A time in seconds since 1970, that a `Date` can tell. */
export function seconds(of: JsonObject, name: string): number {
	return Number(integer(of, name, 8_640_000_000_000n));
}

const HEX = /^(?:[0-9a-f]{2})*$/;

/** Bytes in lower-case hexadecimal, of one of these lengths. */
export function hexBytes(
	of: JsonObject,
	name: string,
	...lengths: readonly number[]
): Uint8Array {
	const value = of.get(name);
	const bytes = typeof value === "string" ? fromHex(value) : undefined;
	if (bytes === undefined || !lengths.includes(bytes.length))
		throw wrong(
			name,
			`${lengths.join(" or ")} bytes in lower-case hexadecimal`,
		);
	return bytes;
}

/** Bytes of lower-case hexadecimal, or `undefined` for anything else. */
export function fromHex(text: string): Uint8Array | undefined {
	if (!HEX.test(text)) return undefined;
	const bytes = new Uint8Array(text.length / 2);
	for (let i = 0; i < bytes.length; i++)
		bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
	return bytes;
}

function wrong(name: string, what: string): TetradError {
	return malformed(`${name} is not ${what}`);
}
