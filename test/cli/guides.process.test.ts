/*
 * The guides, word for word and in order: every `sh` block is given to a shell at a terminal of
 * its own, in the folder that stands for its machine. `sh alice` says on which machine,
 * `sh alice background` that it goes on in its terminal while the next ones are given, `restart` that what
 * goes on there is stopped first, `fails` that it is to fail. What is
 * asked is answered: passphrases, and whether two codes are the same.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
	chmod,
	copyFile,
	mkdir,
	readdir,
	readFile,
	writeFile,
} from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "../support/folders.ts";
import { SoftHsm, SoftwareTpm, skipUnless } from "../support/tokens.ts";

const GUIDES = fileURLToPath(new URL("../../docs/guides/", import.meta.url));
const PROGRAM = fileURLToPath(new URL("../../bin/tetrad.js", import.meta.url));

const GUIDES_FOLLOWED = [
	"authorities.md",
	"limits.md",
	"lists.md",
	"sell-files.md",
	"tokens.md",
	"two-machines.md",
	"when-something-went-wrong.md",
];

/** How long a block may take. Nothing that goes well takes it. */
const PATIENCE_MS = 30_000;

/** What a person types at what is asked. Each machine has one passphrase. */
const ANSWERS: readonly (readonly [RegExp, (machine: string) => string])[] = [
	[/passphrase of [^\n]*: $/, (machine) => `the passphrase of ${machine}\r`],
	[/type yes if it does: /, () => "yes\r"],
];

/** When a block that goes on in its terminal has begun its work. */
const UNDER_WAY = /listening on|waiting for the agent/;

interface Block {
	readonly machine: string;
	readonly flags: readonly string[];
	readonly script: string;
}

async function blocksOf(guide: string): Promise<Block[]> {
	const text = await readFile(join(GUIDES, guide), "utf8");
	return [...text.matchAll(/^```sh([^\n]*)\n([\s\S]*?)^```$/gm)].map(
		([, info = "", script = ""]) => {
			const [machine, ...flags] = info.trim().split(/\s+/);
			assert.ok(machine, `${guide}: a block does not say on which machine`);
			return { machine, flags, script };
		},
	);
}

/** One shell at a terminal. */
class Terminal {
	readonly #child: ChildProcess;
	readonly machine: string;
	readonly exited: Promise<number | null>;
	said = "";
	#unanswered = "";

