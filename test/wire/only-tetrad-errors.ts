import assert from "node:assert/strict";
import { TetradError } from "../../src/errors.ts";

/** The result of `parse`, or `undefined` when it blamed the peer. Anything else it throws fails the test. */
export function onlyTetradErrors<Result>(
	parse: () => Result,
): Result | undefined {
	try {
		return parse();
	} catch (error) {
		assert.ok(error instanceof TetradError, String(error));
		assert.equal(error.family, "peer");
		return undefined;
	}
}

export const MALFORMED = { name: "TetradError", code: "malformed" } as const;
export const LIMIT_EXCEEDED = {
	name: "TetradError",
	code: "limit-exceeded",
} as const;
