import { mkdir } from "node:fs/promises";
import { type Address, connect, formatAddress } from "../../carrier/index.ts";
import { TetradError } from "../../errors.ts";
import type { LinkMode } from "../../tetrad/index.ts";
import { demandAccepted, type HomeSecrets, readHome } from "../home/index.ts";
import { AgentStore } from "../purse/index.ts";
import { TrustedAgent } from "../runtime/index.ts";
import { type AnswerOptions, serve } from "./agent-answer.ts";
import { AgentAtWork } from "./agent-at-work.ts";
import { type CallOptions, call } from "./agent-call.ts";
import { type SettleAt, settleAgain } from "./agent-settling.ts";
import { KeylogFile } from "./keylog-file.ts";
import { openToRead } from "./outgoing-file.ts";
import { sayingUnpaid, type WantedPayment } from "./paying-other.ts";
import { type Report, reportLists } from "./process-events.ts";

export interface AgentProcessOptions
	extends Omit<CallOptions, "pay">,
		AnswerOptions {
	/** With `connect`: have the own module pay the other module. */
	readonly pay?: WantedPayment;
	readonly home: string;
	/** Where the passphrase or the PIN of its key comes from, if it needs one. */
	readonly secrets?: HomeSecrets;
	/** Where the own module listens. */
	readonly module: Address;
	readonly link: LinkMode;
	/** Answer other agents here, until `signal`. */
	readonly listen?: Address;
	/** Connect to this agent, do what is asked of the tetrad, and stop. */
	readonly connect?: Address;
	/** With `listen`: settle at once, and then each time so many milliseconds have passed. */
	readonly settleAt?: SettleAt;
	/** A text for the own module over session 3 or 4; its answer is then waited for. */
	readonly greet?: string;
	readonly timeoutMs?: number;
	readonly unsafeKeylog?: string;
	readonly signal: AbortSignal;
}

/** Runs an agent until its work is done or `signal` says stop. Rejects with why it could not. */
export async function runAgentProcess(
	{ pay: wanted, ...options }: AgentProcessOptions,
	report: Report,
): Promise<void> {
	await sayingUnpaid(wanted, report, (pay) =>
		runAgent({ ...options, ...(pay === undefined ? {} : { pay }) }, report),
	);
}

async function runAgent(
	options: Omit<AgentProcessOptions, "pay"> & CallOptions,
	report: Report,
): Promise<void> {
	const { signal, module, link, timeoutMs } = options;
	await using home = await readHome(options.home, "agent", options.secrets);
	if (home.pairing === undefined)
		throw new TetradError(
			"not-paired",
			`the agent at ${options.home} is paired with no module yet; run: tetrad pair --home ${options.home} --connect ${formatAddress(module)}`,
		);
	demandAccepted(home, {
		links: link,
		...(options.connect === undefined
			? {}
			: { roots: options.root, routings: options.routing }),
	});
	if (options.send !== undefined)
		await (await openToRead(options.send)).close();
	if (options.receive !== undefined)
		await mkdir(options.receive, { recursive: true, mode: 0o700 });
	const addresses = [module, options.listen, options.connect].filter(
		(address) => address !== undefined,
	);
	using keylog =
		options.unsafeKeylog === undefined
			? undefined
			: new KeylogFile(options.unsafeKeylog, addresses);
	await using agent = new TrustedAgent({
		...home,
		observeLists: reportLists(report),
		...(timeoutMs === undefined ? {} : { timeoutMs }),
		...(keylog === undefined ? {} : { unsafeKeylog: keylog.write }),
	});
	agent.useModule({
		pairing: home.pairing,
		mode: link,
		dial: () => connect(module, { signal }),
	});
	await using store = await AgentStore.open(home.path);
	const work = new AgentAtWork(agent, store, report);
	try {
		await agent.reachModule();
		report({ event: "linked", peer: formatAddress(module) });
		const { listen: here, connect: address, settleAt } = options;
		// Who can serve nobody shall not go on settling.
		const over = new AbortController();
		const until = AbortSignal.any([signal, over.signal]);
		const settling = settleAt && settleAgain(work, settleAt, until);
		try {
			const serving = here && serve(work, here, options);
			if (address !== undefined) await call(work, address, options);
			await serving;
		} finally {
			over.abort();
			await settling;
		}
	} finally {
		report({ event: "stopped" });
	}
}
