/*
 * CBOR (RFC 8949) as far as tokens need it: integers, bytes, texts, arrays and maps with texts as
 * names, all of a known length. Shorter forms than were used are not asked for, because tokens of
 * all wallets have to be read; a name that a map has twice is refused.
 */
import { concat, malformed, parseUtf8, utf8 } from "../../wire/index.ts";
import { MAX_DEPTH } from "./limits.ts";

export type Cbor =
	| null
	| boolean
	| bigint
	| string
	| Uint8Array
	| readonly Cbor[]
	| CborMap;

export type CborMap = ReadonlyMap<string, Cbor>;

const MAJOR = {
	unsigned: 0,
	negative: 1,
	bytes: 2,
	text: 3,
	array: 4,
	map: 5,
	simple: 7,
} as const;

const SIMPLE: Readonly<Record<number, null | boolean>> = {
	20: false,
	21: true,
	22: null,
	23: null,
};

/** Reads one value, and nothing behind it. Bytes in it are views. Throws `malformed`. */
export function parseCbor(bytes: Uint8Array): Cbor {
	const reader = new Reader(bytes);
	const value = reader.value(0);
	reader.end();
	return value;
}

class Reader {
	readonly #bytes: Uint8Array;
	#at = 0;

	constructor(bytes: Uint8Array) {
		this.#bytes = bytes;
	}

	value(depth: number): Cbor {
		if (depth > MAX_DEPTH) throw malformed("a value in CBOR is too deep");
		const [head = 0] = this.#take(1);
		const [major, short] = [head >> 5, head & 31];
		if (major === MAJOR.simple) return simple(short);
		const argument = this.#argument(short);
		switch (major) {
			case MAJOR.unsigned:
				return argument;
			case MAJOR.negative:
				return -1n - argument;
			case MAJOR.bytes:
				return this.#take(argument);
			case MAJOR.text:
				return parseUtf8(this.#take(argument));
			case MAJOR.array:
				return this.#array(this.#count(argument), depth);
			case MAJOR.map:
				return this.#map(this.#count(argument), depth);
			default:
				throw malformed("a value in CBOR is of a kind that tokens have not");
		}
	}

	end(): void {
		if (this.#at !== this.#bytes.length)
			throw malformed("something stands behind a value in CBOR");
	}

	#take(length: bigint | number): Uint8Array {
		if (length > this.#bytes.length - this.#at)
			throw malformed("a value in CBOR is cut short");
		const from = this.#at;
		this.#at += Number(length);
		return this.#bytes.subarray(from, this.#at);
	}

	/** In the head itself, or in 1, 2, 4 or 8 bytes behind it. */
	#argument(short: number): bigint {
		if (short < 24) return BigInt(short);
		if (short > 27)
			throw malformed("a value in CBOR does not say how long it is");
		let value = 0n;
		for (const byte of this.#take(2 ** (short - 24)))
			value = (value << 8n) | BigInt(byte);
		return value;
	}

	/** Each item has a byte at least, so that a count is no larger than what is there. */
	#count(argument: bigint): number {
		if (argument > this.#bytes.length - this.#at)
			throw malformed("a value in CBOR is cut short");
		return Number(argument);
	}

	#array(count: number, depth: number): readonly Cbor[] {
		const items: Cbor[] = [];
		for (let i = 0; i < count; i++) items.push(this.value(depth + 1));
		return items;
	}

	#map(count: number, depth: number): CborMap {
		const members = new Map<string, Cbor>();
		for (let i = 0; i < count; i++) {
			const name = this.value(depth + 1);
			if (typeof name !== "string" || members.has(name))
				throw malformed(
					"a map in CBOR has a name that is no text, or one twice",
				);
			members.set(name, this.value(depth + 1));
		}
		return members;
	}
}

function simple(short: number): null | boolean {
	const value = SIMPLE[short];
	if (value === undefined)
		throw malformed("a value in CBOR is of a kind that tokens have not");
	return value;
}

/** What tokens are written of; integers are not negative. */
export type WritableCbor =
	| bigint
	| string
	| Uint8Array
	| readonly WritableCbor[]
	| { readonly [name: string]: WritableCbor | undefined };

/** In the shortest form. Members stand in the order in which they were given, and those that are `undefined` not at all. */
export function writeCbor(value: WritableCbor): Uint8Array {
	if (typeof value === "bigint") return head(MAJOR.unsigned, value);
	if (typeof value === "string") {
		const text = utf8(value);
		return concat(head(MAJOR.text, text.length), text);
	}
	if (value instanceof Uint8Array)
		return concat(head(MAJOR.bytes, value.length), value);
	if (isList(value))
		return concat(head(MAJOR.array, value.length), ...value.map(writeCbor));
	const members = Object.entries(value).flatMap(([name, member]) =>
		member === undefined ? [] : [writeCbor(name), writeCbor(member)],
	);
	return concat(head(MAJOR.map, members.length / 2), ...members);
}

function isList(value: WritableCbor): value is readonly WritableCbor[] {
	return Array.isArray(value);
}

function head(major: number, argument: bigint | number): Uint8Array {
	const value = BigInt(argument);
	if (value < 24n) return Uint8Array.of((major << 5) | Number(value));
	const size =
		value < 0x100n ? 0 : value < 0x1_0000n ? 1 : value < 0x1_0000_0000n ? 2 : 3;
	const out = new Uint8Array(1 + 2 ** size);
	out[0] = (major << 5) | (24 + size);
	let rest = value;
	for (let at = out.length - 1; at > 0; at--) {
		out[at] = Number(rest & 0xffn);
		rest >>= 8n;
	}
	return out;
}
