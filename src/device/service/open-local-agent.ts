import type { Root, Routing } from "../../tetrad/index.ts";
import {
	type AgentHomeOptions,
	type AgentPlan,
	openAgentHome,
} from "../process/index.ts";
import { LocalAgent, type LocalAgentOptions } from "./local-agent.ts";

/** How the agent of a home is run in this process. */
export interface LocalHomeOptions
	extends Omit<AgentHomeOptions, "signal" | "furtherModules">,
		Omit<LocalAgentOptions, "opened" | "closing" | "routing" | "root"> {
	readonly routing?: Routing | undefined;
	readonly root?: Root | undefined;
	/** Addresses that it will dial or listen at, beside that of its module; for the keylog. */
	readonly addresses?: AgentPlan["addresses"];
	/** Gives up with `aborted`; without effect once it is open. */
	readonly signal?: AbortSignal | undefined;
}

/** Opens the home of an agent here, and its link. Rejects as `readHome` does, and with why the module cannot be reached. */
export async function openLocalAgent(
	options: LocalHomeOptions,
): Promise<LocalAgent> {
	const {
		routing = "direct",
		root = "transcript",
		report = () => {},
	} = options;
	const { addresses = [], signal } = options;
	const closing = new AbortController();
	const onAbort = () => closing.abort();
	signal?.addEventListener("abort", onAbort, { once: true });
	if (signal?.aborted) closing.abort();
	try {
		const opened = await openAgentHome(
			{ ...options, signal: closing.signal },
			{ addresses, calls: { routing, root } },
			report,
		);
		return new LocalAgent({ ...options, routing, root, opened, closing });
	} finally {
		signal?.removeEventListener("abort", onAbort);
	}
}
