/*
 * How the command line speaks, in one place: results on standard output, everything else on
 * standard error; one sentence that names what was wrong and what to do; no control characters
 * that came from somebody else; 0 done, 1 refused or failed, 2 wrong usage.
 *
 * With --json both streams have one JSON value on each line: a failure is { code, reason } on
 * standard error, and what would be told beside a result is { note } there.
 */
import { asTetradError } from "../errors.ts";
import { terminalWidth, visible, wrapped } from "./wrap.ts";

export const EXIT = { done: 0, failed: 1, usage: 2 } as const;

let isJson = false;

/** From now on everything on standard error is JSON. */
export function speakJson(): void {
	isJson = true;
}

/** Prints one line of a result. */
export function say(line = ""): void {
	process.stdout.write(`${line}\n`);
}

/** Prints one line of a result, as several where the terminal is narrower. */
export function sayFitting(line: string): void {
	const width = terminalWidth();
	const [indent = ""] = /^\s*/.exec(visible(line)) ?? [];
	const hanging = `${indent.replace(/^\n+/, "")}  `;
	if (width === undefined) return say(line);
	for (const part of wrapped(line, width, { hanging })) say(part);
}

/** Prints a result as it is, its line ends with it. */
export function sayText(text: string): void {
	process.stdout.write(text);
}

/** Prints one JSON value, on one line. */
export function sayJson(value: unknown): void {
	process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Prints one line for the person at the terminal, apart from results. */
export function tell(line: string): void {
	process.stderr.write(`${isJson ? JSON.stringify({ note: line }) : line}\n`);
}

/** As `tell`, as several lines where the terminal is narrower. */
export function tellFitting(line: string): void {
	const width = terminalWidth(process.stderr);
	if (width === undefined) return tell(line);
	for (const part of wrapped(line, width, { hanging: "  " })) tell(part);
}

/** Prints what is wrong, with the prefix that everything wrong has. */
export function tellTrouble(line: string): void {
	tell(isJson ? line : `${styled("red", "tetrad:", process.stderr)} ${line}`);
}

/** Prints why a command failed, and says with which exit code it should. */
export function tellFailure(thrown: unknown): number {
	const error = asTetradError(thrown);
	const { code, message } = error;
	const stack =
		code === "internal" ? String((error.cause as Error)?.stack) : undefined;
	if (isJson) {
		const failure = { code, reason: message, stack };
		process.stderr.write(`${JSON.stringify(failure)}\n`);
	} else {
		tellTrouble(`${plain(message)} (${code})`);
		if (stack !== undefined) tell(stack);
	}
	return code === "invalid-argument" ? EXIT.usage : EXIT.failed;
}

/** Text from a peer, with every control character made visible, so that it cannot move the cursor. */
export function plain(text: string): string {
	return text.replace(
		/[\p{Cc}\p{Cf}\u2028\u2029]/gu,
		(c) => `\\u{${c.codePointAt(0)?.toString(16)}}`,
	);
}

/** The module of it is loaded here, because it brings along more than a whole help text needs. */
function styled(
	format: "bold" | "dim" | "green" | "red",
	text: string,
	stream: NodeJS.WriteStream,
): string {
	const { styleText } = process.getBuiltinModule("node:util");
	return styleText(format, text, { stream });
}

export function bold(text: string): string {
	return styled("bold", text, process.stdout);
}

export function dim(text: string): string {
	return styled("dim", text, process.stdout);
}

export function good(text: string): string {
	return styled("green", text, process.stdout);
}

export function bad(text: string): string {
	return styled("red", text, process.stdout);
}

/** 1234567 as "1,234,567". */
export function count(value: number): string {
	return value.toLocaleString("en-US");
}

/** A day in UTC, from milliseconds since the epoch. */
export function day(milliseconds: number): string {
	return new Date(milliseconds).toISOString().slice(0, 10);
}

/** A moment in UTC, to the second. */
export function moment(milliseconds: number): string {
	return `${new Date(milliseconds).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
