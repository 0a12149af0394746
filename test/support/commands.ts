/* Commands of `tetrad` that a test gives, as real processes, and what it expects of them. */
import assert from "node:assert/strict";
import { type Result, run } from "./processes.ts";

/** Fails the test unless the command is done; returns what it said with --json. */
export async function done(
	args: readonly string[],
): Promise<Record<string, unknown>> {
	const result = await run([...args, "--json"]);
	assert.equal(result.code, 0, result.stderr);
	return JSON.parse(result.stdout);
}

/** The same of a command that says more than one thing, one on each line. */
export async function doneInLines(
	args: readonly string[],
): Promise<Record<string, unknown>[]> {
	const { code, stdout, stderr } = await run([...args, "--json"]);
	assert.equal(code, 0, stderr);
	return stdout
		.trim()
		.split("\n")
		.map((line) => JSON.parse(line));
}

/** Fails the test unless the command is refused, in words for its owner and in nothing else. */
export async function refused(
	args: readonly string[],
	expected: RegExp,
	code = 1,
): Promise<Result> {
	const result = await run(args);
	assert.equal(result.code, code, result.stderr + result.stdout);
	assert.match(result.stderr, expected);
	assert.equal(result.stdout, "");
	assert.doesNotMatch(result.stderr, /\(internal\)|^\s+at /m);
	return result;
}
