import { setTimeout as pause } from "node:timers/promises";
import { asTetradError, TetradError } from "../../errors.ts";
import { readSale } from "../../trade/records/index.ts";
import { demandAccepted } from "../home/index.ts";
import type { AgentAtWork } from "./agent-at-work.ts";
import {
	leaveRefund,
	numberRefund,
	type RefundAnswer,
	type TakenRefund,
	takeRefunds,
	tellRefund,
} from "./refund-orders.ts";
import { giveBack } from "./refunding.ts";
import { reportRefused } from "./tetrad-events.ts";
import type { OpenedAgent } from "./with-agent.ts";

/** How often an agent looks for refunds that are asked for: twice a second. */
const LOOK_EVERY_MS = 500;

/** Refunds that are given back at once. */
const MAX_REFUNDING = 8;

/** An agent that runs, and what its tetrads have in common. */
interface Desk extends Pick<OpenedAgent, "home" | "store"> {
	readonly work: AgentAtWork;
}

/** Gives back what commands ask for, until `signal`. What is under way then is given up, and asked for again it is the same refund. */
export async function serveRefunds(
	desk: Desk,
	signal: AbortSignal,
): Promise<void> {
	const { home, work } = desk;
	const running = new Set<Promise<void>>();
	let isQuiet = false;
	while (!signal.aborted) {
		try {
			const room = MAX_REFUNDING - running.size;
			for (const taken of await takeRefunds(home.path, room)) {
				const run = serve(desk, taken, signal).catch((thrown: unknown) =>
					reportRefused("refund", thrown, work.report),
				);
				running.add(run);
				void run.then(() => running.delete(run));
			}
			isQuiet = false;
		} catch (thrown) {
			if (!isQuiet) reportRefused("refund", thrown, work.report);
			isQuiet = true;
		}
		await pause(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
	}
	await Promise.all(running);
}

async function serve(
	desk: Desk,
	taken: TakenRefund,
	signal: AbortSignal,
): Promise<void> {
	const answer = await outcome(desk, taken, signal);
	const { path } = desk.home;
	// Each is done once: what was told may have been heard, and is not told again.
	await untilDone(desk, signal, () => tellRefund(path, taken, answer));
	await untilDone(desk, signal, () => leaveRefund(path, taken));
}

/** A disk that is full may have room again: until then its command waits, and what was paid is not lost, since the next start tells it. */
async function untilDone(
	{ work }: Desk,
	signal: AbortSignal,
	write: () => Promise<void>,
): Promise<void> {
	for (let isQuiet = false; ; isQuiet = true) {
		try {
			return await write();
		} catch (thrown) {
			if (signal.aborted) throw thrown;
			if (!isQuiet) reportRefused("refund", thrown, work.report);
		}
		await pause(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
	}
}

async function outcome(
	{ home, store, work }: Desk,
	taken: TakenRefund,
	signal: AbortSignal,
): Promise<RefundAnswer> {
	let number: number | undefined;
	let said: "in-doubt" | "not-paid" | undefined;
	const hearing = work.reporting((event) => {
		if (event.event === "in-doubt" || event.event === "not-paid")
			said = event.event;
		work.report(event);
	});
	try {
		if (taken.kind === "unreadable") throw taken.error;
		const { asked, amount } = taken;
		const { root, routing } = asked;
		demandAccepted(home, { roots: root, routings: routing });
		const sale = await store.transact(readSale(taken.sale));
		if (sale === undefined)
			throw new TetradError(
				"invalid-argument",
				"nothing was sold here under that contract",
			);
		const owed = async (itsNumber: number) => {
			await numberRefund(home.path, taken, itsNumber);
			number = itsNumber;
		};
		const { pairings } = home;
		const refund = { ...asked, sale, amount, owed, pairings, signal };
		return { kind: "paid", number: await giveBack(hearing, store, refund) };
	} catch (thrown) {
		const { code, message: reason } = asTetradError(thrown);
		return number === undefined || said === undefined
			? { kind: "failed", code, reason }
			: { kind: said, number, code, reason };
	}
}
