import { asTetradError, TetradError } from "../../errors.ts";
import { formatAmount, MAX_AMOUNT } from "../../money/index.ts";
import { type PurchaseRow, readPurchaseOf } from "../../trade/records/index.ts";
import {
	priceText,
	purchaseReporter,
	type Report,
	reportBought,
	reportResumed,
} from "../process/index.ts";
import type { AgentStore } from "../purse/index.ts";
import type { TetradEvent } from "../runtime/index.ts";
import {
	type GoodsTarget,
	type PurchaseStep,
	type Quote,
	requireTarget,
	type TradingAgent,
} from "../trade/index.ts";

/** How long a merchant and the own module have to end a doubt when a purchase is gone on with, in milliseconds. */
const CLEARED_MS = 5000;

/** What one purchase is made with. */
export interface Buying {
	readonly trading: TradingAgent;
	readonly store: AgentStore;
	/** Id of the offer that is taken. */
	readonly offer: Uint8Array;
	/** What was quoted, where that is known: an earlier process may have asked. */
	readonly quote: Quote | undefined;
	/** In minor units. */
	readonly maximum: bigint | undefined;
	/** Whether to wait for the owner of the module. */
	readonly waits: boolean;
	/** Whether that owner is asked first, whatever the limits say. */
	readonly askOwner: boolean;
	/** Where the goods go, which is nobody else's until it is disposed of. */
	readonly target: (quote: Quote) => Promise<GoodsTarget & Disposable>;
	readonly observe: (event: TetradEvent) => void;
	readonly report: Report;
	readonly signal: AbortSignal;
}

/** Buys what was quoted, or goes on with that purchase. What is reported of it and thrown is true whatever comes. */
export async function buyQuoted(buying: Buying): Promise<PurchaseRow> {
	const { store, offer, report, quote } = buying;
	let isPaid = false;
	const failed = await buy(buying, () => {
		isPaid = true;
	}).then(() => undefined, asTetradError);
	let row: PurchaseRow | undefined;
	try {
		row = await store.transact(readPurchaseOf(offer));
	} catch (thrown) {
		throw doubtful(failed ?? asTetradError(thrown), isPaid);
	}
	// Whoever stopped it, or lost the merchant, may have bought it all the same.
	if (row?.state === "final" && row.evidence.length === 0) {
		reportBought(row, report);
		return row;
	}
	const error =
		failed ?? new TetradError("internal", "a purchase was not kept");
	if (row !== undefined) reportResumed(row, error, report);
	else reportNotBought(quote, error, report);
	throw row?.state === "provisional" ? doubtful(error, isPaid) : error;
}

/** Calls `paid` once the module has said that it is paid. */
async function buy(buying: Buying, paid: () => void): Promise<void> {
	const { trading, store, quote, offer, observe, maximum, askOwner } = buying;
	const stop = new AbortController();
	const signal = AbortSignal.any([buying.signal, stop.signal]);
	const options = { signal, observe };
	const known = await store.transact(readPurchaseOf(offer));
	const isBegun = known !== undefined && known.state !== "aborted";
	if (isBegun || quote === undefined)
		return follow(trading.again(offer, options), buying, {
			stop,
			paid,
			doubtMs: CLEARED_MS,
		});
	requireWithin(quote, maximum);
	const mostFee = mostFeeOf(quote.offer, maximum);
	using target = await buying.target(quote);
	await requireTarget(target);
	const steps = trading.buy(quote, {
		...{ ...options, to: target, askOwner, mostFee },
	});
	return await follow(steps, buying, { stop, paid, doubtMs: 0 });
}

/** Follows a purchase to its end; what is in doubt is waited for so many milliseconds, and the owner only if that was asked for. */
async function follow(
	steps: AsyncIterable<PurchaseStep>,
	{ report, waits }: Buying,
	{
		stop,
		paid,
		doubtMs,
	}: {
		readonly stop: AbortController;
		readonly paid: () => void;
		readonly doubtMs: number;
	},
): Promise<void> {
	const step = purchaseReporter(report);
	let given: TetradError | undefined;
	let timer: NodeJS.Timeout | undefined;
	const giveUp = (why: TetradError) => {
		given = why;
		stop.abort();
	};
	try {
		for await (const one of steps) {
			clearTimeout(timer);
			if (one.kind === "bought") continue;
			if (one.kind === "paid") paid();
			if (one.kind === "in-doubt") {
				if (doubtMs === 0) throw one.error;
				// The module says so first, and the key may follow.
				timer = setTimeout(() => giveUp(one.error), doubtMs);
			} else if (one.kind === "waiting" && !waits)
				giveUp(withoutWaiting(one.error));
			else step(one);
		}
	} catch (thrown) {
		throw given ?? thrown;
	} finally {
		clearTimeout(timer);
	}
}

/** What a mint may ask for beside a price, so that both are not more than a buyer wants to pay; nothing for notes. */
export function mostFeeOf(
	{ amount, mint }: Pick<Quote["offer"], "amount" | "mint">,
	maximum: bigint | undefined,
): bigint | undefined {
	if (maximum === undefined || mint === undefined) return undefined;
	const rest = maximum - amount;
	return rest < MAX_AMOUNT ? rest : MAX_AMOUNT;
}

/** Throws `payment-refused` for a price that is more than the buyer wants to pay, with what its mint asks for beside. */
function requireWithin(
	{ offer, fee = 0n }: Quote,
	maximum: bigint | undefined,
): void {
	if (maximum === undefined || offer.amount + fee <= maximum) return;
	const { currency: code, money } = offer;
	const of = { code, exponent: money.exponent };
	const most = maximum > 0n ? formatAmount(maximum, of) : "0";
	throw new TetradError(
		"payment-refused",
		`nothing was paid: it costs ${formatAmount(offer.amount, of)} ${code}${fee === 0n ? "" : ` and a fee of ${formatAmount(fee, of)} that its mint asks for`}, and at most ${most} was to be paid`,
	);
}

/** Who does not wait has given up, and an approval that comes later is of no use. */
function withoutWaiting({ code }: TetradError): TetradError {
	return new TetradError(
		code,
		"the owner of the module has to approve this purchase, and was not waited for; buy it with --wait, and approve it meanwhile",
	);
}

/** Whatever went wrong, what its buyer has to know is that it is or may be paid, and that it goes on. */
function doubtful(error: TetradError, isPaid: boolean): TetradError {
	if (error.code === "payment-in-doubt") return error;
	return new TetradError(
		"payment-in-doubt",
		isPaid
			? error.message
			: `whether it is paid is not known yet; the same quote again, or tetrad resolve, goes on, and nothing is paid twice: ${error.message}`,
		{ cause: error },
	);
}

function reportNotBought(
	quote: Quote | undefined,
	{ code, message: reason }: TetradError,
	report: Report,
): void {
	report({
		event: "purchase",
		state: "not-bought",
		code,
		reason,
		...(quote === undefined ? {} : priceText(quote.offer)),
	});
}