	constructor(
		{ machine, script }: Block,
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
		this.exited = once(this.#child, "close").then(
			([code]) => code as number | null,
		);
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

	/** Waits until it has said this, or has come to its end. */
	async until(expected: RegExp): Promise<void> {
		let isOver = false;
		const over = this.exited.then(() => {
			isOver = true;
		});
		while (!isOver && !expected.test(this.said))
			await Promise.race([over, once(this.#child, "said")]);
		assert.match(this.said, expected);
	}

	/** Presses Ctrl-C, and after a while does more. */
	async stop(): Promise<void> {
		this.type("\u0003");
		const timer = setTimeout(() => this.kill(), 5000);
		await this.exited;
		clearTimeout(timer);
	}

	/** The end of `script` is the end of the terminal, at which what runs there hangs up. */
	kill(): void {
		this.#child.kill("SIGKILL");
	}
}

let world: Awaited<ReturnType<typeof temporaryFolder>>;
let env: Record<string, string>;
/** The ports that guides name, and those that are free here. */
const ports = new Map<string, string>();
const background: Terminal[] = [];

before(async () => {
	world = await temporaryFolder();
	const at = (...names: string[]) => join(world.path, ...names);
	for (const name of ["bin", "stick"]) await mkdir(at(name), { mode: 0o700 });
	await writeFile(
		at("bin", "tetrad"),
		`#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`,
	);
	await chmod(at("bin", "tetrad"), 0o755);
	env = {
		PATH: `${at("bin")}:${process.env["PATH"]}`,
		STICK: at("stick"),
		BOB: "127.0.0.1",
		MINT: "127.0.0.1",
		NODE_OPTIONS: "",
	};
	const servers = ["7000", "7100", "7180"].map((port) => {
		const server = createServer().listen(0, "127.0.0.1");
		return { port, server };
	});
	for (const { port, server } of servers) {
		if (!server.listening) await once(server, "listening");
		ports.set(port, String((server.address() as { port: number }).port));
	}
	for (const { server } of servers) server.close();
});
after(async () => {
	for (const terminal of background) terminal.kill();
	await Promise.all(background.map(({ exited }) => exited));
	await world[Symbol.asyncDispose]();
});

/** Gives every block of a guide, except those that a flag of `without` stands on. */
async function follow(
	guide: string,
	without: readonly string[] = [],
): Promise<void> {
	for (const block of await blocksOf(guide)) {
		const { machine, flags } = block;
		if (flags.some((flag) => without.includes(flag))) continue;
		const folder = join(world.path, machine);
		await mkdir(folder, { mode: 0o700, recursive: true });
		const script = block.script.replaceAll(
			/:(7\d\d0)\b/g,
			(_, port) => `:${ports.get(port)}`,
		);
		if (flags.includes("restart")) await stopAll(machine);
		const terminal = new Terminal({ ...block, script }, folder, env);
		const timer = setTimeout(() => terminal.kill(), PATIENCE_MS);
		try {
			if (flags.includes("background")) {
				background.push(terminal);
				await terminal.until(UNDER_WAY);
			} else {
				const code = await terminal.exited;
				const expected = flags.includes("fails") ? 1 : 0;
				assert.equal(code, expected, `${guide}: ${script}\n${terminal.said}`);
			}
		} finally {
			clearTimeout(timer);
		}
	}
}

/** What runs on a machine is stopped, as a person would with Ctrl-C. */
async function stopAll(machine?: string): Promise<void> {
	for (const terminal of background.toReversed())
		if (machine === undefined || terminal.machine === machine) {
			await terminal.stop();
			background.splice(background.indexOf(terminal), 1);
		}
}

test("authorities.md", () => follow("authorities.md"));

test("two-machines.md", async () => {
	await follow("two-machines.md");
	assert.equal(
		await readFile(join(world.path, "bob", "inbox", "order.txt"), "utf8"),
		"two of the blue ones, please\n",
	);
});

test("limits.md", () => follow("limits.md"));

test("sell-files.md", async () => {
	await follow("sell-files.md");
	for (const [name, goods] of [
		["harbour.txt", "a harbour in the morning\n"],
		["morning.txt", "GOOD MORNING"],
	] as const)
		assert.equal(
			await readFile(join(world.path, "alice", name), "utf8"),
			goods,
		);
});

test("when-something-went-wrong.md", () =>
	follow("when-something-went-wrong.md"));

test("lists.md", async () => {
	await follow("lists.md");
	await stopAll();
});

const withoutHsm = skipUnless("softhsm");
test("tokens.md with SoftHSM", { skip: withoutHsm }, async () => {
	await using hsm = await SoftHsm.make();
	Object.assign(env, hsm.env);
	await follow("tokens.md", ["tpm"]);
});

const withoutTpm = skipUnless("tpm");
test("tokens.md with a TPM", { skip: withoutTpm }, async () => {
	await using tpm = await SoftwareTpm.make();
	Object.assign(env, tpm.env);
	await copyFile(tpm.pinFile, join(world.path, "bob", "tpm-pin"));
	await follow("tokens.md", ["softhsm"]);
});

test("every guide is followed, and every command in one is in a block that is", async () => {
	const guides = (await readdir(GUIDES)).toSorted();
	assert.deepEqual(guides, GUIDES_FOLLOWED.toSorted());
	for (const guide of guides) {
		const text = await readFile(join(GUIDES, guide), "utf8");
		const other = text.replaceAll(/^```sh [^\n]*\n[\s\S]*?^```$/gm, "");
		assert.doesNotMatch(other, /^\s*(tetrad|softhsm2-util) [a-z-]/m, guide);
	}
});
