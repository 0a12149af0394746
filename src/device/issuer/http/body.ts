/* What a body has to be before a route reads it: JSON that no two readers could take for two things. */
import { parseUtf8 } from "../../../wire/index.ts";
import { problem, Refused } from "./problems.ts";

/** How deep the JSON of a body goes. */
const MAX_JSON_DEPTH = 4;

const BYTE_ORDER_MARK = "\ufeff";

/**
 * Throws `Refused` for another media type than JSON, and for bytes that are not UTF-8 (RFC 8259,
 * 8.1), begin with a byte order mark (there, too), are nested deeper than anything here, are no
 * JSON, or have an object with one name twice, of which `JSON.parse` takes the last and other
 * readers the first (RFC 8259, 4).
 */
export function requireJson(type: string | undefined, bytes: Uint8Array): void {
	if (!/^application\/json(; *charset=utf-8)?$/i.test(type ?? ""))
		throw new Refused(
			problem(
				415,
				"malformed",
				"a body is JSON: Content-Type: application/json",
			),
		);
	const text = textOf(bytes);
	let depth = 0;
	for (const character of text) {
		if (character === "[" || character === "{") depth++;
		// Brackets in a text count too: nothing here has any.
		if (depth > MAX_JSON_DEPTH)
			throw malformed("the body has brackets within brackets");
	}
	try {
		JSON.parse(text);
	} catch {
		throw malformed("the body is not JSON");
	}
	requireNamesOnce(text);
}

function textOf(bytes: Uint8Array): string {
	let text: string;
	try {
		text = parseUtf8(bytes);
	} catch {
		throw malformed("the body is not UTF-8");
	}
	if (text.startsWith(BYTE_ORDER_MARK))
		throw malformed("the body begins with a byte order mark; leave it out");
	return text;
}

/** A text of JSON with the colon that makes it a name, or a bracket. */
const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|[[\]{}]/g;

/** The text is known to be JSON. */
function requireNamesOnce(text: string): void {
	const open: Set<string>[] = [];
	for (const [token, quoted, colon] of text.matchAll(TOKEN)) {
		if (token === "{" || token === "[") open.push(new Set());
		else if (token === "}" || token === "]") open.pop();
		if (quoted === undefined || colon === undefined) continue;
		// One name can be spelt in several ways.
		const name: unknown = JSON.parse(quoted);
		const names = open.at(-1);
		if (typeof name !== "string" || names === undefined) continue;
		if (names.has(name))
			throw malformed("an object of the body has one name twice");
		names.add(name);
	}
}

function malformed(detail: string): Refused {
	return new Refused(problem(400, "malformed", detail));
}
