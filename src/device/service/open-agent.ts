import { setTimeout as pause } from "node:timers/promises";
import { connect } from "../../carrier/index.ts";
import { asTetradError } from "../../errors.ts";
import { isFirstOf, type Report } from "../process/index.ts";
import { makeRunFolder } from "../side/index.ts";
import { STANDING_MS } from "../trade/index.ts";
import {
	type AgentPlace,
	type OpenAgentOptions,
	placeOf,
} from "./agent-place.ts";
import type { AgentService } from "./agent-service.ts";
import { serveAgent } from "./agent-socket.ts";
import { commandEnvironment } from "./command-environment.ts";
import { OPENING_PAUSE_MS, OPENING_TRIES } from "./limits.ts";
import type { LocalAgent } from "./local-agent.ts";
import { ModuleStarter } from "./module-starter.ts";
import { type LocalHomeOptions, openLocalAgent } from "./open-local-agent.ts";
import { RemoteAgent } from "./remote-agent.ts";

/**
 * Opens the agent of a side, or of the home of an agent: where it runs already, it is asked there;
 * else it runs here until it is closed, and its module with it, in a process of its own, unless
 * that runs already. The agent of a side that runs here answers other programs of this user
 * meanwhile. Rejects with `busy` while another program has the home and answers nobody, and with
 * why it cannot be opened.
 *
 * @example
 * ```ts
 * import { openAgent } from "tetrad";
 *
 * export async function buyPhoto(home: string): Promise<string> {
 * 	await using agent = await openAgent(home);
 * 	const quote = await agent.quote("shop.example:7000", "photo.jpg");
 * 	const bought = await agent.buy(quote, { to: "photo.jpg", maximum: 420n });
 * 	return bought.path;
 * }
 * ```
 */
export async function openAgent(
	home: string,
	options: OpenAgentOptions = {},
): Promise<AgentService> {
	const place = await placeOf(home, options);
	for (let tries = 1; ; tries++) {
		const running = await reachRunning(place);
		if (running !== undefined) return running;
		try {
			return await openAnswering(place, options);
		} catch (thrown) {
			// Whoever is opening it may answer soon.
			const isBusy = asTetradError(thrown).code === "busy";
			if (!isBusy || place.socket === undefined || tries >= OPENING_TRIES)
				throw thrown;
			await pause(OPENING_PAUSE_MS);
		}
	}
}

/** The agent of a side, or of the home of an agent, where it runs already and can be asked; nothing is started. */
export async function runningAgent(
	home: string,
	options: OpenAgentOptions = {},
): Promise<AgentService | undefined> {
	return reachRunning(await placeOf(home, options));
}

/** The agent of a home where it runs already and answers at that socket. */
export function reachAgent(
	home: string,
	socket: string,
): Promise<AgentService | undefined> {
	return RemoteAgent.reach({ home, socket, moduleHome: undefined });
}

/** The agent of a place where it runs already. */
export async function reachRunning(
	place: AgentPlace,
): Promise<RemoteAgent | undefined> {
	const { socket } = place;
	return socket === undefined
		? undefined
		: RemoteAgent.reach({ ...place, socket });
}

/** How the agent of a place is run in this process. */
type HereOptions = Pick<OpenAgentOptions, "timeoutMs" | "signal"> &
	Pick<LocalHomeOptions, "routing" | "root" | "unsafeKeylog"> & {
		readonly link?: LocalHomeOptions["link"] | undefined;
		readonly oneOf?: LocalHomeOptions["oneOf"];
		readonly report?: Report | undefined;
	};

/** Opens the agent of a place in this process. That of a side answers programs of this machine, from when it has its home until it is about to let go of it. */
export async function openAnswering(
	place: AgentPlace,
	options: HereOptions = {},
): Promise<LocalAgent> {
	const { side, socket } = place;
	const agent = await openPlace(place, options);
	if (side === undefined || socket === undefined || !isFirstOf(options.oneOf))
		return agent;
	try {
		await makeRunFolder(side);
		agent.endsWith(await serveAgent(agent, socket));
		return agent;
	} catch (thrown) {
		await agent.close();
		throw thrown;
	}
}

async function openPlace(
	place: AgentPlace,
	options: HereOptions,
): Promise<LocalAgent> {
	const { timeoutMs, unsafeKeylog, link = "paired" } = options;
	const starters = ModuleStarter.ofPlace(place);
	const [first, ...others] = starters;
	const last = new AsyncDisposableStack();
	for (const starter of starters) last.use(starter);
	const { side, ...here } = place;
	try {
		return await openLocalAgent({
			...here,
			link,
			routing: options.routing,
			root: options.root,
			report: options.report,
			oneOf: options.oneOf,
			signal: options.signal,
			environment: await commandEnvironment(here.home, side),
			dialModule: (signal) => first.dial(signal),
			furtherModules: place.furtherModules.map(
				({ at, home, port }, number) => ({
					...{ address: at, home, port },
					dial: (signal) =>
						others[number]?.dial(signal) ?? connect(at, { signal }),
				}),
			),
			last,
			standingMs: STANDING_MS,
			...(timeoutMs === undefined ? {} : { timeoutMs }),
			...(unsafeKeylog === undefined ? {} : { unsafeKeylog }),
		});
	} catch (thrown) {
		await last.disposeAsync();
		throw thrown;
	}
}
