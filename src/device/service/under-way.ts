/* What was asked for of an agent and is not over: each thing is heard by who asked for it, and all are waited for when the agent is closed. */
import { TetradError } from "../../errors.ts";
import type { Report } from "../process/index.ts";
import type { AskOptions } from "./agent-service.ts";

export class UnderWay {
	readonly #closing: AbortController;
	readonly #report: Report;
	readonly #all = new Set<Promise<unknown>>();

	/** It is stopped by `closing`; `report` hears everything. */
	constructor(closing: AbortController, report: Report) {
		this.#closing = closing;
		this.#report = report;
	}

	/** To be waited for at the end. */
	get all(): readonly Promise<unknown>[] {
		return [...this.#all];
	}

	/** What is asked for is stopped with the agent. A listener that throws stops no purchase, and hears nothing of what comes after: a tetrad may stand longer than what it was made for. */
	asked({ signal, step }: AskOptions): {
		readonly signal: AbortSignal;
		readonly report: Report;
		readonly over: () => void;
	} {
		const report = this.#report;
		const closing = this.#closing.signal;
		let isOver = false;
		return {
			over: () => {
				isOver = true;
			},
			signal:
				signal === undefined ? closing : AbortSignal.any([closing, signal]),
			report:
				step === undefined
					? report
					: (event) => {
							report(event);
							if (isOver) return;
							try {
								step(event);
							} catch (thrown) {
								queueMicrotask(() => {
									throw thrown;
								});
							}
						},
		};
	}

	/** Does what was asked for, which is waited for when the agent is closed. */
	do<Result>(
		options: AskOptions,
		work: (signal: AbortSignal, report: Report) => Promise<Result>,
	): Promise<Result> {
		const { signal, report, over } = this.asked(options);
		const doing = this.#unlessClosed().then(() => work(signal, report));
		this.#all.add(doing);
		const done = () => {
			this.#all.delete(doing);
			over();
		};
		doing.then(done, done);
		return doing;
	}

	async #unlessClosed(): Promise<void> {
		if (this.#closing.signal.aborted)
			throw new TetradError("tetrad-closed", "this agent is closed");
	}
}
