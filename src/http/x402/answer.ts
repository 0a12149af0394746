/*
 * An answer as it is sold: a response message of HTTP/1.1 (RFC 9112) whose content goes to the end
 * of the merchandise.
 *
 *   HTTP/1.1 200 CRLF
 *   name: value CRLF     for each field, its name in lower case
 *   CRLF
 *   content
 */
import { TetradError } from "../../errors.ts";
import { concat, utf8 } from "../../wire/index.ts";
import { MAX_ANSWER_FIELDS, MAX_ANSWER_HEAD_BYTES } from "./limits.ts";

/** What a handler has answered. */
export interface HttpAnswer {
	/** From 200 to 399: nothing else is sold. */
	readonly status: number;
	/** Names in lower case. */
	readonly fields: readonly (readonly [name: string, value: string])[];
	readonly body: Uint8Array;
}

/** Names of the fields that are sold with an answer, unless more are asked for. */
export const FIELDS_SOLD: readonly string[] = [
	"content-disposition",
	"content-language",
	"content-location",
	"content-range",
	"content-type",
	"etag",
	"last-modified",
	"link",
	"location",
];

const STATUS_LINE = /^HTTP\/1\.1 ([23][0-9]{2}) $/;
const FIELD_LINE = /^([!#$%&'*+.^_`|~0-9a-z-]+): ([\t\x20-\x7e\x80-\xff]*)$/;
const END_OF_HEAD = utf8("\r\n\r\n");
/** Statuses whose answers have no content (Fetch standard, "null body status"). */
export const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * The merchandise that an answer is. Throws `invalid-argument` for a status that is not sold, for a
 * field that could be read in two ways, and for more of them than are sold.
 */
export function encodeAnswer({ status, fields, body }: HttpAnswer): Uint8Array {
	const lines = fields.map(([name, value]) => `${name}: ${value}`);
	const head = [`HTTP/1.1 ${status} `, ...lines].join("\r\n");
	const bytes = concat(Buffer.from(`${head}\r\n\r\n`, "latin1"), body);
	try {
		for (const line of lines) fieldOf(line);
		parseAnswer(bytes);
	} catch (cause) {
		throw new TetradError(
			"invalid-argument",
			"the status or the header fields of this answer cannot be sold",
			{ cause },
		);
	}
	return bytes;
}

/** Throws `malformed` for merchandise that is no answer, or not the only way to write it. */
export function parseAnswer(bytes: Uint8Array): HttpAnswer {
	const end = Buffer.from(bytes.subarray(0, MAX_ANSWER_HEAD_BYTES)).indexOf(
		END_OF_HEAD,
	);
	if (end < 0) throw noAnswer();
	const [first = "", ...lines] = Buffer.from(bytes.subarray(0, end))
		.toString("latin1")
		.split("\r\n");
	const [, status] = STATUS_LINE.exec(first) ?? [];
	if (status === undefined || lines.length > MAX_ANSWER_FIELDS)
		throw noAnswer();
	const body = bytes.slice(end + END_OF_HEAD.length);
	const isEmpty = WITHOUT_BODY.has(Number(status));
	if (isEmpty && body.length > 0) throw noAnswer();
	return { status: Number(status), fields: lines.map(fieldOf), body };
}

/** The answer as `fetch` would have given it; with what was bought, in the field of stock x402. */
export function responseOf(
	{ status, fields, body }: HttpAnswer,
	paid: string,
): Response {
	const headers = new Headers([
		...fields.map(([name, value]): [string, string] => [name, value]),
	]);
	headers.set("payment-response", paid);
	const content = WITHOUT_BODY.has(status) ? null : new Uint8Array(body);
	return new Response(content, { status, headers });
}

function fieldOf(line: string): readonly [string, string] {
	const [, name, value] = FIELD_LINE.exec(line) ?? [];
	if (name === undefined || value === undefined || value !== value.trim())
		throw noAnswer();
	return [name, value];
}

function noAnswer(): TetradError {
	return new TetradError("malformed", "what was bought is no answer of HTTP");
}
