import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** One of the programs of `bench/apart`, in a process of its own, so that what it holds is nobody else's: each question has one answer. */
export class Apart<Question extends object, Answer> implements AsyncDisposable {
	readonly #process: ChildProcess;

	constructor(name: string, ...args: readonly string[]) {
		const file = fileURLToPath(new URL(`apart/${name}.ts`, import.meta.url));
		this.#process = fork(file, args, { serialization: "advanced" });
	}

	async ask(question: Question): Promise<Answer> {
		const answered = Promise.withResolvers<Answer>();
		const died = () => answered.reject(new Error("the other process ended"));
		this.#process.once("message", answered.resolve);
		this.#process.once("exit", died);
		this.#process.send(question);
		try {
			return await answered.promise;
		} finally {
			this.#process.off("exit", died);
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		const gone = once(this.#process, "exit");
		this.#process.disconnect();
		await gone;
	}
}

/** In such a process: answers one question after another, until whoever asks has gone. */
export function answer<Question, Answer>(
	answerOne: (question: Question) => Promise<Answer> | Answer,
): void {
	process.on("message", (question: Question) => {
		void Promise.resolve(answerOne(question)).then((answered) =>
			process.send?.(answered),
		);
	});
	process.on("disconnect", () => process.exit(0));
}
