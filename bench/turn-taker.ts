import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { STOCK } from "./stock.ts";

type Said =
	| { readonly event: "ready" }
	| { readonly event: "taken"; readonly ms: number };

/** A program of stock/ that does what it is told, one turn at a time, and says how long each took. */
export class TurnTaker implements AsyncDisposable {
	readonly #child: ChildProcess;
	readonly #said: AsyncIterator<string>;

	private constructor(child: ChildProcess, said: AsyncIterator<string>) {
		this.#child = child;
		this.#said = said;
	}

	/** Resolves when it is ready. Whoever ends this process ends it, too: it reads to the end of its input. */
	static async start(
		program: string,
		...args: readonly string[]
	): Promise<TurnTaker> {
		const child = spawn(process.execPath, [`${STOCK}${program}`, ...args], {
			stdio: ["pipe", "pipe", "inherit"],
		});
		const lines = createInterface({ input: child.stdout });
		const taker = new TurnTaker(child, lines[Symbol.asyncIterator]());
		await taker.#hear();
		return taker;
	}

	/** How long a turn took, in milliseconds. */
	async take(turn: string): Promise<number> {
		this.#child.stdin?.write(`${turn}\n`);
		const said = await this.#hear();
		if (said.event === "taken") return said.ms;
		throw new Error(`${turn} was answered ${said.event}`);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#child.stdin?.end();
		while (!(await this.#said.next()).done);
	}

	async #hear(): Promise<Said> {
		const { value, done } = await this.#said.next();
		if (done === true) throw new Error("it ended before its turn");
		return JSON.parse(value);
	}
}
