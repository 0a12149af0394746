import { setTimeout as pause } from "node:timers/promises";
import type { Address } from "../../carrier/index.ts";
import { nodeCrypto } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import {
	formatAmount,
	type IssuerTerms,
	nameInDeviceId,
	type Payment,
} from "../../money/index.ts";
import type { Root, Routing } from "../../tetrad/index.ts";
import {
	parseContract,
	parseRefundText,
	refundContract,
	refundText,
} from "../../trade/documents/index.ts";
import {
	gotRefund,
	oweRefund,
	paidModule,
	payRefund,
	type RefundGiver,
	type RefundRow,
	readPurchase,
	type SaleRow,
} from "../../trade/records/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import { type Home, HomeLock } from "../home/index.ts";
import type { AgentStore } from "../purse/index.ts";
import type { Tetrad } from "../runtime/index.ts";
import { AgentAtWork } from "./agent-at-work.ts";
import { call } from "./agent-call.ts";
import { sayingUnpaid } from "./paying-other.ts";
import { moneyText, type Report } from "./process-events.ts";
import {
	hearAnswer,
	isTaken,
	isUnderWay,
	placeRefund,
	type RefundAnswer,
	type RefundName,
	TAKEN_WITHIN_MS,
	withdrawRefund,
} from "./refund-orders.ts";
import { type AgentHomeOptions, withAgent } from "./with-agent.ts";

/** How often a command looks whether the agent has answered, in milliseconds. */
const LOOK_EVERY_MS = 50;

/** A refund, by one of the modules that the agent is paired with. */
interface GivenRefund extends WantedRefund {
	/** Hears which refund of its sale it is before anything is paid. */
	readonly owed?: (number: number) => Promise<void>;
	readonly pairings: Home["pairings"];
}

/** A refund. */
interface WantedRefund {
	/** Where the buyer's agent answers, and takes payments. */
	readonly connect: Address;
	readonly routing: Routing;
	readonly root: Root;
	readonly sale: SaleRow;
	/** In minor units. */
	readonly amount: bigint;
	readonly signal: AbortSignal;
}

/** A refund by the agent of a home. */
export interface RefundOptions extends AgentHomeOptions, WantedRefund {}

/**
 * Has the own module give back what a sale was paid with, or a part of it: by the agent that runs,
 * if one does, and else here. Asked again after a failure, it is the same refund.
 */
export async function runRefunding(
	options: RefundOptions,
	report: Report,
): Promise<void> {
	requireInNotes(options);
	const answer = await askRunning(options);
	if (answer !== undefined) return tell(options, answer, report);
	const { home, connect, routing, root } = options;
	const plan = { addresses: [connect], calls: { routing, root } };
	await withAgent(
		options,
		plan,
		report,
		async ({ agent, store, home: opened }) => {
			// What was asked of an agent that has died meanwhile is this refund.
			await withdrawRefund(home, nameOf(options));
			const before = await hearAnswer(home, nameOf(options));
			if (before?.kind === "paid") return tell(options, before, report);
			const { pairings } = opened;
			const refund = { ...options, pairings };
			await giveBack(new AgentAtWork(agent, store, report), store, refund);
		},
	);
}

