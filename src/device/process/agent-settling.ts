import { setTimeout as pause } from "node:timers/promises";
import { type Address, connect, formatAddress } from "../../carrier/index.ts";
import type { AgentAtWork } from "./agent-at-work.ts";
import { PayingModule } from "./own-module.ts";
import type { Report } from "./process-events.ts";
import { observer, reportRefused } from "./tetrad-events.ts";

/** How long after a settling that came to nothing the next one is tried: half a minute. */
const SETTLE_RETRY_MS = 30_000;

/** Where an issuer's agent answers, and how often the own module does its business there. */
export interface SettleAt {
	readonly address: Address;
	readonly everyMs: number;
}

/** Lets the own module do its business with the other module, which is an issuer's, and reports it. */
export async function settle(
	{ tetrad, payments }: PayingModule,
	number: number,
	report: Report,
	signal: AbortSignal,
): Promise<void> {
	const issuer = tetrad.parties[tetrad.place === "A" ? "Y" : "X"];
	await payments.settle(issuer.deviceId, { signal });
	report({ event: "settled", tetrad: number, issuer: issuer.name });
}

/** Settles until `signal`; an issuer that is out of reach is tried again soon. */
export async function settleAgain(
	work: AgentAtWork,
	{ address, everyMs }: SettleAt,
	signal: AbortSignal,
): Promise<void> {
	while (!signal.aborted) {
		let wait = everyMs;
		try {
			await settleOnce(work, address, signal);
		} catch (thrown) {
			wait = Math.min(everyMs, SETTLE_RETRY_MS);
			if (!signal.aborted)
				reportRefused(formatAddress(address), thrown, work.report);
		}
		await pause(wait, undefined, { signal }).catch(() => {});
	}
}

async function settleOnce(
	work: AgentAtWork,
	address: Address,
	signal: AbortSignal,
): Promise<void> {
	const number = work.nextTetrad();
	const carrier = await connect(address, { signal });
	const tetrad = await work.agent.connect(carrier, {
		signal,
		observe: observer(number, work.report),
	});
	const own = new PayingModule(tetrad, work.witness);
	try {
		await settle(own, number, work.report, signal);
	} finally {
		await tetrad.close();
		await own.over();
	}
}
