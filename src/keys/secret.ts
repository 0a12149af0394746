import { resolve } from "node:path";
import type { Readable, Writable } from "node:stream";
import { TetradError } from "../errors.ts";
import { utf8 } from "../wire/index.ts";
import { MAX_SECRET_BYTES } from "./limits.ts";
import { readOwnerFile } from "./owner-file.ts";
import { throwIfAborted } from "./store.ts";

/** What is asked for. */
export interface SecretRequest {
	/** Completes "the passphrase of …" or "the PIN of …": `passphrase of key.sealed`. */
	readonly what: string;
	/** Whether it is being set, so that a person has to type it twice. */
	readonly isNew: boolean;
	readonly signal?: AbortSignal;
}

/**
 * Where a passphrase or a PIN comes from. It resolves with 1 to 1024 bytes in a buffer of
 * its own, which whoever asked wipes. It is asked once for each try, never again by itself.
 */
export type SecretSource = (request: SecretRequest) => Promise<Uint8Array>;

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/**
 * The one line of a file that only its owner may read; a line end after it, also that of
 * Windows, is cut off. The file is read anew each time. Rejects as `readOwnerFile` does, and
 * with `key-store-failed` for a file that is empty or holds more than a line.
 */
export function secretFromFile(path: string): SecretSource {
	return async ({ what, signal }) => {
		throwIfAborted(signal);
		const content = await readOwnerFile(resolve(path), {
			noun: `file with the ${what}`,
			maxBytes: MAX_SECRET_BYTES + 2,
			whenMissing: "write it first, for its owner only",
		});
		try {
			return requireSecret(Uint8Array.from(withoutLineEnd(content)), what);
		} finally {
			content.fill(0);
		}
	};
}

function withoutLineEnd(line: Uint8Array): Uint8Array {
	if (line.at(-1) !== NEWLINE) return line;
	return line.subarray(0, line.at(-2) === RETURN ? -2 : -1);
}

/**
 * The value of an environment variable, looked up each time. Other processes of the same user
 * can read it, and it cannot be wiped: a file or a prompt is better.
 */
export function secretFromEnvironment(variable: string): SecretSource {
	return async ({ what, signal }) => {
		throwIfAborted(signal);
		const value = process.env[variable];
		if (value === undefined)
			throw new TetradError(
				"key-store-failed",
				`the environment variable ${variable} is to hold the ${what} and is not set; set it`,
			);
		return requireSecret(utf8(value), what);
	};
}

/** Takes `secret` for its own: a refused one is wiped. */
export function requireSecret(secret: Uint8Array, what: string): Uint8Array {
	const problem =
		secret.length === 0
			? "is empty; choose one"
			: secret.length > MAX_SECRET_BYTES
				? `is over ${MAX_SECRET_BYTES} bytes; choose a shorter one`
				: secret.some((byte) => byte === 0 || byte === NEWLINE)
					? "is more than one line; put nothing else beside it"
					: undefined;
	if (problem === undefined) return secret;
	secret.fill(0);
	throw new TetradError("key-store-failed", `the ${what} ${problem}`);
}

/** The two ends of a terminal: `process.stdin` and `process.stderr` are such. */
export interface Terminal {
	readonly input: Readable & {
		readonly isTTY?: boolean;
		setRawMode?(raw: boolean): unknown;
	};
	readonly output: Writable;
}

/**
 * Asks a person at a terminal, who does not see what is typed, and asks twice for a new
 * secret. Rejects with `key-store-failed` where there is no terminal or the two differ, and
 * with `aborted` when the person presses Ctrl-C or Ctrl-D.
 */
export function secretFromPrompt(
	terminal: Terminal = { input: process.stdin, output: process.stderr },
): SecretSource {
	return async ({ what, isNew, signal }) => {
		throwIfAborted(signal);
		const { input } = terminal;
		if (!input.isTTY || input.setRawMode === undefined)
			throw new TetradError(
				"key-store-failed",
				`there is no terminal to ask for the ${what}; name a file or an environment variable that holds it`,
			);
		const first = await ask(terminal, `${what}: `, signal);
		requireSecret(first, what);
		if (!isNew) return first;
		let second: Uint8Array | undefined;
		try {
			second = await ask(terminal, `${what}, again: `, signal);
			if (Buffer.compare(first, second) === 0) return Uint8Array.from(first);
		} finally {
			first.fill(0);
			second?.fill(0);
		}
		throw new TetradError(
			"key-store-failed",
			`the ${what} was not the same twice; begin again`,
		);
	};
}

const CTRL_C = 0x03;
const CTRL_D = 0x04;
const CTRL_U = 0x15;
const BACKSPACES: ReadonlySet<number> = new Set([0x08, 0x7f]);

/** One line in raw mode, byte by byte into a buffer that can be wiped, as a string could not. */
async function ask(
	{ input, output }: Terminal,
	question: string,
	signal: AbortSignal | undefined,
): Promise<Uint8Array> {
	const line = new Uint8Array(MAX_SECRET_BYTES + 1);
	const { promise, resolve: end, reject } = Promise.withResolvers<number>();
	let length = 0;
	const typed = (bytes: Buffer): void => {
		for (const byte of bytes) {
			if (byte === RETURN || byte === NEWLINE) end(length);
			else if (byte === CTRL_C || byte === CTRL_D) stop();
			else if (byte === CTRL_U) length = 0;
			else if (BACKSPACES.has(byte)) length = beforeLast(line, length);
			else if (length < line.length) line[length++] = byte;
			if (byte === RETURN || byte === NEWLINE) break;
		}
		bytes.fill(0);
	};
	const stop = (): void =>
		reject(new TetradError("aborted", "the question was not answered"));
	input.setRawMode?.(true);
	input.on("data", typed);
	input.once("end", stop);
	signal?.addEventListener("abort", stop, { once: true });
	output.write(question);
	input.resume();
	try {
		return line.slice(0, await promise);
	} finally {
		input.off("data", typed);
		input.off("end", stop);
		signal?.removeEventListener("abort", stop);
		input.pause();
		input.setRawMode?.(false);
		output.write("\n");
		line.fill(0);
	}
}

/** Where the last character begins, which may be several bytes of UTF-8. */
function beforeLast(line: Uint8Array, length: number): number {
	let at = Math.max(0, length - 1);
	while (at > 0 && ((line[at] ?? 0) & 0xc0) === 0x80) at--;
	return at;
}
