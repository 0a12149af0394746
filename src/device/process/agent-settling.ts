import { setTimeout as pause } from "node:timers/promises";
import { type Address, connect, formatAddress } from "../../carrier/index.ts";
import { asTetradError, type TetradError } from "../../errors.ts";
import type { IssuerTerms } from "../../money/index.ts";
import { connectPatiently } from "../runtime/index.ts";
import { askToSell, Buyer, resumeAll } from "../trade/index.ts";
import type { AgentAtWork } from "./agent-at-work.ts";
import type { PayingModule } from "./own-module.ts";
import type { ProcessEvent, Report } from "./process-events.ts";
import { observer, reportRefused } from "./tetrad-events.ts";
import { reportResumed } from "./trade-events.ts";
import type { OpenedAgent } from "./with-agent.ts";

/** Where an agent keeps what it has bought. */
export type Kept = Pick<OpenedAgent, "store" | "goods">;

/** How long after a settling that came to nothing the next one is tried: half a minute. */
const SETTLE_RETRY_MS = 30_000;

/** Where an issuer's agent answers, and how often the own module does its business there. */
export interface SettleAt {
	readonly address: Address;
	readonly everyMs: number;
	/** Of the money that is sold for: the module asks its issuer for what it sells with. */
	readonly sells?: IssuerTerms | undefined;
	/** Which of the agent's modules does its business there, by device id; the first unless given. */
	readonly module?: Uint8Array | undefined;
	/** Hears what came of each settling of a module, also where nothing is reported of it: which issuer was met, or why none. */
	readonly met?:
		| ((came: string | TetradError, module: Uint8Array | undefined) => void)
		| undefined;
}

/** Lets the own module do its business with the other module, which is an issuer's, and reports it: of an agent with several modules, of which one that is. */
export async function settle(
	{ tetrad, payments }: Pick<PayingModule, "tetrad" | "payments">,
	number: number,
	report: Report,
	signal: AbortSignal,
	{ isOneOfSeveral = false }: { readonly isOneOfSeveral?: boolean } = {},
): Promise<void> {
	const issuer = tetrad.parties[tetrad.place === "A" ? "Y" : "X"];
	const own = tetrad.parties[tetrad.place === "A" ? "X" : "Y"];
	await payments.settle(issuer.deviceId, { signal });
	report({
		event: "settled",
		tetrad: number,
		issuer: issuer.name,
		...(isOneOfSeveral ? { module: own.name } : {}),
	});
}

/** Settles until `signal` with each of the agent's modules, beside one another: one that is out of reach holds up no other. */
export async function settleEach(
	work: AgentAtWork,
	kept: Kept,
	at: Omit<SettleAt, "module">,
	signal: AbortSignal,
): Promise<void> {
	await Promise.all(
		work.agent.modules.map((module) =>
			settleAgain(work, kept, { ...at, module }, signal),
		),
	);
}

/**
 * Settles until `signal`; an issuer that is out of reach is tried again soon. A settling that
 * changed nothing is reported only when it is the first one, or the first after one that failed.
 */
export async function settleAgain(
	work: AgentAtWork,
	kept: Kept,
	at: SettleAt,
	signal: AbortSignal,
): Promise<void> {
	const { address, everyMs } = at;
	let isQuiet = false;
	while (!signal.aborted) {
		let wait = everyMs;
		const held: ProcessEvent[] = [];
		const report: Report = isQuiet ? (event) => held.push(event) : work.report;
		try {
			const { hasChanged, issuer } = await settleOnce(
				work,
				kept,
				at,
				report,
				signal,
			);
			at.met?.(issuer, at.module);
			if (hasChanged) for (const event of held) work.report(event);
			isQuiet = true;
		} catch (thrown) {
			wait = Math.min(everyMs, SETTLE_RETRY_MS);
			isQuiet = false;
			if (!signal.aborted) {
				at.met?.(asTetradError(thrown), at.module);
				for (const event of held) work.report(event);
				reportRefused(formatAddress(address), thrown, work.report);
			}
		}
		await pause(wait, undefined, { signal }).catch(() => {});
	}
}

/** Resolves with whether the module has paid, got or handed in anything, or a purchase is over, and with the issuer's certified name. */
export async function settleOnce(
	work: AgentAtWork,
	{ store, goods }: Kept,
	{ address, sells, module }: Omit<SettleAt, "everyMs" | "met">,
	report: Report,
	signal: AbortSignal,
): Promise<{ readonly hasChanged: boolean; readonly issuer: string }> {
	const number = work.nextTetrad();
	const dial = () => connect(address, { signal });
	const tetrad = await connectPatiently(work.agent, dial, {
		signal,
		module,
		observe: observer(number, report),
	});
	const own = tetrad.parties[tetrad.place === "A" ? "X" : "Y"].deviceId;
	const before = store.head(own)?.number;
	const buyer = new Buyer({
		tetrad,
		store,
		goods,
		address: "",
		learnedTo: (name) => name,
		now: () => work.agent.now(),
	});
	try {
		if (sells !== undefined) await askToSell(tetrad, sells.issuer);
		await settle(buyer, number, report, signal, {
			isOneOfSeveral: work.agent.modules.length > 1,
		});
		// What the issuer has said leads on, with goods that are here already.
		const resumed = await resumeAll(buyer, store, { signal });
		for (const { purchase, error } of resumed)
			reportResumed(purchase, error, report);
		const hasChanged =
			store.head(own)?.number !== before ||
			resumed.some(({ purchase }) => purchase.state !== "provisional");
		const { name: issuer } = tetrad.parties[tetrad.place === "A" ? "Y" : "X"];
		return { hasChanged, issuer };
	} finally {
		await tetrad.close();
		await buyer.over;
	}
}
