import { TetradError } from "../../errors.ts";
import type { OneOfSeveral } from "../home/index.ts";
import { isFirstOf, type Report } from "../process/index.ts";
import { requireSharedStore } from "../purse/index.ts";
import { untilAborted } from "../runtime/index.ts";
import type { SideSettings } from "../side/index.ts";
import {
	type AgentPlace,
	type OpenAgentOptions,
	placeOf,
} from "./agent-place.ts";
import type { LocalAgent } from "./local-agent.ts";
import { openAnswering, reachRunning } from "./open-agent.ts";

export interface ServeOptions
	extends Pick<OpenAgentOptions, "secrets" | "moduleRuns" | "timeoutMs"> {
	/** Which of several processes of the agent this is. The first also does what one does for all: it meets the issuer, gives refunds, and answers programs of this machine. */
	readonly oneOf?: OneOfSeveral | undefined;
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
	const { oneOf } = options;
	const place = await placeOf(home, {
		...options,
		...(oneOf === undefined ? {} : { moduleRuns: "elsewhere" }),
	});
	const { side, socket } = place;
	if (side === undefined || socket === undefined)
		throw new TetradError(
			"home-unusable",
			`${home} is no side: there is no tetrad.toml in it`,
		);
	if (oneOf !== undefined) {
		if (oneOf.number > oneOf.of)
			throw new TetradError(
				"invalid-argument",
				`there is no process ${oneOf.number} of ${oneOf.of}`,
			);
		await requireSeveral(side);
	}
	const running = isFirstOf(oneOf) ? await reachRunning(place) : undefined;
	await running?.close();
	if (running !== undefined)
		throw new TetradError("busy", `the agent of ${home} runs already`);
	const how = { ...options, signal, report };
	await using agent = await openAnswering(place, how);
	if (isFirstOf(oneOf)) report({ event: "answering", socket });
	const over = new AbortController();
	const until = AbortSignal.any([signal, over.signal]);
	try {
		await Promise.all([
			untilAborted(signal),
			...worksOf(agent, place, isFirstOf(oneOf), until),
		]);
	} finally {
		over.abort();
	}
}

/** Throws `invalid-argument` for a side whose agent cannot have several processes, and says why not. */
export async function requireSeveral({
	kind,
	path,
	agent,
	module,
}: SideSettings): Promise<void> {
	const { listen, home } = agent;
	if (kind === "buyer" || listen === undefined)
		throw new TetradError(
			"invalid-argument",
			"several processes are for an agent that others come to, and nobody comes to that of this side",
		);
	if (listen.kind === "unix" || listen.port === 0)
		throw new TetradError(
			"invalid-argument",
			`several processes are reached together at a host and a port; say which below [agent] in ${path}/tetrad.toml, such as listen = "127.0.0.1:7000"`,
		);
	// Whichever had it would take it along when it ends.
	if (module.runs === "inside-agent")
		throw new TetradError(
			"invalid-argument",
			`the module of this side runs inside its agent, of which there are to be several processes; say runs = "apart" below [module] in ${path}/tetrad.toml`,
		);
	await requireSharedStore(home);
}

/** What the agent of a side does by itself. */
function worksOf(
	agent: LocalAgent,
	{ side, listen, issuerAt }: AgentPlace,
	isFirst: boolean,
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
		...(issuerAt === undefined || !isFirst
			? []
			: [agent.settleRegularly({ signal })]),
	];
}
