import { malformed } from "../../wire/index.ts";

/** Identifier octets of the ASN.1 types in what is read and written here (X.690, 8.1.2). */
export const TAG = {
	boolean: 0x01,
	integer: 0x02,
	bitString: 0x03,
	octetString: 0x04,
	objectIdentifier: 0x06,
	enumerated: 0x0a,
	utf8String: 0x0c,
	printableString: 0x13,
	utcTime: 0x17,
	generalizedTime: 0x18,
	sequence: 0x30,
	set: 0x31,
	/** [0] IMPLICIT of a primitive type. */
	implicit0: 0x80,
	/** [0] EXPLICIT, or IMPLICIT of a constructed type. */
	explicit0: 0xa0,
	/** [3] EXPLICIT. */
	explicit3: 0xa3,
} as const;

/**
 * Reads elements one after another and takes DER only (X.690, 10): definite lengths in the
 * fewest octets, and no bytes left over. What it returns are views, so a signed part is the
 * very bytes that were signed. It never recurses, so depth costs nothing.
 *
 * It stands here, and not `asn1js`, because a chain is read before its sender is known: that
 * library takes BER, and 0.5 ms for a certificate, plus 0.4 ms to encode it again to compare.
 * Every method throws `malformed`.
 */
export class DerReader {
	readonly #bytes: Uint8Array;
	#at = 0;

	constructor(bytes: Uint8Array) {
		this.#bytes = bytes;
	}

	get done(): boolean {
		return this.#at === this.#bytes.length;
	}

	/** The identifier octet of the next element, or `undefined` at the end. */
	get nextTag(): number | undefined {
		return this.#bytes[this.#at];
	}

	/** The next element whole, and its content. */
	element(tag: number): { whole: Uint8Array; content: Uint8Array } {
		const start = this.#at;
		if (this.nextTag !== tag)
			throw malformed(
				`there is ASN.1 tag ${this.nextTag ?? "none"} where ${tag} belongs`,
			);
		const [length, contentAt] = this.#length(start + 1);
		const end = contentAt + length;
		if (end > this.#bytes.length)
			throw malformed("an ASN.1 element is cut short");
		this.#at = end;
		return {
			whole: this.#bytes.subarray(start, end),
			content: this.#bytes.subarray(contentAt, end),
		};
	}

	content(tag: number): Uint8Array {
		return this.element(tag).content;
	}

	nested(tag: number): DerReader {
		return new DerReader(this.content(tag));
	}

	/** Refuses bytes after the last element that belongs here. */
	finish(): void {
		if (!this.done)
			throw malformed("there are bytes left over in an ASN.1 element");
	}

	/** Three length octets are enough: every limit is below 2²⁴ bytes. */
	#length(at: number): [length: number, contentAt: number] {
		const first = this.#bytes[at] ?? 0xff;
		if (first < 0x80) return [first, at + 1];
		const high = this.#bytes[at + 1] ?? 0;
		if (first === 0x81 && high >= 0x80) return [high, at + 2];
		const low = this.#bytes[at + 2];
		if (first === 0x82 && high > 0 && low !== undefined)
			return [high * 256 + low, at + 3];
		const lowest = this.#bytes[at + 3];
		if (first === 0x83 && high > 0 && low !== undefined && lowest !== undefined)
			return [(high * 256 + low) * 256 + lowest, at + 4];
		throw malformed("an ASN.1 length is not DER");
	}
}

/** The one element of which `bytes` consist. */
export function onlyElement(bytes: Uint8Array, tag: number): DerReader {
	const reader = new DerReader(bytes);
	const inner = reader.nested(tag);
	reader.finish();
	return inner;
}

/** The content of an INTEGER that is not negative, without the zero octet that only carries the sign. */
export function parseUnsigned(content: Uint8Array): Uint8Array {
	const [first, second] = content;
	if (first === undefined) throw malformed("an ASN.1 integer is empty");
	if (first >= 0x80) throw malformed("an ASN.1 integer is negative");
	if (first !== 0 || content.length === 1) return content;
	if (second !== undefined && second < 0x80)
		throw malformed("an ASN.1 integer is not in its shortest form");
	return content.subarray(1);
}

/** The content of a BIT STRING that holds whole octets. */
export function parseOctets(content: Uint8Array): Uint8Array {
	if (content[0] !== 0)
		throw malformed("an ASN.1 bit string does not hold whole octets");
	return content.subarray(1);
}

/** DER has 0xff for true, and leaves the default out, which is false wherever we read one (X.690, 11.1 and 11.5). */
export function parseTrue(content: Uint8Array): true {
	if (content.length !== 1 || content[0] !== 0xff)
		throw malformed("an ASN.1 boolean is not DER");
	return true;
}

