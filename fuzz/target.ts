/* What is fuzzed, and what has to hold for whatever it is given. */
import { AssertionError } from "node:assert";
import { getHeapStatistics } from "node:v8";
import { type ErrorFamily, TetradError } from "../src/errors.ts";

/** A decoder, or a machine that reads what happens to it out of bytes. */
export interface Target {
	readonly name: string;
	/** The functions of `src` that it covers, as `file#function`. */
	readonly covers: readonly string[];
	/** Where its inputs begin, beside those of its corpus. */
	readonly seeds: readonly Uint8Array[];
	/** Throws what the decoder throws, and an `AssertionError` when what it answers is wrong. */
	readonly take: (bytes: Uint8Array) => void | Promise<void>;
	/** Whether it takes keys that nobody has here to make an input that is taken. */
	readonly isNeverTaken?: boolean;
	/** Whose fault what is refused may be; a peer's unless given. */
	readonly families?: readonly ErrorFamily[];
	/** Words of its language. */
	readonly tokens?: readonly string[];
	/** What no message may show. */
	readonly secrets?: readonly Uint8Array[];
	/** How much dearer than a decoder one input is. */
	readonly weight?: number;
}

/** What no input may take of CPU time, in milliseconds: far above the slowest, so that only a hang meets it. */
const HANG_MS = 4_000;

/** What this process has taken of CPU time: however busy the machine is. */
export function cpuMs(): number {
	const { user, system } = process.cpuUsage();
	return (user + system) / 1_000;
}

/** What no input may leave in memory while it is judged: what limits allow, several times. */
const MOST_MEMORY = 128 * 2 ** 20;

/** A message is a sentence for an owner. */
const MOST_CHARACTERS = 2_000;

/** So much of a secret is not there by accident. */
const TELLTALE_BYTES = 6;

/** Gives an input to a target. Throws when something does not hold; answers whether it was taken. */
export async function tryOne(
	target: Target,
	bytes: Uint8Array,
): Promise<boolean> {
	const before = memory();
	const start = cpuMs();
	let isTaken = true;
	try {
		// No decoder may change what it is given, nor need it to stay.
		const taking = target.take(Uint8Array.from(bytes));
		if (taking !== undefined) await taking;
	} catch (thrown) {
		isTaken = false;
		requireRefusal(target, thrown);
	}
	const took = cpuMs() - start;
	if (took > HANG_MS * (target.weight ?? 1))
		throw broken(`it took ${Math.round(took)} ms`);
	const grown = memory() - before;
	if (grown > MOST_MEMORY * (target.weight ?? 1))
		throw broken(`it took ${Math.round(grown / 2 ** 20)} MiB`);
	return isTaken;
}

function requireRefusal(target: Target, thrown: unknown): void {
	if (!(thrown instanceof TetradError)) throw thrown;
	const { families = ["peer"] } = target;
	if (!families.includes(thrown.family))
		throw broken(`it blames the ${thrown.family}: ${thrown.message}`, thrown);
	if (thrown.message.length > MOST_CHARACTERS)
		throw broken(`its message has ${thrown.message.length} characters`, thrown);
	for (const secret of target.secrets ?? [])
		if (shows(thrown.message, secret))
			throw broken(`its message shows a secret: ${thrown.message}`, thrown);
}

function shows(message: string, secret: Uint8Array): boolean {
	const text = message.toLowerCase();
	for (let at = 0; at + TELLTALE_BYTES <= secret.length; at++) {
		const piece = Buffer.from(secret.subarray(at, at + TELLTALE_BYTES));
		if (text.includes(piece.toString("hex"))) return true;
		if (message.includes(piece.toString("base64url"))) return true;
		if (message.includes(piece.toString("latin1"))) return true;
	}
	return false;
}

function memory(): number {
	const { used_heap_size, external_memory } = getHeapStatistics();
	return used_heap_size + external_memory;
}

export function broken(what: string, cause?: unknown): AssertionError {
	const error = new AssertionError({ message: what });
	if (cause !== undefined) error.cause = cause;
	return error;
}
