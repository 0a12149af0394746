/*
 * Pages, word for word and in order: every `sh` block is given to a shell at a terminal of its own,
 * in the folder that stands for its machine. What stands behind `sh` says how:
 *
 *   sh alice              on this machine
 *   sh alice background   it goes on in its terminal while the next ones are given
 *   sh alice terminals    each line in a terminal of its own, in order, where it goes on or ends
 *   sh alice restart      what goes on there is stopped first
 *   sh alice again        what was started last there is stopped first
 *   sh alice fails        it is to fail
 *
 * What is asked is answered: passphrases, and whether two codes are the same.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "./folders.ts";
import { portsForLater } from "./ports.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PROGRAM = join(ROOT, "bin", "tetrad.js");

/** How long a block may take. Nothing that goes well takes it. */
const PATIENCE_MS = 60_000;

/** What a person types at what is asked. Each machine has one passphrase, and no authority. */
const ANSWERS: readonly (readonly [RegExp, (machine: string) => string])[] = [
	[/passphrase of [^\n]*: $/, (machine) => `the passphrase of ${machine}\r`],
	[/type yes if it does: /, () => "yes\r"],
	[/or nothing to write a request to one elsewhere: /, () => "\r"],
];

/** When a block that goes on in its terminal has begun its work. */
const UNDER_WAY =
	/listening on|answering at|waiting for the agent| is up, a|event: \S*'listening'|Have a shop of your own:[\s\S]*up --home/;

/** The ports that pages name; others are free here. Where the shop of a sandbox is, that says itself. */
const PORTS = [
	...["7000", "7001", "7002", "7003", "7004", "7005", "7006", "7007"],
	...["7010", "7100", "7180", "7190"],
];

const SANDBOX_SHOP = / catalogue 127\.0\.0\.1:(\d+) /;

interface Block {
	readonly machine: string;
	readonly flags: readonly string[];
	readonly script: string;
}

/** The blocks of a page, whose path is relative to the root. */
async function blocksOf(page: string): Promise<Block[]> {
	const text = await readFile(join(ROOT, page), "utf8");
	return [...text.matchAll(/^```sh([^\n]*)\n([\s\S]*?)^```$/gm)].map(
		([, info = "", script = ""]) => {
			const [machine, ...flags] = info.trim().split(/\s+/);
			assert.ok(machine, `${page}: a block does not say on which machine`);
			return { machine, flags, script };
		},
	);
}

/** Fails the test where a page has a command that stands in no block that is given to a shell. */
export async function requireNoOtherCommands(page: string): Promise<void> {
	const text = await readFile(join(ROOT, page), "utf8");
	const other = text.replaceAll(/^```sh [^\n]*\n[\s\S]*?^```$/gm, "");
	assert.doesNotMatch(
		other,
		/^\s*(npx tetrad|tetrad|softhsm2-util) [a-z-]/m,
		page,
	);
}

/** One shell at a terminal. */
class Terminal {
	readonly #child: ChildProcess;
	readonly machine: string;
	readonly exited: Promise<number | null>;
	said = "";
	#isOver = false;
	#unanswered = "";

