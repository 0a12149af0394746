/*
 * JSON as mints and strangers write it. It is read by hand, because `JSON.parse` makes numbers of
 * which an amount of 2^53 and more comes back as another, and takes the last of two equal names
 * where the next reader takes the first.
 */
import { malformed, parseUtf8 } from "../../wire/index.ts";
import { MAX_DEPTH } from "./limits.ts";

/** An integer in digits alone is a `bigint`; any other number is a `number`, which nobody asks for. */
export type Json =
	| null
	| boolean
	| string
	| bigint
	| number
	| readonly Json[]
	| JsonObject;

export type JsonObject = ReadonlyMap<string, Json>;

/** The longest integer that is read as one: 2^64 has 20 digits. */
const MAX_DIGITS = 20;

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const INTEGER = /^-?[0-9]+$/;
const WORD = /true|false|null/y;
/** Whatever may stand in a text only behind a backslash. */
const CONTROL = /\p{Cc}/u;

/**
 * Reads one value, and nothing behind it. Throws `malformed` for anything that is no JSON (RFC
 * 8259), for UTF-8 that is none, for more than `MAX_DEPTH` values in each other, and for a name
 * that an object has twice.
 */
export function parseJson(bytes: Uint8Array): Json {
	return parseJsonText(parseUtf8(bytes));
}

/** The same of a text. */
export function parseJsonText(text: string): Json {
	const reader = new Reader(text);
	const value = reader.value(0);
	reader.end();
	return value;
}

class Reader {
	readonly #text: string;
	#at = 0;

	constructor(text: string) {
		this.#text = text;
	}

	value(depth: number): Json {
		if (depth > MAX_DEPTH) throw malformed("a text in JSON is too deep");
		switch (this.#next()) {
			case "{":
				return this.#object(depth);
			case "[":
				return this.#array(depth);
			case '"':
				return this.#string();
			case "t":
			case "f":
			case "n":
				return this.#word();
			default:
				return this.#number();
		}
	}

	end(): void {
		if (this.#next() !== "") throw notJson();
	}

	/** The next character that is no space, which stays where it is; empty at the end. */
	#next(): string {
		this.#take(SPACE);
		return this.#text.charAt(this.#at);
	}

	#take(pattern: RegExp): string | undefined {
		pattern.lastIndex = this.#at;
		const found = pattern.exec(this.#text)?.[0];
		this.#at += found?.length ?? 0;
		return found;
	}

	#object(depth: number): JsonObject {
		const members = new Map<string, Json>();
		this.#each("}", () => {
			if (this.#next() !== '"') throw notJson();
			const name = this.#string();
			if (this.#next() !== ":") throw notJson();
			this.#at++;
			if (members.has(name))
				throw malformed("an object in JSON has one name twice");
			members.set(name, this.value(depth + 1));
		});
		return members;
	}

	#array(depth: number): readonly Json[] {
		const items: Json[] = [];
		this.#each("]", () => items.push(this.value(depth + 1)));
		return items;
	}

	/** What stands between brackets, with commas. */
	#each(end: "}" | "]", read: () => void): void {
		this.#at++;
		if (this.#next() === end) {
			this.#at++;
			return;
		}
		for (;;) {
			read();
			const next = this.#next();
			this.#at++;
			if (next === end) return;
			if (next !== ",") throw notJson();
		}
	}

	#string(): string {
		const from = this.#at;
		let end = from;
		do {
			end = this.#text.indexOf('"', end + 1);
			if (end === -1) throw notJson();
		} while (this.#isEscaped(end));
		this.#at = end + 1;
		const value = unescaped(this.#text.slice(from, end + 1));
		if (!value.isWellFormed())
			throw malformed("a text in JSON has half of a character");
		return value;
	}

	/** Whether an odd number of backslashes stands before this place. */
	#isEscaped(place: number): boolean {
		let at = place;
		while (this.#text[at - 1] === "\\") at--;
		return (place - at) % 2 === 1;
	}

	#word(): boolean | null {
		switch (this.#take(WORD)) {
			case "true":
				return true;
			case "false":
				return false;
			case "null":
				return null;
			default:
				throw notJson();
		}
	}

	#number(): bigint | number {
		const literal = this.#take(NUMBER);
		if (literal === undefined) throw notJson();
		return INTEGER.test(literal) && literal.length <= MAX_DIGITS
			? BigInt(literal)
			: Number(literal);
	}
}

/** A value as it is sent. Members stand in the order in which they were given, and those that are `undefined` not at all. */
export type Writable =
	| null
	| boolean
	| string
	| bigint
	| number
	| readonly Writable[]
	| JsonObject
	| { readonly [name: string]: Writable | undefined };

/** Without spaces, as `JSON.stringify` writes it, and integers of any size as digits. */
export function writeJson(value: Writable): string {
	if (typeof value === "bigint") return value.toString();
	if (value === null || typeof value !== "object") return JSON.stringify(value);
	if (isList(value)) return `[${value.map(writeJson).join(",")}]`;
	const members: readonly (readonly [string, Writable | undefined])[] =
		value instanceof Map ? [...value] : Object.entries(value);
	const written = members.flatMap(([name, member]) =>
		member === undefined
			? []
			: [`${JSON.stringify(name)}:${writeJson(member)}`],
	);
	return `{${written.join(",")}}`;
}

/** What a literal with its quotes says. */
function unescaped(literal: string): string {
	if (!literal.includes("\\") && !CONTROL.test(literal))
		return literal.slice(1, -1);
	try {
		return JSON.parse(literal) as string;
	} catch {
		throw notJson();
	}
}

function isList(value: Writable): value is readonly Writable[] {
	return Array.isArray(value);
}

function notJson() {
	return malformed("a text is not in JSON");
}