/** What the agent that runs says to it; `undefined` when none runs, or no longer. */
export async function askRunning(
	options: Pick<RefundOptions, "home"> & WantedRefund,
	wait: (
		ms: number,
		value: undefined,
		how: { readonly signal: AbortSignal },
	) => Promise<unknown> = pause,
): Promise<RefundAnswer | undefined> {
	const { home, signal } = options;
	if ((await HomeLock.holder(home)) === undefined) return undefined;
	const of = nameOf(options);
	const before = await hearAnswer(home, of);
	if (before?.kind === "paid") return before;
	if (!(await isTaken(home, of)))
		await placeRefund(home, { ...options, ...of });
	for (let waited = 0; ; waited += LOOK_EVERY_MS) {
		const isGoing = await isUnderWay(home, of);
		const answer = await hearAnswer(home, of);
		if (answer !== undefined) return answer;
		const holder = await HomeLock.holder(home);
		if (holder === undefined) return undefined;
		if (signal.aborted) {
			await withdrawRefund(home, of);
			throw new TetradError("aborted", "stopped before it was done");
		}
		const isLate = waited >= TAKEN_WITHIN_MS && !(await isTaken(home, of));
		if (!isGoing || (isLate && (await withdrawRefund(home, of))))
			throw new TetradError(
				"busy",
				`process ${holder} has ${home}, and has not taken this refund: if it does not sell or listen, stop it, and ask again`,
			);
		await wait(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
	}
}

/** Says what the agent that runs has said, as if it had been done here. */
function tell(
	{ sale, amount }: RefundOptions,
	answer: RefundAnswer,
	report: Report,
): void {
	if (answer.kind === "failed")
		throw new TetradError(answer.code, answer.reason);
	const of = { contract: sale.contract, number: answer.number };
	const said = {
		contract: hex(refundContract(nodeCrypto, of)),
		text: refundText(of),
		...moneyText(amount, termsOf(sale)),
	};
	if (answer.kind === "paid")
		return report({ event: "paid", tetrad: 1, ...said });
	const { code, reason } = answer;
	if (answer.kind === "in-doubt")
		report({ event: "in-doubt", tetrad: 1, reason, ...said });
	else report({ event: "not-paid", again: true, code, reason, ...said });
	throw new TetradError(code, reason);
}

/** Gives money back, and resolves with which refund of its sale that was. */
export async function giveBack(
	work: AgentAtWork,
	store: AgentStore,
	{
		sale,
		amount,
		connect,
		owed = async () => {},
		pairings,
		...how
	}: GivenRefund,
): Promise<number> {
	requireInNotes({ sale, amount });
	const refund = await store.transact(
		oweRefund({
			sale: sale.contract,
			paid: sale.amount,
			amount,
			now: Date.now(),
			contractOf: (number) =>
				refundContract(nodeCrypto, { contract: sale.contract, number }),
			giver: giverOf(sale, pairings),
		}),
	);
	requireGiver(work, refund);
	const number = Number(refund.number);
	await owed(number);
	const wanted = {
		terms: termsOf(sale),
		amount,
		text: refundText({ contract: sale.contract, number }),
		contract: refund.contract,
	};
	let isPaid = false;
	const hearing = work.reporting((event) => {
		if (event.event === "paid" && event.contract === hex(refund.contract))
			isPaid = true;
		work.report(event);
	});
	const { routing, root, signal } = how;
	await sayingUnpaid(wanted, work.report, (pay) =>
		call(hearing, connect, {
			...{ routing, root, signal },
			ownModule: refund.module,
			...(pay === undefined ? {} : { pay }),
			requirePeer: (tetrad) => requireBuyer(tetrad, sale),
		}),
	);
	if (!isPaid)
		throw new TetradError(
			"payment-in-doubt",
			"the tetrad was closed before it was known whether this is paid; ask again, and nothing is paid twice",
		);
	await store.transact(payRefund(refund));
	return number;
}

/** A refund is a payment in notes: what was paid with ecash is given back by hand, and nothing is owed that could never be paid. */
function requireInNotes({
	sale,
	amount,
}: Pick<WantedRefund, "sale" | "amount">): void {
	if (sale.rail !== "cashu") return;
	const { exponent, currency: code, mint, buyer } = sale;
	const sum = formatAmount(amount, { code, exponent: Number(exponent) });
	const at = mint === "" ? "" : ` --mint ${mint}`;
	throw new TetradError(
		"invalid-argument",
		`this sale was paid with ecash${mint === "" ? "" : ` of ${mint}`}, which tetrad refund cannot give back, now or later: it pays in notes. Nothing was given back. Make a token of the purse that was paid, with tetrad purse send ${sum}${at}, and hand it to ${buyer} yourself; it is not shown with the sale then`,
	);
}

/** A module that the agent is paired with may be left out where it runs: no other gives what that one owes. */
function requireGiver({ agent }: AgentAtWork, { module }: RefundRow): void {
	if (agent.modules.some((own) => sameBytes(own, module))) return;
	throw new TetradError(
		"not-paired",
		`${nameInDeviceId(module)} was paid and gives this back, and the agent runs without it: name that module in the settings again; where it is gone for good, its pairing has to go from the agent's home`,
	);
}

/** What was paid to one of the modules that the agent is paired with is given back by it, and what was paid to another one, by the first. */
function giverOf(sale: SaleRow, pairings: Home["pairings"]): RefundGiver {
	const isThere = (deviceId: Uint8Array) =>
		pairings.some(({ peerDeviceId }) => sameBytes(peerDeviceId, deviceId));
	const payee = paidModule(sale);
	const first = pairings[0]?.peerDeviceId ?? new Uint8Array();
	return {
		module: payee !== undefined && isThere(payee) ? payee : first,
		isThere,
	};
}

function nameOf({ sale, amount }: WantedRefund): RefundName {
	return { sale: sale.contract, amount };
}

/** Keeps a payment that has come as the refund of a purchase, if it is one: from whom the purchase was paid to, and in the same money. */
export async function keepRefund(
	store: AgentStore,
	tetrad: Pick<Tetrad, "parties" | "place">,
	payment: Payment,
	text: string,
): Promise<void> {
	const said = parseRefundText(text);
	if (said === undefined) return;
	const sale = new Uint8Array(Buffer.from(said.contract, "hex"));
	const of = { contract: sale, number: said.number };
	if (!sameBytes(refundContract(nodeCrypto, of), payment.contract)) return;
	const purchase = await store.transact(readPurchase(sale));
	if (purchase === undefined) return;
	const { sellerAgent, issuer, currency } = parseContract(
		nodeCrypto,
		purchase.document,
	);
	if (!sameBytes(payment.issuer, issuer) || payment.currency !== currency)
		return;
	const other = tetrad.parties[tetrad.place === "A" ? "B" : "A"];
	if (!sameBytes(other.deviceId, sellerAgent)) return;
	await store.transact(
		gotRefund({
			sale,
			number: BigInt(said.number),
			contract: payment.contract,
			time: BigInt(Date.now()),
			amount: payment.amount,
		}),
	);
}

/** Money is given back to whom it came from. */
function requireBuyer(tetrad: Tetrad, { buyer, buyer_agent }: SaleRow): void {
	const other = tetrad.parties[tetrad.place === "A" ? "B" : "A"];
	if (!sameBytes(other.deviceId, buyer_agent))
		throw new TetradError(
			"payment-refused",
			`another agent than ${buyer}, which bought it, answers there: ${hex(other.deviceId)}`,
		);
}

function termsOf({ issuer, currency, exponent, play }: SaleRow): IssuerTerms {
	return {
		issuer,
		name: nameInDeviceId(issuer),
		currency: { code: currency, exponent: Number(exponent) },
		isPlay: play === 1n,
	};
}
