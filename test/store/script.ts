/* Processes that store things. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Place } from "./place.ts";

const CACHE = fileURLToPath(
	new URL("../../node_modules/.cache/tetrad", import.meta.url),
);
const SUPPORT = new URL("support.ts", import.meta.url).href;

/** A script in a process of its own. It has `place`, `support` and `say`, which says a line. */
export class Script implements AsyncDisposable {
	readonly lines: string[] = [];
	readonly exited: Promise<number | null>;
	stderr = "";
	readonly #child: ChildProcess;
	#waiting: (() => void)[] = [];

	constructor(
		place: Place,
		script: string,
		env: Readonly<Record<string, string>> = {},
		through: readonly string[] = [],
	) {
		const text = `
			import { writeSync } from "node:fs";
			import * as support from ${JSON.stringify(SUPPORT)};
			const place = JSON.parse(process.argv[1]);
			const say = (line) => writeSync(1, line + "\\n");
			${script}`;
		const [program = "", ...args] = [
			...[...through, process.execPath, "--input-type=module", "-e", text],
			JSON.stringify(place),
		];
		this.#child = spawn(program, args, {
			stdio: ["ignore", "pipe", "pipe"],
			env: { ...process.env, NODE_COMPILE_CACHE: CACHE, ...env },
		});
		const kill = () => this.#child.kill("SIGKILL");
		process.once("exit", kill);
		let rest = "";
		this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
			const lines = (rest + text).split("\n");
			rest = lines.pop() ?? "";
			this.lines.push(...lines);
			for (const look of this.#waiting) look();
		});
		this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
			this.stderr += text;
		});
		this.exited = new Promise((resolve) => {
			this.#child.once("close", (code) => {
				process.removeListener("exit", kill);
				resolve(code);
				for (const look of this.#waiting) look();
			});
		});
	}

	/** Waits until it has said so many lines. */
	async said(count: number): Promise<void> {
		await new Promise<void>((resolve, reject) => {
			const look = () => {
				if (this.lines.length >= count) resolve();
				else if (this.#child.exitCode !== null)
					reject(new Error(`it ended early: ${this.stderr}`));
			};
			this.#waiting.push(look);
			look();
		});
		this.#waiting = [];
	}

	async kill(): Promise<void> {
		this.#child.kill("SIGKILL");
		await this.exited;
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.kill();
	}
}

/** Writes numbers into both halves for ever, several at a time, and says each that is durable. */
export const STREAM = `
	const store = await support.openAt(place);
	let next = 0;
	const write = async () => {
		for (;;) say(await store.transact(support.both(next++)));
	};
	const failed = await Promise.race([store.failed, ...Array.from({ length: 8 }, write)])
		.catch((why) => why);
	say(failed.code);`;
