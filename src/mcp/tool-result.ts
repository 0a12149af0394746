/* A tool's result as it is sold: that of `tools/call` as JSON, in UTF-8. */
import {
	type CallToolResult,
	isCallToolResult,
} from "@modelcontextprotocol/server";
import { TetradError } from "../errors.ts";
import { utf8 } from "../wire/index.ts";

/** The merchandise that a result is. */
export function encodeResult(result: CallToolResult): Uint8Array {
	return utf8(JSON.stringify(result));
}

/** Throws `malformed` for merchandise that is no result. */
export function parseResult(bytes: Uint8Array): CallToolResult {
	let said: unknown;
	try {
		said = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
	} catch (cause) {
		throw noResult(cause);
	}
	if (isCallToolResult(said)) return said;
	throw noResult();
}

function noResult(cause?: unknown): TetradError {
	return new TetradError(
		"malformed",
		"what was bought is no result of a tool",
		{ cause },
	);
}
