import {
	SIGNATURE_BYTES,
	type SignatureAlgorithm,
} from "../../crypto/index.ts";
import { concat, utf8 } from "../../wire/index.ts";
import { TAG } from "./der.ts";

/** One element in DER. */
export function element(
	tag: number,
	...parts: readonly Uint8Array[]
): Uint8Array {
	const content = concat(...parts);
	return concat(header(tag, content.length), content);
}

/** Identifier and length octets, for content below 2²⁴ bytes. */
export function header(tag: number, length: number): Uint8Array {
	if (length < 0x80) return Uint8Array.of(tag, length);
	if (length < 0x100) return Uint8Array.of(tag, 0x81, length);
	if (length < 0x10000)
		return Uint8Array.of(tag, 0x82, length >> 8, length & 0xff);
	return Uint8Array.of(
		tag,
		0x83,
		length >> 16,
		(length >> 8) & 0xff,
		length & 0xff,
	);
}

/** An INTEGER that is not negative, from its bytes, most significant first. */
export function integer(bytes: Uint8Array): Uint8Array {
	const start = bytes.findIndex((byte) => byte !== 0);
	const digits = bytes.subarray(start === -1 ? bytes.length : start);
	const needsSign = (digits[0] ?? 0xff) >= 0x80;
	return element(TAG.integer, Uint8Array.of(...(needsSign ? [0] : [])), digits);
}

/** An INTEGER from 0 to 2⁶⁴ − 1. */
export function integer64(value: bigint): Uint8Array {
	const bytes = new Uint8Array(8);
	new DataView(bytes.buffer).setBigUint64(0, value);
	return integer(bytes);
}

/** An OBJECT IDENTIFIER from its form with dots; every arc below 2³¹, which all of ours are. */
export function objectIdentifier(dotted: string): Uint8Array {
	const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
	const octets = [first * 40 + second, ...rest].flatMap((arc) => {
		const low = [arc & 0x7f];
		for (let high = arc >> 7; high > 0; high >>= 7)
			low.unshift((high & 0x7f) | 0x80);
		return low;
	});
	return element(TAG.objectIdentifier, Uint8Array.from(octets));
}

/** A BIT STRING of whole octets. */
export function bitString(octets: Uint8Array): Uint8Array {
	return element(TAG.bitString, Uint8Array.of(0), octets);
}

/** A BIT STRING of named bits in its shortest form, as `parseNamedBits` has it: bit n is `1 << n`. */
export function namedBits(bits: number): Uint8Array {
	const count = 32 - Math.clz32(bits);
	const octets = new Uint8Array(Math.ceil(count / 8));
	for (let n = 0; n < count; n++)
		if (bits & (1 << n))
			octets[n >> 3] = (octets[n >> 3] ?? 0) | (0x80 >> (n & 7));
	const unused = octets.length * 8 - count;
	return element(TAG.bitString, Uint8Array.of(unused), octets);
}

/** A BOOLEAN; false is the default wherever we write one, and is left out (X.690, 11.5). */
export const TRUE: Uint8Array = element(TAG.boolean, Uint8Array.of(0xff));

/** `time` in milliseconds since the epoch, as `readTime` has it. */
export function time(time: number): Uint8Array {
	const digits = timeDigits(time);
	return digits >= "1950" && digits < "2050"
		? element(TAG.utcTime, utf8(digits.slice(2)))
		: element(TAG.generalizedTime, utf8(digits));
}

/** `time` in milliseconds since the epoch, with four digits for any year. */
export function generalizedTime(time: number): Uint8Array {
	return element(TAG.generalizedTime, utf8(timeDigits(time)));
}

/** YYYYMMDDHHMMSSZ. */
function timeDigits(time: number): string {
	return `${new Date(time).toISOString().slice(0, 19).replaceAll(/\D/g, "")}Z`;
}

/** A signature of 64 bytes as it stands in a BIT STRING: for ECDSA an ECDSA-Sig-Value (RFC 3279, 2.2.3). */
export function signatureValue(
	algorithm: SignatureAlgorithm,
	signature: Uint8Array,
): Uint8Array {
	if (algorithm === "Ed25519") return signature;
	const half = SIGNATURE_BYTES / 2;
	return element(
		TAG.sequence,
		integer(signature.subarray(0, half)),
		integer(signature.subarray(half)),
	);
}
