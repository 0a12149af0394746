import {
	type Address,
	type Carrier,
	connect,
	formatAddress,
} from "../../carrier/index.ts";
import { TetradError } from "../../errors.ts";
import type { LinkMode, Root, Routing } from "../../tetrad/index.ts";
import {
	demandAccepted,
	type Home,
	type HomeSecrets,
	readHome,
} from "../home/index.ts";
import { AgentStore } from "../purse/index.ts";
import { TrustedAgent } from "../runtime/index.ts";
import { BegunGoods, type GoodsKeeper } from "../trade/index.ts";
import { KeylogFile } from "./keylog-file.ts";
import { type Report, reportLists } from "./process-events.ts";
import { recoverRefunds } from "./refund-orders.ts";
import { reportUnlinked } from "./tetrad-events.ts";

/** How often an agent that has too much to do reports that, in milliseconds. */
const LOAD_EVERY_MS = 10_000;

/** How the agent of a home is run, whatever it is to do. */
export interface AgentHomeOptions {
	readonly home: string;
	/** Where the passphrase or the PIN of its key comes from, if it needs one. */
	readonly secrets?: HomeSecrets;
	/** Where the own module listens. */
	readonly module: Address;
	/** Makes a carrier to it in another way than dialling that address. */
	readonly dialModule?: ((signal: AbortSignal) => Promise<Carrier>) | undefined;
	readonly link: LinkMode;
	readonly timeoutMs?: number;
	readonly unsafeKeylog?: string;
	readonly signal: AbortSignal;
}

/** How an agent calls another. */
export interface CallMerchant extends AgentHomeOptions {
	readonly connect: Address;
	readonly routing: Routing;
	readonly root: Root;
}

/** What it is going to do, to be checked before anything is opened. */
export interface AgentPlan {
	/** Addresses beside that of the module. */
	readonly addresses: readonly Address[];
	/** How it calls other agents, if it does. */
	readonly calls?: { readonly root: Root; readonly routing: Routing };
	/** What has to be there. */
	readonly before?: () => Promise<void>;
}

/** An agent that runs, linked with its module. */
export interface OpenedAgent {
	readonly agent: TrustedAgent;
	readonly store: AgentStore;
	/** Where what it buys is kept. */
	readonly goods: GoodsKeeper;
	readonly home: Home;
}

/** Runs the agent of a home while `work` goes on. Rejects with why it could not. */
export async function withAgent(
	options: AgentHomeOptions,
	plan: AgentPlan,
	report: Report,
	work: (opened: OpenedAgent) => Promise<void>,
): Promise<void> {
	await using opened = await openAgentHome(options, plan, report);
	try {
		await work(opened);
	} finally {
		report({ event: "stopped" });
	}
}

/**
 * Runs the agent of a home until what it resolves to is disposed of; `signal` is of reaching the
 * module. Rejects with why it could not.
 */
export async function openAgentHome(
	options: AgentHomeOptions,
	{ addresses, calls, before }: AgentPlan,
	report: Report,
): Promise<OpenedAgent & AsyncDisposable> {
	const { signal, module, link, timeoutMs } = options;
	const dial = options.dialModule ?? ((signal) => connect(module, { signal }));
	await using open = new AsyncDisposableStack();
	const home = open.use(await readHome(options.home, "agent", options.secrets));
	if (home.pairing === undefined)
		throw new TetradError(
			"not-paired",
			`the agent at ${options.home} is paired with no module yet; run: tetrad pair --home ${options.home} --connect ${formatAddress(module)}`,
		);
	demandAccepted(home, {
		links: link,
		...(calls === undefined
			? {}
			: { roots: calls.root, routings: calls.routing }),
	});
	await before?.();
	const keylog =
		options.unsafeKeylog === undefined
			? undefined
			: open.use(new KeylogFile(options.unsafeKeylog, [module, ...addresses]));
	const agent = open.use(
		new TrustedAgent({
			...home,
			observeLists: reportLists(report),
			...(timeoutMs === undefined ? {} : { timeoutMs }),
			...(keylog === undefined ? {} : { unsafeKeylog: keylog.write }),
		}),
	);
	agent.useModule({
		pairing: home.pairing,
		mode: link,
		dial: () => dial(signal),
		observe(event) {
			const peer = formatAddress(module);
			if (event.kind === "linked") report({ event: "linked", peer });
			else reportUnlinked(peer, event.error, report);
		},
	});
	const watching = setInterval(reportLoad(agent, report), LOAD_EVERY_MS);
	watching.unref();
	open.defer(() => clearInterval(watching));
	const store = open.use(await AgentStore.open(home.path));
	const goods = await BegunGoods.open(home.path, store);
	await recoverRefunds(home.path, store);
	await agent.reachModule();
	const held = open.move();
	return {
		agent,
		store,
		goods,
		home,
		[Symbol.asyncDispose]: () => held.disposeAsync(),
	};
}

/** Reports how much an agent is asked for, when that was too much since it was called last. */
function reportLoad(agent: TrustedAgent, report: Report): () => void {
	let before = agent.admission;
	return () => {
		const counts = agent.admission;
		const { cookies, refused } = before;
		before = counts;
		if (counts.cookies > cookies || counts.refused > refused)
			report({ event: "load", ...counts });
	};
}
