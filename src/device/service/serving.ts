import { TetradError } from "../../errors.ts";
import type { Report } from "../process/index.ts";
import { untilAborted } from "../runtime/index.ts";
import {
	type AgentPlace,
	type OpenAgentOptions,
	placeOf,
} from "./agent-place.ts";
import type { LocalAgent } from "./local-agent.ts";
import { openAnswering, reachRunning } from "./open-agent.ts";

export interface ServeOptions
	extends Pick<OpenAgentOptions, "secrets" | "moduleRuns" | "timeoutMs"> {
	readonly signal: AbortSignal;
}

/**
 * Runs the agent of a side until the signal: it sells or answers where the side says so, meets its
 * issuer, and answers programs of this machine. Rejects with `busy` where it runs already, and with
 * why it cannot run, or cannot any more.
 */
export async function runServing(
	home: string,
	{ signal, ...options }: ServeOptions,
	report: Report,
): Promise<void> {
	const place = await placeOf(home, options);
	const { side, socket } = place;
	if (side === undefined || socket === undefined)
		throw new TetradError(
			"home-unusable",
			`${home} is no side: there is no tetrad.toml in it`,
		);
	const running = await reachRunning(place);
	await running?.close();
	if (running !== undefined)
		throw new TetradError("busy", `the agent of ${home} runs already`);
	const how = { ...options, signal, report };
	await using agent = await openAnswering(place, how);
	report({ event: "answering", socket });
	const over = new AbortController();
	const until = AbortSignal.any([signal, over.signal]);
	try {
		await Promise.all([untilAborted(signal), ...worksOf(agent, place, until)]);
	} finally {
		over.abort();
	}
}

/** What the agent of a side does by itself. */
function worksOf(
	agent: LocalAgent,
	{ side, listen, issuerAt }: AgentPlace,
	signal: AbortSignal,
): Promise<void>[] {
	const sell = side?.sell;
	if (sell !== undefined && side !== undefined) {
		const { folder, price, onOrder } = sell;
		const workingFolder = side.path;
		return [agent.sell({ folder, price, onOrder, workingFolder, signal })];
	}
	return [
		...(listen === undefined ? [] : [agent.answer(listen, { signal })]),
		...(issuerAt === undefined ? [] : [agent.settleRegularly({ signal })]),
	];
}
