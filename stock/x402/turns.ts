import { createInterface } from "node:readline";

/** What can be done in one turn, and how many milliseconds of it count. */
export type Turns = Readonly<Record<string, () => Promise<number>>>;

/**
 * Says on a line that it is ready, and then does what each line of standard input names and says
 * on a line how long it took, until there are no more.
 */
export async function takeTurns(turns: Turns): Promise<void> {
	const say = (line: object) => console.log(JSON.stringify(line));
	say({ event: "ready" });
	for await (const name of createInterface({ input: process.stdin })) {
		const turn = turns[name];
		if (turn === undefined) throw new Error(`there is no turn ${name}`);
		say({ event: "taken", ms: await turn() });
	}
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
	const started = performance.now();
	await work();
	return performance.now() - started;
}