	constructor(
		{ machine, script }: Pick<Block, "machine" | "script">,
		folder: string,
		env: Readonly<Record<string, string>>,
	) {
		this.machine = machine;
		const line = ["script", "-qefc", 'bash -euo pipefail -c "$BLOCK"'];
		const [program = "", ...args] = [...line, "/dev/null"];
		this.#child = spawn(program, args, {
			cwd: folder,
			detached: true,
			stdio: ["pipe", "pipe", "inherit"],
			env: { ...process.env, ...env, BLOCK: script },
		});
		this.exited = once(this.#child, "close").then(([code]) => {
			this.#isOver = true;
			return code as number | null;
		});
		this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
			this.said += text;
			this.#unanswered += text;
			for (const [question, answer] of ANSWERS)
				if (question.test(this.#unanswered)) {
					this.#unanswered = "";
					this.type(answer(this.machine));
				}
			this.#child.emit("said");
		});
	}

	type(text: string): void {
		this.#child.stdin?.write(text);
	}

	/** Waits until its work goes on, or has come to its end. */
	async isUnderWay(): Promise<boolean> {
		while (!this.#isOver && !UNDER_WAY.test(this.said))
			await Promise.race([this.exited, once(this.#child, "said")]);
		return UNDER_WAY.test(this.said);
	}

	/** Presses Ctrl-C, and after a while does more. */
	async stop(): Promise<void> {
		if (this.#isOver) return;
		this.type("\u0003");
		const timer = setTimeout(() => this.kill(), 10_000);
		await this.exited;
		clearTimeout(timer);
	}

	/** The end of `script` is the end of the terminal, at which what runs there hangs up. */
	kill(): void {
		this.#child.kill("SIGKILL");
	}
}

/** Machines on which pages are followed, one after another. */
export class GuideWorld implements AsyncDisposable {
	readonly #folder: Awaited<ReturnType<typeof temporaryFolder>>;
	readonly #ports: Map<string, string>;
	readonly #background: Terminal[] = [];
	/** What shells find beside what the tests have. */
	readonly env: Record<string, string>;

	private constructor(
		folder: Awaited<ReturnType<typeof temporaryFolder>>,
		ports: Map<string, string>,
		env: Record<string, string>,
	) {
		this.#folder = folder;
		this.#ports = ports;
		this.env = env;
	}

	static async make(): Promise<GuideWorld> {
		const folder = await temporaryFolder();
		const at = (...names: string[]) => join(folder.path, ...names);
		for (const name of ["bin", "stick"]) await mkdir(at(name), { mode: 0o700 });
		await writeFile(
			at("bin", "tetrad"),
			`#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`,
		);
		// In a clone it is called so, without asking npm each time.
		await writeFile(at("bin", "npx"), '#!/bin/sh\nexec "$@"\n');
		await symlink(process.execPath, at("bin", "node"));
		for (const name of ["tetrad", "npx"]) await chmod(at("bin", name), 0o755);
		return new GuideWorld(folder, await namedPorts(), {
			PATH: `${at("bin")}:${process.env["PATH"]}`,
			STICK: at("stick"),
			BOB: "127.0.0.1",
			MINT: "127.0.0.1",
			NODE_OPTIONS: "",
		});
	}

	/** A file of a machine. */
	path(machine: string, ...names: readonly string[]): string {
		return join(this.#folder.path, machine, ...names);
	}

	/** Gives every block of a page, except those that a flag of `without` stands on. Resolves with what was said by those that have ended. */
	async follow(page: string, without: readonly string[] = []): Promise<string> {
		let said = "";
		for (const { flags, script, ...block } of await blocksOf(page)) {
			if (flags.some((flag) => without.includes(flag))) continue;
			const { machine } = block;
			await mkdir(this.path(machine), { mode: 0o700, recursive: true });
			if (flags.includes("restart")) await this.stop(machine);
			if (flags.includes("again")) await this.#stopLast(machine);
			const scripts = flags.includes("terminals")
				? script.trim().split("\n")
				: [script];
			for (const part of scripts)
				said += await this.#give(page, { machine, flags, script: part });
		}
		return said;
	}

	async #give(
		page: string,
		{ machine, flags, script }: Block,
	): Promise<string> {
		const here = script.replaceAll(
			/:(7\d\d\d)\b/g,
			(text, port) => `:${this.#ports.get(port) ?? text.slice(1)}`,
		);
		const terminal = new Terminal(
			{ machine, script: here },
			this.path(machine),
			this.env,
		);
		const timer = setTimeout(() => terminal.kill(), PATIENCE_MS);
		const goesOn = ["background", "terminals"].some((flag) =>
			flags.includes(flag),
		);
		try {
			if (goesOn && (await terminal.isUnderWay())) {
				this.#background.push(terminal);
				const [, shop] = SANDBOX_SHOP.exec(terminal.said) ?? [];
				if (shop !== undefined) this.#ports.set("7000", shop);
				return "";
			}
			const mayEnd = !flags.includes("background");
			const code = await terminal.exited;
			const expected = flags.includes("fails") ? 1 : 0;
			assert.ok(
				mayEnd && code === expected,
				`${page}: ${script}\nended with ${code}: ${terminal.said}`,
			);
			return terminal.said;
		} finally {
			clearTimeout(timer);
		}
	}

	/** What runs on a machine, or on all, is stopped, as a person would with Ctrl-C. */
	async stop(machine?: string): Promise<void> {
		for (const terminal of this.#background.toReversed())
			if (machine === undefined || terminal.machine === machine) {
				await terminal.stop();
				this.#background.splice(this.#background.indexOf(terminal), 1);
			}
	}

	async #stopLast(machine: string): Promise<void> {
		const last = this.#background.findLast((one) => one.machine === machine);
		assert.ok(last, `nothing was started on ${machine}`);
		await last.stop();
		this.#background.splice(this.#background.indexOf(last), 1);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		// What hangs up still writes for a moment, and what is stopped does not.
		await this.stop();
		await this.#folder[Symbol.asyncDispose]();
	}
}

/** A free port for each that pages name. */
async function namedPorts(): Promise<Map<string, string>> {
	const ports = await portsForLater(PORTS.length);
	return new Map(PORTS.map((port, at) => [port, String(ports[at])]));
}
