/*
 * Our command as separate processes. Whatever happens to a test, no process outlives the file
 * that started it.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createConnection, type Socket } from "node:net";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAddress } from "../../src/carrier/index.ts";
import type { ProcessEvent } from "../../src/device/process/process-events.ts";
import type { Homes } from "./homes.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PROGRAM = join(ROOT, "bin", "tetrad.js");

/** How long anything is waited for before the test fails. Nothing that goes well takes it. */
const PATIENCE_MS = 30_000;

const running = new Set<ChildProcess>();

/** Every process has a group of its own, so that its children go with it. */
function killGroup({ pid }: ChildProcess): void {
	try {
		if (pid !== undefined) process.kill(-pid, "SIGKILL");
	} catch {
		// It is gone.
	}
}

process.on("exit", () => {
	for (const child of running) killGroup(child);
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
	process.once(signal, () => process.exit(1));

export interface CommandOptions {
	readonly env?: Readonly<Record<string, string>>;
	/** Give it a terminal, so that it asks; what it then says comes all on standard output. */
	readonly terminal?:
		| boolean
		| { readonly rows: number; readonly columns: number };
	/** Lets `type` write to its standard input, without a terminal. */
	readonly takesInput?: boolean;
	/** The program to run, a file that Node runs; ours unless given. */
	readonly program?: string;
	/** For a command that starts dozens of processes; as for everything else unless given. */
	readonly patienceMs?: number;
}

export interface Result {
	readonly code: number | null;
	readonly signal: NodeJS.Signals | null;
	readonly stdout: string;
	readonly stderr: string;
}

/** Why a command failed with `--json`: one object on one line, after the notes that may stand above it. */
export function failureIn({ stderr }: Pick<Result, "stderr">): {
	readonly code: string;
	readonly reason: string;
} {
	const said = stderr
		.trimEnd()
		.split("\n")
		.map((line) => JSON.parse(line));
	const { code, reason, stack } = said.pop();
	assert.match(code, /^[a-z-]+$/);
	assert.equal(stack, undefined, stderr);
	for (const { note } of said) assert.equal(typeof note, "string", stderr);
	return { code, reason };
}

/** What `pair --json` says. */
export interface PairEvent {
	readonly event: "listening" | "try" | "compare" | "paired";
	readonly address?: string;
	readonly code?: string;
	readonly peer?: string;
	readonly replaces?: string;
	readonly number?: number;
	readonly of?: number;
}

/** The events that can have this name. */
type Named<E, Name extends string> = E extends { readonly event: infer Names }
	? Name extends Names
		? E
		: never
	: never;

/** One of our commands, or another program, running. */
export class Command<E extends { readonly event: string } = ProcessEvent>
	implements AsyncDisposable
{
	readonly name: string;
	/** What it said with `--json`, in order. */
	readonly events: E[] = [];
	stdout = "";
	stderr = "";
	/** Settles when it is gone and everything that it said was heard. */
	readonly exited: Promise<Result>;
	readonly #child: ChildProcess;
	readonly #patienceMs: number;
	readonly #watchers = new Set<() => void>();
	#line = "";
	#gone = false;

	constructor(args: readonly string[], options: CommandOptions = {}) {
		const { program: path = PROGRAM } = options;
		this.name = `${basename(path, ".js")} ${args.join(" ")}`;
		this.#patienceMs = options.patienceMs ?? PATIENCE_MS;
		const line = [process.execPath, path, ...args];
		const { terminal = false, takesInput = terminal !== false } = options;
		const size =
			typeof terminal === "object"
				? `stty rows ${terminal.rows} cols ${terminal.columns}; `
				: "";
		const [program = "", ...rest] =
			terminal === false
				? line
				: // A shell that waited for the program would be ended by a Ctrl-C of its own.
					[
						...["script", "-qefc"],
						`${size}exec ${line.map(quoted).join(" ")}`,
						"/dev/null",
					];
		const child = spawn(program, rest, {
			stdio: [takesInput ? "pipe" : "ignore", "pipe", "pipe"],
			detached: true,
			env: {
				...process.env,
				NODE_COMPILE_CACHE: join(ROOT, "node_modules", ".cache", "tetrad"),
				NODE_OPTIONS: "",
				...options.env,
			},
		});
		this.#child = child;
		running.add(child);
		// It may be gone before it has read what was typed.
		child.stdin?.on("error", () => {});
		child.stdout?.setEncoding("utf8").on("data", (text: string) => {
			this.stdout += text;
			this.#hear(text);
		});
		child.stderr?.setEncoding("utf8").on("data", (text: string) => {
			this.stderr += text;
			this.#notify();
		});
		this.exited = new Promise((resolve) =>
			child.once("close", (code, signal) => {
				this.#gone = true;
				killGroup(child);
				running.delete(child);
				const { stdout, stderr } = this;
				resolve({ code, signal, stdout, stderr });
				this.#notify();
			}),
		);
	}

	/** Runs a command at a terminal of its own. */
	static atTerminal(args: readonly string[]): Command {
		return new Command(args, { terminal: true });
	}

	/** Types at its terminal, or writes to its standard input. */
	type(text: string): void {
		this.#child.stdin?.write(text);
	}

	get pid(): number {
		return this.#child.pid ?? 0;
	}

	get gone(): boolean {
		return this.#gone;
	}

	/** Waits until `holds`, which is asked after each event; fails when the process ends without it. */
	async until(holds: () => boolean, what: string): Promise<void> {
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		const check = () => {
			if (holds()) resolve();
			else if (this.#gone) reject(this.#failure(what, "before it ended"));
		};
		const timer = setTimeout(
			() => reject(this.#failure(what, "in time")),
			this.#patienceMs,
		);
		this.#watchers.add(check);
		check();
		try {
			await promise;
		} finally {
			clearTimeout(timer);
			this.#watchers.delete(check);
		}
	}

	/** The first event of this kind after the first `skip` of them, also if it was before. */
	async expect<Name extends E["event"]>(
		name: Name,
		skip = 0,
	): Promise<Named<E, Name>> {
		const find = () => this.all(name)[skip];
		await this.until(() => find() !== undefined, `the event ${name}`);
		return find() as Named<E, Name>;
	}

	all<Name extends E["event"]>(name: Name): Named<E, Name>[] {
		return this.events.filter(
			(event): event is Named<E, Name> => event.event === name,
		);
	}

	/** Fails the test unless the process ends by itself with this exit code. */
	async exits(code: number): Promise<Result> {
		await this.until(() => this.#gone, "its end");
		const result = await this.exited;
		assert.equal(
			result.code,
			code,
			`${this.name} exited with ${result.code ?? result.signal}: ${result.stderr}`,
		);
		return result;
	}

	/** Asks it to stop. */
	terminate(signal: NodeJS.Signals = "SIGTERM"): void {
		this.#child.kill(signal);
	}

	/** Ends it as a crash would. */
	async kill(): Promise<void> {
		killGroup(this.#child);
		await this.exited;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		if (!this.#gone) killGroup(this.#child);
		await this.exited;
	}

	#hear(text: string): void {
		const lines = (this.#line + text).split("\n");
		this.#line = lines.pop() ?? "";
		for (const line of lines)
			try {
				this.events.push(JSON.parse(line) as E);
			} catch {
				// Without --json it speaks in sentences.
			}
		this.#notify();
	}

	#notify(): void {
		for (const watcher of [...this.#watchers]) watcher();
	}

	#failure(what: string, when: string): Error {
		return new Error(
			`${this.name}: not ${what} ${when}\n${this.stdout.slice(-2000)}\n${this.stderr.slice(-2000)}`,
		);
	}
}

function quoted(word: string): string {
	return `'${word.replaceAll("'", "'\\''")}'`;
}

/** Runs a command to its end. */
export async function run(
	args: readonly string[],
	options?: CommandOptions,
): Promise<Result> {
	await using command = new Command(args, options);
	await command.until(() => command.gone, "its end");
	return command.exited;
}

/** Starts a module, and resolves when it listens. */
export async function startModule(
	homes: Homes,
	place: "X" | "Y",
	...flags: string[]
): Promise<Command> {
	const module = new Command([
		...["module", "--json", "--home", homes.of(place)],
		...["--listen", homes.socket(place)],
		...flags,
	]);
	await module.expect("listening");
	return module;
}

/** Starts an agent that answers, and resolves when it listens. */
export async function startServer(
	homes: Homes,
	place: "A" | "B",
	module: string,
	...flags: string[]
): Promise<{ agent: Command; address: string }> {
	const agent = new Command([
		...["agent", "--json", "--home", homes.of(place), "--module", module],
		...["--listen", "127.0.0.1:0"],
		...flags,
	]);
	const { address } = await agent.expect("listening");
	return { agent, address };
}

/** Starts an agent that calls. */
export function startCaller(
	homes: Homes,
	place: "A" | "B",
	module: string,
	address: string,
	...flags: string[]
): Command {
	return new Command([
		...["agent", "--json", "--home", homes.of(place), "--module", module],
		...["--connect", address],
		...flags,
	]);
}

/** A connection to a listening process by somebody who need not speak Tetrad. */
export async function stranger(address: string): Promise<Socket> {
	const target = parseAddress(address);
	const socket =
		target.kind === "unix"
			? createConnection(target.path)
			: createConnection(target.port, target.host);
	socket.on("error", () => {});
	await new Promise((resolve) => socket.once("connect", resolve));
	return socket;
}

/** Whether a process is there. */
export function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch {
		return false;
	}
}
