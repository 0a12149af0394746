import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { isErrorCode, TetradError } from "../../errors.ts";
import { programFile } from "../../package-file.ts";
import type { MintOrder, MintSaid, MintSettings } from "./mint-orders.ts";

const PROGRAM: string = programFile("device/mint/mint-process");

/** A play mint in a process of its own, which ends when this one does. */
export class MintProcess implements AsyncDisposable {
	/** Without a slash at the end. */
	readonly url: string;
	/** Resolves when it is gone. */
	readonly ended: Promise<void>;
	readonly #child: ChildProcess;
	readonly #waiting: PromiseWithResolvers<undefined>[] = [];

	private constructor(child: ChildProcess, url: string) {
		this.#child = child;
		this.url = url;
		const { promise, resolve } = Promise.withResolvers<void>();
		this.ended = promise;
		child.on("message", (said: MintSaid) => this.#hear(said));
		child.once("exit", () => {
			for (const one of this.#waiting.splice(0)) one.reject(gone());
			resolve();
		});
	}

	/** Resolves once it listens. Rejects with why it does not. */
	static async start(settings: MintSettings): Promise<MintProcess> {
		const child = fork(PROGRAM, [JSON.stringify(settings)], {
			// Debugging and test flags of this process are none of the mint's business.
			execArgv: [],
			stdio: ["ignore", "ignore", "inherit", "ipc"],
		});
		const said = await Promise.race([
			once(child, "message").then(([first]) => first as MintSaid),
			once(child, "exit").then(() => undefined),
		]);
		if (said?.kind === "ready") return new MintProcess(child, said.url);
		if (said?.kind !== "failed") throw gone();
		throw new TetradError(
			isErrorCode(said.code) ? said.code : "internal",
			said.reason,
		);
	}

	get pid(): number {
		return this.#child.pid ?? 0;
	}

	/** Resolves when what it changed is durable. Rejects with `invalid-argument` when the mint refuses. */
	async order(order: MintOrder): Promise<void> {
		const waiting = Promise.withResolvers<undefined>();
		this.#waiting.push(waiting);
		this.#child.send(order, (error) => {
			if (error !== null) waiting.reject(gone());
		});
		await waiting.promise;
	}

	/** As a power cut would, but for what the disk still holds back. Resolves when it is gone, with what it died of. */
	async kill(): Promise<NodeJS.Signals | null> {
		this.#child.kill("SIGKILL");
		await this.ended;
		return this.#child.signalCode;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		if (this.#child.exitCode === null && this.#child.signalCode === null)
			this.#child.kill("SIGTERM");
		await this.ended;
	}

	#hear(said: MintSaid): void {
		const waiting = this.#waiting.shift();
		if (said.kind === "done") waiting?.resolve(undefined);
		else if (said.kind === "refused")
			waiting?.reject(new TetradError("invalid-argument", said.reason));
		else waiting?.reject(gone());
	}
}

function gone(): TetradError {
	return new TetradError("carrier-failed", "the process of the mint is gone");
}
