/* The same attacks on a request that is paid by stock x402 `exact`, and on one that is paid by ours. */
import { run } from "./processes.ts";
import { STOCK } from "./stock.ts";

/** What came of an attack, as stock/x402/attacks.ts says it. */
interface Outcome {
	readonly ran: number;
	readonly paid: number;
	readonly got: number;
	readonly served: number;
}

export type Outcomes = Readonly<
	Record<"five at once" | "another address" | "answer lost", Outcome>
>;

/** Runs the attacks of one side in a process of its own. */
export async function attack(
	program: string,
	...args: readonly string[]
): Promise<Outcomes> {
	const path = `${STOCK}x402/${program}`;
	const { code, stdout, stderr } = await run(args, { program: path });
	if (code !== 0) throw new Error(`${program} ended with ${code}: ${stderr}`);
	return JSON.parse(stdout);
}