/** Longer than any in use. Counting a number of thousands of digits would cost milliseconds. */
const MAX_OBJECT_IDENTIFIER_BYTES = 64;

/** An object identifier with dots. Arcs may be large (2.25 holds UUIDs), so they are counted exactly. */
export function parseObjectIdentifier(content: Uint8Array): string {
	if (content.length > MAX_OBJECT_IDENTIFIER_BYTES)
		throw malformed("an ASN.1 object identifier is too long");
	const arcs: bigint[] = [];
	let arc = 0n;
	let fresh = true;
	for (const octet of content) {
		if (fresh && octet === 0x80)
			throw malformed("an ASN.1 object identifier is not in its shortest form");
		arc = (arc << 7n) | BigInt(octet & 0x7f);
		fresh = octet < 0x80;
		if (fresh) {
			arcs.push(arc);
			arc = 0n;
		}
	}
	const [first] = arcs;
	if (first === undefined || !fresh)
		throw malformed("an ASN.1 object identifier is cut short");
	const root = first < 80n ? first / 40n : 2n;
	return [root, first - root * 40n, ...arcs.slice(1)].join(".");
}

/** A named bit list in its shortest form (X.690, 11.2.2): bit n of the list is `1 << n`. At most 16 bits. */
export function parseNamedBits(content: Uint8Array): number {
	const [unused = 8] = content;
	const last = content.at(-1) ?? 0;
	// The last octet holds the last bit that is set; those after it are left out.
	if (
		unused > 7 ||
		content.length > 3 ||
		(last & ((2 << unused) - 1)) !== 1 << unused
	)
		throw malformed("an ASN.1 list of bits is not DER");
	let bits = 0;
	for (let n = 0; n < (content.length - 1) * 8; n++) {
		const octet = content[1 + (n >> 3)] ?? 0;
		if (octet & (0x80 >> (n & 7))) bits |= 1 << n;
	}
	return bits;
}

/**
 * The next element as a time, in milliseconds since the epoch. RFC 5280, 4.1.2.5: UTCTime for
 * the years 1950 to 2049, GeneralizedTime for all others, to the second and in Zulu.
 */
export function readTime(reader: DerReader): number {
	const tag =
		reader.nextTag === TAG.utcTime ? TAG.utcTime : TAG.generalizedTime;
	const content = reader.content(tag);
	return timeAt(content, tag, 0, content.length);
}

/** The content of a GeneralizedTime of any year, for the fields that have no other form. */
export function parseGeneralizedTime(content: Uint8Array): number {
	return instantAt(content, 0, content.length, YEAR_DIGITS, 0);
}

const YEAR_DIGITS = 4;

/** As `readTime`, for the content from `start` to `end` of an element with that tag; it makes no object, for lists of many. */
export function timeAt(
	bytes: Uint8Array,
	tag: number,
	start: number,
	end: number,
): number {
	if (tag === TAG.utcTime) {
		const century = digitsAt(bytes, start, 1) < 5 ? 2000 : 1900;
		return instantAt(bytes, start, end, 2, century);
	}
	const year = digitsAt(bytes, start, YEAR_DIGITS);
	if (year >= 1950 && year < 2050)
		throw malformed("a time has the form for other years");
	return instantAt(bytes, start, end, YEAR_DIGITS, 0);
}

/** YYYYMMDDHHMMSSZ, or the same with two digits for the year. */
function instantAt(
	bytes: Uint8Array,
	start: number,
	end: number,
	yearDigits: number,
	century: number,
): number {
	const at = start + yearDigits;
	if (end - at !== 11 || bytes[at + 10] !== ZULU)
		throw malformed("a time is not DER");
	const year = century + digitsAt(bytes, start, yearDigits);
	const month = digitsAt(bytes, at, 2);
	const day = digitsAt(bytes, at + 2, 2);
	const hour = digitsAt(bytes, at + 4, 2);
	const minute = digitsAt(bytes, at + 6, 2);
	const second = digitsAt(bytes, at + 8, 2);
	const date = new Date(0);
	date.setUTCFullYear(year, month - 1, day);
	// 30 February would come out as 2 March.
	if (
		date.getUTCMonth() !== month - 1 ||
		date.getUTCDate() !== day ||
		hour > 23 ||
		minute > 59 ||
		second > 59
	)
		throw malformed("a time does not exist");
	return date.getTime() + ((hour * 60 + minute) * 60 + second) * 1000;
}

const ZULU = 0x5a;

function digitsAt(bytes: Uint8Array, at: number, count: number): number {
	let value = 0;
	for (let i = at; i < at + count; i++) {
		const digit = (bytes[i] ?? 0) - 0x30;
		if (digit < 0 || digit > 9) throw malformed("a time is not DER");
		value = value * 10 + digit;
	}
	return value;
}
