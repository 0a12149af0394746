import type { AgentService } from "../../device/service/index.ts";
import { asTetradError, TetradError } from "../../errors.ts";

/** An agent that was opened, and what lets go of it. */
type OpenedAgent = { readonly agent: AgentService } & AsyncDisposable;

/** The agent of a side: opened when somebody first asks for it, and once more after it was gone. */
export class AgentDoor implements AsyncDisposable {
	readonly #open: () => Promise<OpenedAgent>;
	#opened: Promise<OpenedAgent> | undefined;
	#isClosed = false;

	constructor(open: () => Promise<OpenedAgent>) {
		this.#open = open;
	}

	/** Does something with it. Rejects with why it cannot be opened, too. */
	async use<Result>(
		work: (agent: AgentService) => Promise<Result>,
	): Promise<Result> {
		const opened = this.#get();
		const { agent } = await opened;
		try {
			return await work(agent);
		} catch (thrown) {
			// A merchant that cannot be reached looks the same from here.
			if (asTetradError(thrown).code === "carrier-failed")
				await this.#forgetIfGone(opened);
			throw thrown;
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#isClosed = true;
		const opened = await this.#opened?.catch(() => undefined);
		await opened?.[Symbol.asyncDispose]();
	}

	#get(): Promise<OpenedAgent> {
		if (this.#isClosed)
			return Promise.reject(
				new TetradError("tetrad-closed", "the tools are being stopped"),
			);
		this.#opened ??= this.#opening();
		return this.#opened;
	}

	#opening(): Promise<OpenedAgent> {
		const opening = this.#open();
		opening.catch(() => this.#forget(opening));
		return opening;
	}

	async #forgetIfGone(opened: Promise<OpenedAgent>): Promise<void> {
		const { agent } = await opened;
		try {
			await agent.status();
		} catch {
			if (this.#opened !== opened) return;
			this.#forget(opened);
			await (await opened)[Symbol.asyncDispose]();
		}
	}

	#forget(opened: Promise<OpenedAgent>): void {
		if (this.#opened === opened) this.#opened = undefined;
	}
}
