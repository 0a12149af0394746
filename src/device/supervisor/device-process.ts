import { TetradError } from "../../errors.ts";
import { Child, type SaidEvent } from "./child.ts";

/** How long a process may take to say what is expected of it. */
const EXPECT_MS = 60_000;

/** One of our own commands as a process of its own, with `--json`; all that it says is kept. */
export class DeviceProcess<E extends SaidEvent> implements AsyncDisposable {
	readonly name: string;
	/** Everything that it said, in order. */
	readonly events: E[] = [];
	/** Settles with the exit code when the process is gone. */
	readonly exited: Promise<number>;
	readonly #child: Child<E>;
	readonly #listeners = new Set<(event: E) => void>();

	/** `signal` asks the process to stop; once it has aborted, none is started any more. */
	constructor(name: string, args: readonly string[], signal: AbortSignal) {
		this.name = name;
		if (signal.aborted)
			throw new TetradError("aborted", "interrupted; nothing is left running");
		const child = new Child<E>(args, (event) => {
			this.events.push(event);
			for (const listener of [...this.#listeners]) listener(event);
		});
		this.#child = child;
		const onAbort = () => void child.stop();
		signal.addEventListener("abort", onAbort, { once: true });
		this.exited = child.ended.then(({ code }) => {
			signal.removeEventListener("abort", onAbort);
			return code ?? 1;
		});
	}

	get pid(): number {
		return this.#child.pid;
	}

	/** What the process wrote to standard error, its last 2000 characters, and of a failure why. */
	get errors(): string {
		return this.#child.errors;
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
		const { code } = await this.#child.stop();
		return code ?? 1;
	}

	/** Ends the process as a crash would. Resolves with the signal that it died of. */
	async kill(): Promise<NodeJS.Signals | null> {
		const { signal } = await this.#child.kill();
		return signal;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.stop();
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
	type Said = SaidEvent & Readonly<Record<string, unknown>>;
	await using process = new DeviceProcess<Said>(name, args, signal);
	const code = await process.exited;
	return { code, said: process.events.at(-1) ?? {} };
}
