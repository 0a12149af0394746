import type { Address } from "../../carrier/index.ts";
import { makeFolder } from "../home/index.ts";
import { type AnswerOptions, serve } from "./agent-answer.ts";
import { AgentAtWork } from "./agent-at-work.ts";
import { type CallOptions, call } from "./agent-call.ts";
import { type SettleAt, settleEach } from "./agent-settling.ts";
import { type Alongside, alongside } from "./alongside.ts";
import { openToRead } from "./outgoing-file.ts";
import { sayingUnpaid, type WantedPayment } from "./paying-other.ts";
import type { Report } from "./process-events.ts";
import { serveRefunds } from "./refund-desk.ts";
import { keepRefund } from "./refunding.ts";
import { type AgentHomeOptions, withAgent } from "./with-agent.ts";

export interface AgentProcessOptions
	extends Omit<CallOptions, "pay">,
		AnswerOptions,
		AgentHomeOptions {
	/** With `connect`: have the own module pay the other module. */
	readonly pay?: WantedPayment;
	/** Answer other agents here, until `signal`. */
	readonly listen?: Address;
	/** Connect to this agent, do what is asked of the tetrad, and stop. */
	readonly connect?: Address;
	/** With `listen`: settle at once, and then each time so many milliseconds have passed. */
	readonly settleAt?: SettleAt;
	/** A text for the own module over session 3 or 4; its answer is then waited for. */
	readonly greet?: string;
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
	const { signal, listen: here, connect: address, settleAt } = options;
	const plan = {
		addresses: [here, address].filter((one) => one !== undefined),
		...(address === undefined ? {} : { calls: options }),
		async before() {
			if (options.send !== undefined)
				await (await openToRead(options.send)).close();
			if (options.receive !== undefined) await makeFolder(options.receive);
		},
	};
	await withAgent(options, plan, report, async (opened) => {
		const { agent, store } = opened;
		const work = new AgentAtWork(agent, store, report);
		const others: Alongside = [
			settleAt && ((until) => settleEach(work, opened, settleAt, until)),
			here && ((until) => serveRefunds({ ...opened, work }, until)),
		];
		await alongside(signal, others, async () => {
			const serving =
				here &&
				serve(work, here, {
					...options,
					keep: (...received) => keepRefund(store, ...received),
				});
			if (address !== undefined) await call(work, address, options);
			await serving;
		});
	});
}
