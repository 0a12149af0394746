/* A question at a terminal that is answered by yes or no, and by nothing that was typed before it. */
import { createInterface } from "node:readline/promises";
import { setImmediate as turn } from "node:timers/promises";

/**
 * Asks until the answer is yes or no, in any case of letters. What was typed before the question
 * stands there is dropped; whoever closes the input, or interrupts, has said no. Rejects with an
 * AbortError when `signal` aborts. Standard input has to be a terminal.
 */
export async function askYes(
	question: string,
	signal?: AbortSignal,
): Promise<boolean> {
	for (let text = question; ; text = `answer yes or no; ${question}`) {
		await dropTyped();
		const answer = await ask(text, signal);
		if (answer === undefined) return false;
		switch (answer.trim().toLowerCase()) {
			case "yes":
				return true;
			case "no":
				return false;
		}
	}
}

/** `undefined` when the input ends instead. */
async function ask(
	question: string,
	signal: AbortSignal | undefined,
): Promise<string | undefined> {
	const terminal = createInterface({
		input: process.stdin,
		output: process.stderr,
	});
	const closed = new Promise<undefined>((resolve) =>
		terminal.once("close", () => resolve(undefined)),
	);
	try {
		return await Promise.race([
			terminal.question(question, signal === undefined ? {} : { signal }),
			closed,
		]);
	} finally {
		terminal.close();
	}
}

/** Reads what the terminal has, and forgets it. Raw, so that a line that nobody has ended is read, too. */
async function dropTyped(): Promise<void> {
	const { stdin } = process;
	const drop = () => {};
	stdin.setRawMode(true);
	stdin.on("data", drop);
	try {
		// Between the two, everything that is there has been read.
		await turn();
		await turn();
	} finally {
		stdin.off("data", drop);
		stdin.setRawMode(false);
	}
}
