import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { TetradError } from "../../errors.ts";
import { packageFile } from "../../package-file.ts";

const PROGRAM: string = packageFile("bin/tetrad.js");

/** How long a process may take to stop when it is asked to. */
const STOP_MS = 5000;

/** How long a process may take to say what is expected of it. */
const EXPECT_MS = 60_000;

interface Event {
	readonly event: string;
}

/** One of our own commands as a process of its own, with `--json`, heard line by line. */
export class DeviceProcess<E extends Event> implements AsyncDisposable {
	readonly name: string;
	/** Everything that it said, in order. */
	readonly events: E[] = [];
	/** Settles with the exit code when the process is gone. */
	readonly exited: Promise<number>;
	readonly #child: ChildProcess;
	readonly #listeners = new Set<(event: E) => void>();
	#errors = "";
	#gone = false;

	/** `signal` asks the process to stop; once it has aborted, none is started any more. */
	constructor(name: string, args: readonly string[], signal: AbortSignal) {
		this.name = name;
		if (signal.aborted)
			throw new TetradError("aborted", "interrupted; nothing is left running");
		const child = spawn(process.execPath, [PROGRAM, ...args, "--json"], {
			stdio: ["ignore", "pipe", "pipe", "ipc"],
		});
		this.#child = child;
		child.stderr?.on("data", (chunk: Buffer) => {
			this.#errors = (this.#errors + chunk.toString()).slice(-2000);
		});
		const lines = createInterface({
			input: child.stdout as NodeJS.ReadableStream,
		});
		lines.on("line", (line) => this.#hear(line));
		const read = new Promise<void>((resolve) => lines.once("close", resolve));
		this.exited = new Promise((resolve) =>
			child.once("close", (code) => {
				this.#gone = true;
				signal.removeEventListener("abort", onAbort);
				void read.then(() => resolve(code ?? 1));
			}),
		);
		const onAbort = () => void this.stop();
		signal.addEventListener("abort", onAbort, { once: true });
	}

	get pid(): number {
		return this.#child.pid ?? 0;
	}

	/** What the process wrote to standard error, its last 2000 characters, and of a failure why. */
	get errors(): string {
		return this.#errors.trim().split("\n").map(inWords).join("\n");
	}

	/** Calls `listener` for each event from now on. */
	listen(listener: (event: E) => void): void {
		this.#listeners.add(listener);
	}

	/** The first event of this kind for which `where` is so, also if it was before. Rejects with `carrier-failed` when the process ends without it. */
	async expect<Name extends E["event"]>(
		name: Name,
		where: (event: Extract<E, { event: Name }>) => boolean = () => true,
	): Promise<Extract<E, { event: Name }>> {
		const wanted = (event: E): event is Extract<E, { event: Name }> =>
			event.event === name && where(event as Extract<E, { event: Name }>);
		const known = this.events.find(wanted);
		if (known !== undefined) return known;
		const { promise, resolve, reject } =
			Promise.withResolvers<Extract<E, { event: Name }>>();
		const listener = (event: E) => {
			if (wanted(event)) resolve(event);
		};
		this.#listeners.add(listener);
		const timer = setTimeout(
			() => reject(this.#failure(name, "in time")),
			EXPECT_MS,
		);
		void this.exited.then(() => reject(this.#failure(name, "before it ended")));
		try {
			return await promise;
		} finally {
			clearTimeout(timer);
			this.#listeners.delete(listener);
		}
	}

	/** Throws `carrier-failed` unless the process ends by itself with exit code 0. */
	async succeed(): Promise<void> {
		const code = await this.exited;
		if (code !== 0)
			throw new TetradError(
				"carrier-failed",
				`${this.name} failed: ${this.errors || `exit code ${code}`}`,
			);
	}

	/** Asks the process to stop, and makes it after five seconds. Resolves with its exit code. */
	async stop(): Promise<number> {
		if (this.#gone) return this.exited;
		this.#child.kill("SIGTERM");
		const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MS);
		const code = await this.exited;
		clearTimeout(timer);
		return code;
	}

	/** Ends the process as a crash would. Resolves with the signal that it died of. */
	async kill(): Promise<NodeJS.Signals | null> {
		this.#child.kill("SIGKILL");
		await this.exited;
		return this.#child.signalCode;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.stop();
	}

	#hear(line: string): void {
		let event: E;
		try {
			event = JSON.parse(line) as E;
		} catch {
			return;
		}
		this.events.push(event);
		for (const listener of [...this.#listeners]) listener(event);
	}

	#failure(name: string, when: string): TetradError {
		return new TetradError(
			"carrier-failed",
			`${this.name} did not say "${name}" ${when}${this.errors === "" ? "" : `: ${this.errors}`}`,
		);
	}
}

/** The exit code of one of our commands, and what it said on its last line. */
export async function answerOf(
	name: string,
	args: readonly string[],
	signal: AbortSignal,
): Promise<{
	readonly code: number;
	readonly said: Readonly<Record<string, unknown>>;
}> {
	type Said = Event & Readonly<Record<string, unknown>>;
	await using process = new DeviceProcess<Said>(name, args, signal);
	const code = await process.exited;
	return { code, said: process.events.at(-1) ?? {} };
}

/** A line of standard error, which is JSON unless something went very wrong. */
function inWords(line: string): string {
	try {
		const { code, reason, note } = JSON.parse(line);
		return reason === undefined ? String(note) : `${reason} (${code})`;
	} catch {
		return line;
	}
}
