import {
	type Address,
	type Carrier,
	connect,
	formatAddress,
} from "../../carrier/index.ts";
import { TetradError } from "../../errors.ts";
import {
	type LinkMode,
	LOAD_LIMITS,
	partOf,
	type Root,
	type Routing,
} from "../../tetrad/index.ts";
import {
	demandAccepted,
	type Home,
	type HomeSecrets,
	type OneOfSeveral,
	readHome,
} from "../home/index.ts";
import { AgentStore } from "../purse/index.ts";
import { TrustedAgent } from "../runtime/index.ts";
import { BegunGoods, type GoodsKeeper } from "../trade/index.ts";
import { KeylogFile } from "./keylog-file.ts";
import { type Report, reportLists } from "./process-events.ts";
import { recoverRefunds } from "./refund-orders.ts";
import { reportRefused, reportUnlinked } from "./tetrad-events.ts";

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
	/** The same of the further modules of an agent that has several, in the order of their pairings. */
	readonly furtherModules?: readonly FurtherModuleAt[] | undefined;
	readonly link: LinkMode;
	readonly timeoutMs?: number;
	readonly unsafeKeylog?: string;
	/** Which of several processes of the agent this is. The first also sees to what earlier processes have left. */
	readonly oneOf?: OneOfSeveral | undefined;
	readonly signal: AbortSignal;
}

/** Where a module listens beside the first one of its agent. */
export interface FurtherModuleAt {
	readonly address: Address;
	/** Makes a carrier to it in another way than dialling that address. */
	readonly dial?: ((signal: AbortSignal) => Promise<Carrier>) | undefined;
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
	const { signal, module, link, timeoutMs, oneOf } = options;
	const modules: readonly FurtherModuleAt[] = [
		{ address: module, dial: options.dialModule },
		...(options.furtherModules ?? []),
	];
	await using open = new AsyncDisposableStack();
	const home = open.use(
		await readHome(options.home, "agent", {
			...options.secrets,
			...(oneOf === undefined ? {} : { oneOf }),
		}),
	);
	const unpaired = modules[home.pairings.length];
	if (unpaired !== undefined) throw notPaired(home, unpaired);
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
			: open.use(
					new KeylogFile(options.unsafeKeylog, [
						...modules.map(({ address }) => address),
						...addresses,
					]),
				);
	const agent = open.use(
		new TrustedAgent({
			...home,
			policy: policyOf(home, oneOf),
			observeLists: reportLists(report),
			...(timeoutMs === undefined ? {} : { timeoutMs }),
			...(keylog === undefined ? {} : { unsafeKeylog: keylog.write }),
		}),
	);
	agent.useModules(
		home.pairings.slice(0, modules.length).map((pairing, at) => {
			const { address = module, dial } = modules[at] ?? {};
			return {
				...{ pairing, mode: link },
				dial: () => dial?.(signal) ?? connect(address, { signal }),
				observe(event) {
					const peer = formatAddress(address);
					if (event.kind === "linked") report({ event: "linked", peer });
					else reportUnlinked(peer, event.error, report);
				},
			};
		}),
	);
	const watching = setInterval(reportLoad(agent, report), LOAD_EVERY_MS);
	watching.unref();
	open.defer(() => clearInterval(watching));
	open.use(home.follow((bundle) => agent.learnList(bundle)));
	const isShared = oneOf !== undefined;
	const store = open.use(await AgentStore.open(home.path, { isShared }));
	const isFirst = isFirstOf(oneOf);
	const goods = isFirst
		? await BegunGoods.open(home.path, store)
		: BegunGoods.of(home.path);
	if (isFirst) await recoverRefunds(home.path, store);
	await reachModules(agent, modules, report);
	const held = open.move();
	return {
		agent,
		store,
		goods,
		home,
		[Symbol.asyncDispose]: () => held.disposeAsync(),
	};
}

function notPaired(
	{ path, pairings: { length } }: Home,
	{ address }: FurtherModuleAt,
): TetradError {
	const number = length === 0 ? "" : ` --number ${length + 1}`;
	return new TetradError(
		"not-paired",
		`the agent at ${path} is paired with no module ${length === 0 ? "" : `${length + 1} `}yet; run: tetrad pair --home ${path} --connect ${formatAddress(address)}${number}`,
	);
}

/** Resolves when one of them is there: what the others are needed for tries them again. Rejects with why the first is not, where none is. */
async function reachModules(
	agent: TrustedAgent,
	modules: readonly FurtherModuleAt[],
	report: Report,
): Promise<void> {
	if (modules.length === 1) return agent.reachModule();
	const reaching = agent.modules.map(async (id, at) => {
		try {
			await agent.reachModule(id);
		} catch (thrown) {
			const { address } = modules[at] ?? {};
			if (address !== undefined)
				reportRefused(formatAddress(address), thrown, report);
			throw thrown;
		}
	});
	await Promise.any(reaching).catch(({ errors: [first] }: AggregateError) => {
		throw first;
	});
}

/** Of several processes each allows its part of what one caller may take of the agent. */
function policyOf(
	{ policy }: Home,
	oneOf: OneOfSeveral | undefined,
): Home["policy"] {
	if (oneOf === undefined) return policy;
	const load = partOf({ ...LOAD_LIMITS, ...policy.load }, oneOf.of);
	return { ...policy, load };
}

/** Whether a process does what one of them does for all. */
export function isFirstOf(oneOf: OneOfSeveral | undefined): boolean {
	return oneOf === undefined || oneOf.number === 1;
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
