import { type Address, parseAddress } from "../../carrier/index.ts";
import type { CallMerchant, Report } from "../../device/process/index.ts";
import {
	type AgentService,
	type AskOptions,
	type FurtherModule,
	openLocalAgent,
	reachAgent,
} from "../../device/service/index.ts";
import type { Routing } from "../../tetrad/index.ts";
import { linkOf, type RootFlag, rootOf } from "../flag-values.ts";
import { type DeviceFlags, runDevice } from "../run-device.ts";
import { secretsOf } from "../secrets.ts";

export interface CallerFlags extends DeviceFlags {
	readonly module: Address;
	/** Of a side that has several. */
	readonly furtherModules?: readonly FurtherModule[] | undefined;
	/** Where the agent answers while it runs, of a side. */
	readonly socket?: string;
	/** The module's home, where it is on this machine. */
	readonly purse?: string;
	readonly routing: Routing;
	readonly root: RootFlag;
}

/** How the agent is run. */
export function callerOf(
	flags: CallerFlags,
	merchant: string,
	signal: AbortSignal,
): CallMerchant {
	const { home, module, routing, root, link, timeout, unsafeKeylog } = flags;
	return {
		home,
		module,
		furtherModules: flags.furtherModules,
		routing,
		connect: parseAddress(merchant),
		root: rootOf(root),
		link: linkOf(link),
		secrets: secretsOf(flags),
		signal,
		...(timeout === undefined ? {} : { timeoutMs: timeout }),
		...(unsafeKeylog === undefined ? {} : { unsafeKeylog }),
	};
}

/** What a command asks of the agent, and how it is stopped and heard. */
export type Asking = (
	agent: AgentService,
	how: {
		readonly signal: AbortSignal;
		readonly step: NonNullable<AskOptions["step"]>;
	},
) => Promise<void>;

/** What is done before, with what is reported, and when it comes to nothing. */
interface Telling {
	/** Throws what would be wrong, before anything is opened. */
	readonly before?: () => Promise<void>;
	readonly through?: (report: Report) => Report;
	readonly failed?: (report: Report) => void;
}

/** Asks the agent of a home for something: where it runs if it does, and else it runs here meanwhile. */
export function askAgent(
	flags: CallerFlags,
	work: Asking,
	{
		before = async () => {},
		through = (report) => report,
		failed = () => {},
	}: Telling = {},
): Promise<void> {
	return runDevice(flags, async (signal, all) => {
		const report = through(all);
		try {
			await before();
			await ask(flags, work, report, signal);
		} catch (thrown) {
			failed(report);
			throw thrown;
		}
	});
}

async function ask(
	flags: CallerFlags,
	work: Asking,
	report: Report,
	signal: AbortSignal,
): Promise<void> {
	const { home, module, socket, purse, routing, root, link } = flags;
	const { timeout, unsafeKeylog } = flags;
	const running =
		socket === undefined ? undefined : await reachAgent(home, socket);
	if (running !== undefined) {
		await using agent = running;
		return work(agent, { signal, step: report });
	}
	await using agent = await openLocalAgent({
		...{ home, module, routing, report, signal },
		root: rootOf(root),
		link: linkOf(link),
		secrets: secretsOf(flags),
		...(purse === undefined ? {} : { moduleHome: purse }),
		...(timeout === undefined ? {} : { timeoutMs: timeout }),
		...(unsafeKeylog === undefined ? {} : { unsafeKeylog }),
	});
	// All that an agent does that runs here is reported already.
	await work(agent, { signal, step: () => {} });
}
