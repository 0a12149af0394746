import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { type ErrorCode, isErrorCode, TetradError } from "../../errors.ts";
import { packageFile } from "../../package-file.ts";
import { DEVICE_NODE_OPTIONS, SUPERVISOR_LIMITS } from "./limits.ts";

const PROGRAM: string = packageFile("bin/tetrad.js");

/** So many characters of what a process writes to standard error are kept, the last ones. */
const KEPT_CHARACTERS = 2000;

/** What one of our commands says with `--json`. */
export interface SaidEvent {
	readonly event: string;
}

export interface ChildOptions {
	/** Where it runs; the working folder of this process unless given. */
	readonly folder?: string;
	/** Variables beside those of this process, or without those that are undefined. */
	readonly environment?: Readonly<Record<string, string | undefined>>;
	/**
	 * Whether it is in a process group of its own: what is typed at the terminal to interrupt then
	 * reaches this process alone, which stops the others in order.
	 */
	readonly isApart?: boolean;
	readonly stopMs?: number;
}

/** How a process ended: with a code, or of a signal. */
export interface ChildEnd {
	readonly code: number | null;
	readonly signal: NodeJS.Signals | null;
}

/** Why a process failed, as it said itself; without a code it died before it could. */
export interface ChildFailure {
	readonly code?: ErrorCode;
	readonly reason: string;
}

/**
 * One of our own commands as a process, with `--json`, heard line by line; no shell is asked.
 * Nothing that it says is kept here. When this process dies, also of SIGKILL, the channel between
 * the two is closed, and the command stops.
 */
export class Child<E extends SaidEvent> implements AsyncDisposable {
	/** Settles when the process is gone and all that it said was heard. */
	readonly ended: Promise<ChildEnd>;
	readonly #child: ChildProcess;
	readonly #stopMs: number;
	#errors = "";
	#isGone = false;

	/** Throws `carrier-failed` when the system starts no process. */
	constructor(
		args: readonly string[],
		hear: (event: E) => void,
		options: ChildOptions = {},
	) {
		const { stopMs = SUPERVISOR_LIMITS.stopMs } = options;
		const child = startProcess(args, options);
		this.#child = child;
		this.#stopMs = stopMs;
		const { stdout, stderr } = child;
		if (stdout === null || stdout === undefined) throw notStarted();
		child.once("error", ({ message }) => {
			this.#errors ||= message;
		});
		stderr?.on("data", (chunk: Buffer) => {
			this.#errors = (this.#errors + chunk.toString()).slice(-KEPT_CHARACTERS);
		});
		const read = hearLines(stdout, hear);
		this.ended = new Promise((resolve) =>
			child.once("close", (code, signal) => {
				this.#isGone = true;
				void read.then(() => resolve({ code, signal }));
			}),
		);
	}

	/** 0 when the system started none, and it ends at once. */
	get pid(): number {
		return this.#child.pid ?? 0;
	}

	/** What the process wrote to standard error, its last 2000 characters, and of a failure why. */
	get errors(): string {
		return this.#errors
			.trim()
			.split("\n")
			.map((line) => {
				const { code, reason } = failureIn(line);
				return code === undefined ? reason : `${reason} (${code})`;
			})
			.join("\n");
	}

	/** The failure that it said last; the end alone when it said none. */
	async failure(): Promise<ChildFailure> {
		const { code, signal } = await this.ended;
		const last = this.#errors.trim().split("\n").at(-1) ?? "";
		if (signal !== null) return { reason: `it died of ${signal}` };
		return last === ""
			? { reason: `it ended with exit code ${code}` }
			: failureIn(last);
	}

	/** Asks the process to stop, and makes it when it does not. */
	async stop(): Promise<ChildEnd> {
		if (this.#isGone) return this.ended;
		this.#child.kill("SIGTERM");
		const timer = setTimeout(() => this.#child.kill("SIGKILL"), this.#stopMs);
		try {
			return await this.ended;
		} finally {
			clearTimeout(timer);
		}
	}

	/** Ends the process as a crash would. */
	kill(): Promise<ChildEnd> {
		this.#child.kill("SIGKILL");
		return this.ended;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.stop();
	}
}

function startProcess(
	args: readonly string[],
	{ folder, environment, isApart = false }: ChildOptions,
): ChildProcess {
	const given = { ...process.env, ...environment };
	const options = `${DEVICE_NODE_OPTIONS} ${given["NODE_OPTIONS"] ?? ""}`;
	try {
		return spawn(process.execPath, [PROGRAM, ...args, "--json"], {
			stdio: ["ignore", "pipe", "pipe", "ipc"],
			detached: isApart,
			env: { ...given, NODE_OPTIONS: options },
			...(folder === undefined ? {} : { cwd: folder }),
		});
	} catch (thrown) {
		throw notStarted(thrown);
	}
}

/** Resolves when there is nothing more to hear. */
function hearLines<E extends SaidEvent>(
	input: Readable,
	hear: (event: E) => void,
): Promise<void> {
	const lines = createInterface({ input });
	lines.on("line", (line) => {
		let event: E;
		try {
			event = JSON.parse(line) as E;
		} catch {
			return;
		}
		hear(event);
	});
	return new Promise((resolve) => lines.once("close", () => resolve()));
}

/** A line of standard error, which is JSON unless something went very wrong. */
function failureIn(line: string): ChildFailure {
	try {
		const { code, reason, note } = JSON.parse(line);
		return reason === undefined
			? { reason: String(note) }
			: { reason: String(reason), ...(isErrorCode(code) ? { code } : {}) };
	} catch {
		return { reason: line };
	}
}

function notStarted(cause?: unknown): TetradError {
	return new TetradError(
		"carrier-failed",
		`cannot start a process${cause instanceof Error ? `: ${cause.message}` : ""}`,
		{ cause },
	);
}
