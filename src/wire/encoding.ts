import { hex as codec } from "@scure/base";
import { TetradError } from "../errors.ts";

/**
 * enc(f₁, …): each field as a 32-bit big-endian length and its bytes. It is the only encoding
 * of hash inputs, signed contents and message bodies, and every value has exactly one form.
 */
export function enc(...fields: readonly Uint8Array[]): Uint8Array {
	let size = 0;
	for (const field of fields) size += 4 + field.length;
	const out = new Uint8Array(size);
	let at = 0;
	for (const field of fields) at = putField(out, at, field);
	return out;
}

/** Writes one field of `enc` and answers where the next one goes. */
function putField(out: Uint8Array, at: number, field: Uint8Array): number {
	putUint32(out, at, field.length);
	out.set(field, at + 4);
	return at + 4 + field.length;
}

/** Big-endian. A DataView would be one more object for each field. */
export function putUint32(out: Uint8Array, at: number, value: number): void {
	out[at] = value >>> 24;
	out[at + 1] = value >>> 16;
	out[at + 2] = value >>> 8;
	out[at + 3] = value;
}

/** Big-endian; the caller has made sure that four bytes are there. */
export function uint32At(bytes: Uint8Array, at: number): number {
	return (
		(bytes[at] as number) * 2 ** 24 +
		(((bytes[at + 1] as number) << 16) |
			((bytes[at + 2] as number) << 8) |
			(bytes[at + 3] as number))
	);
}

/**
 * The fields of `enc`, as views into `bytes`. Refuses (`malformed`) a length that runs past
 * the end, and (`limit-exceeded`) more than `maxFields` fields.
 */
export function dec(bytes: Uint8Array, maxFields: number): Uint8Array[] {
	const fields: Uint8Array[] = [];
	let at = 0;
	while (at < bytes.length) {
		if (fields.length === maxFields)
			throw new TetradError("limit-exceeded", "too many fields in a list");
		if (bytes.length - at < 4) throw malformed("a field length is cut short");
		const length = uint32At(bytes, at);
		at += 4;
		if (length > bytes.length - at)
			throw malformed("a field runs past the end of its message");
		fields.push(bytes.subarray(at, at + length));
		at += length;
	}
	return fields;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** UTF-8 bytes; labels and role strings are ASCII. */
export function utf8(text: string): Uint8Array {
	return encoder.encode(text);
}

/** As much of a text as fits, cut between characters. */
export function utf8Within(text: string, maxBytes: number): Uint8Array {
	if (text === "") return new Uint8Array();
	const bytes = new Uint8Array(maxBytes);
	const { written } = encoder.encodeInto(text, bytes);
	return bytes.subarray(0, written);
}

/** The same as a text; half of a surrogate pair in it becomes U+FFFD. */
export function textWithin(text: string, maxBytes: number): string {
	return decoder.decode(utf8Within(text, maxBytes));
}

/** How many bytes the UTF-8 of a well-formed text has. */
export function utf8Length(text: string): number {
	let length = text.length;
	for (let i = 0; i < text.length; i++) {
		const unit = text.charCodeAt(i);
		// Each half of a surrogate pair stands for two of its four bytes.
		if (unit > 0x7f)
			length += unit > 0x7ff && (unit & 0xf800) !== 0xd800 ? 2 : 1;
	}
	return length;
}

/** Writes the UTF-8 of a text for which there is room, and answers where it ends. */
export function utf8Into(text: string, out: Uint8Array, at: number): number {
	return at + encoder.encodeInto(text, out.subarray(at)).written;
}

/** Strict UTF-8: anything else is `malformed`. */
export function parseUtf8(bytes: Uint8Array): string {
	try {
		return decoder.decode(bytes);
	} catch {
		throw malformed("a text is not UTF-8");
	}
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
	let size = 0;
	for (const part of parts) size += part.length;
	const out = new Uint8Array(size);
	let at = 0;
	for (const part of parts) {
		out.set(part, at);
		at += part.length;
	}
	return out;
}

/** A copy of its own. `slice` is not one: on a Buffer, which passes for a Uint8Array, it yields a view. */
export function copy(bytes: Uint8Array): Uint8Array {
	return new Uint8Array(bytes);
}

/** For public values only: it stops at the first difference. Secrets go through `CryptoProvider.equal`. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
	if (a.length !== b.length) return false;
	for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
	return true;
}

export function hex(bytes: Uint8Array): string {
	return codec.encode(bytes);
}

export function malformed(what: string): TetradError {
	return new TetradError("malformed", what);
}
