import { makeRunFolder } from "../side/index.ts";
import { type OpenAgentOptions, placeOf } from "./agent-place.ts";
import type { AgentService } from "./agent-service.ts";
import { serveAgent } from "./agent-socket.ts";
import { openPlace, reachOrOpen } from "./open-agent.ts";
import { RemoteAgent } from "./remote-agent.ts";

/** An agent that was opened, and all that is put away with it. */
export type SharedAgent = { readonly agent: AgentService } & AsyncDisposable;

/**
 * Opens the agent of a side as `openAgent` does; where it runs here then, other programs of this
 * machine are answered at the side's socket for as long, so that a program which stays open for
 * days keeps the home from nobody.
 */
export async function openSharedAgent(
	home: string,
	options: OpenAgentOptions = {},
): Promise<SharedAgent> {
	const place = await placeOf(home, options);
	const { side, socket } = place;
	const opened = await reachOrOpen(place, async () => {
		await using opening = new AsyncDisposableStack();
		const agent = opening.use(await openPlace(place, options));
		if (side !== undefined && socket !== undefined) {
			await makeRunFolder(side);
			opening.use(await serveAgent(agent, socket));
		}
		const all = opening.move();
		return { agent, [Symbol.asyncDispose]: () => all.disposeAsync() };
	});
	return opened instanceof RemoteAgent
		? { agent: opened, [Symbol.asyncDispose]: () => opened.close() }
		: opened;
}
