/* Questions at a terminal that are answered by a line. */
import { createInterface } from "node:readline/promises";
import { TetradError } from "../../errors.ts";
import { tell } from "../voice.ts";

/** Whether there is somebody to ask. */
export function canAsk(): boolean {
	return process.stdin.isTTY === true;
}

/**
 * Asks until `read` takes the answer; an empty one is `otherwise`, if that is given. `read` throws
 * what is wrong with an answer. Rejects with `aborted` when whoever is asked closes the input.
 */
export async function askText<Value>(
	question: string,
	read: (answer: string) => Value | Promise<Value>,
	otherwise?: string,
): Promise<Value> {
	for (;;) {
		const shown = otherwise === undefined ? "" : ` (${otherwise})`;
		const answer = (await askLine(`${question}${shown}: `)).trim();
		try {
			return await read(answer === "" ? (otherwise ?? "") : answer);
		} catch (thrown) {
			tell(`  ${(thrown as Error).message}`);
		}
	}
}

async function askLine(question: string): Promise<string> {
	const terminal = createInterface({
		input: process.stdin,
		output: process.stderr,
	});
	const closed = new Promise<undefined>((resolve) =>
		terminal.once("close", () => resolve(undefined)),
	);
	try {
		const answer = await Promise.race([terminal.question(question), closed]);
		if (answer !== undefined) return answer;
		throw new TetradError("aborted", "not answered; give it again to go on");
	} finally {
		terminal.close();
	}
}
