/*
 * What a purchase is of, in words: the order that its contract covers. It says which request is
 * answered, so that a payment for one buys no other. A buyer makes it of what it asks for itself,
 * and a merchant of what has come: neither takes the other's word.
 *
 *   POST https://api.example/weather?day=1 sha256:<of the body, 64 hexadecimal digits>
 *   tool "weather" "forecast" sha256:<of the arguments, as canonical JSON>
 *
 * Methods are in capital letters, so that no request is a tool. An address has no space, and names
 * are strings of JSON, so that there is one way to read it.
 */
import { nodeCrypto } from "../crypto/index.ts";
import { TetradError } from "../errors.ts";
import { hex, utf8 } from "../wire/index.ts";
import {
	MAX_ARGUMENT_DEPTH,
	MAX_ARGUMENTS_LENGTH,
	MAX_REQUEST_BYTES,
} from "./limits.ts";

const METHOD = /^[A-Z]{1,32}$/;

/** A request over HTTP. */
export interface WebRequest {
	/** As of RFC 9110; it is written in capital letters. */
	readonly method: string;
	/** Absolute, `http:` or `https:`. What stands behind `#` is not sent, and not a part of it. */
	readonly url: string | URL;
	/** As it is sent; none unless given. */
	readonly body?: Uint8Array | string | undefined;
}

/** A call of a tool, as of MCP. */
export interface ToolCall {
	/** What its server is called. */
	readonly server: string;
	readonly tool: string;
	/** JSON; none unless given. */
	readonly arguments?: unknown;
}

/** What a purchase of the answer to that request is of. Throws `invalid-argument` for what is no such request, and for one that is too long to be written into a contract. */
export function requestText({ method, url, body = "" }: WebRequest): string {
	const named = method.toUpperCase();
	if (!METHOD.test(named))
		throw invalid("a request that is paid has a method of letters alone");
	const bytes = typeof body === "string" ? utf8(body) : body;
	return within(`${named} ${addressOf(url)} sha256:${hashOf(bytes)}`);
}

/** What a purchase of the answer of that tool is of. Throws `invalid-argument` for arguments that are no JSON, and for names that are too long to be written into a contract. */
export function toolText({
	server,
	tool,
	arguments: given = {},
}: ToolCall): string {
	const names = [server, tool].map((name) => JSON.stringify(wellFormed(name)));
	const hash = hashOf(utf8(canonicalJson(given)));
	return within(`tool ${names.join(" ")} sha256:${hash}`);
}

/** JSON with its keys in order and nothing between, as of RFC 8785, so that the same arguments are the same text. Throws `invalid-argument` for what is no JSON. */
export function canonicalJson(value: unknown): string {
	const text = written(value, 0);
	if (text.length > MAX_ARGUMENTS_LENGTH)
		throw invalid("the arguments are too long");
	return text;
}

function written(value: unknown, depth: number): string {
	if (depth > MAX_ARGUMENT_DEPTH)
		throw invalid("the arguments are nested too deeply");
	if (value === null || typeof value === "boolean") return `${value}`;
	if (typeof value === "string") return JSON.stringify(wellFormed(value));
	if (typeof value === "number" && Number.isFinite(value))
		return JSON.stringify(value);
	if (Array.isArray(value))
		return `[${value.map((one) => written(one, depth + 1)).join(",")}]`;
	if (typeof value !== "object")
		throw invalid("the arguments are no JSON: they cannot be sent");
	const entries = Object.entries(value)
		// As `JSON.stringify` leaves them out where the request is sent.
		.filter(([, one]) => one !== undefined)
		.sort(([a], [b]) => (a < b ? -1 : 1))
		.map(
			([key, one]) =>
				`${JSON.stringify(wellFormed(key))}:${written(one, depth + 1)}`,
		);
	return `{${entries.join(",")}}`;
}

function addressOf(url: string | URL): string {
	const given = URL.parse(url);
	if (given === null || !/^https?:$/.test(given.protocol))
		throw invalid(
			"a request that is paid goes to a whole address of http or https",
		);
	if (given.username !== "" || given.password !== "")
		throw invalid(
			"the address has a user's name or password in it, which would be written into the contract; send them in a header",
		);
	given.hash = "";
	return given.href;
}

/** A text of which there is no second way to write it in UTF-8. */
function wellFormed(text: string): string {
	if (!text.isWellFormed()) throw invalid("half a character is no text");
	return text;
}

function within(text: string): string {
	const { length } = utf8(text);
	if (length > MAX_REQUEST_BYTES)
		throw invalid(
			`the contract names the request, which takes ${length} bytes, and has room for ${MAX_REQUEST_BYTES}: make the address shorter, and send what is long in the body`,
		);
	return text;
}

function hashOf(bytes: Uint8Array): string {
	return hex(nodeCrypto.sha256(bytes));
}

function invalid(message: string): TetradError {
	return new TetradError("invalid-argument", message);
}
