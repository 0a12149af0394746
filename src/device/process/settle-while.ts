import type { AgentAtWork } from "./agent-at-work.ts";
import { type Kept, type SettleAt, settleAgain } from "./agent-settling.ts";

/** Settles again and again, if it is said where, while `work` goes on or until `signal`: who can serve nobody does not go on settling. */
export async function settleWhile(
	at: SettleAt | undefined,
	agent: AgentAtWork,
	kept: Kept,
	signal: AbortSignal,
	work: () => Promise<void>,
): Promise<void> {
	const over = new AbortController();
	const until = AbortSignal.any([signal, over.signal]);
	const settling = at && settleAgain(agent, kept, at, until);
	try {
		await work();
	} finally {
		over.abort();
		await settling;
	}
}
