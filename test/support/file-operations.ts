import { createHook } from "node:async_hooks";

/** Each is one operation on a file that a thread of the pool carries out. */
const OPERATIONS = new Set([
	"FSREQPROMISE",
	"FSREQCALLBACK",
	"FILEHANDLECLOSEREQ",
]);

/** Counts what this process asks about files, but for what it asks synchronously. */
export class FileOperations implements Disposable {
	readonly #hook = createHook({
		init: (_, type) => {
			if (OPERATIONS.has(type)) this.#count++;
		},
	}).enable();
	#count = 0;

	get count(): number {
		return this.#count;
	}

	/** Counts from nothing. */
	reset(): void {
		this.#count = 0;
	}

	[Symbol.dispose](): void {
		this.#hook.disable();
	}
}
