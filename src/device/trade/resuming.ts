/* Going on with what was bought and is not over. */
import { asTetradError, type TetradError } from "../../errors.ts";
import type { CertifiedDevice } from "../../identity/index.ts";
import {
	type PurchaseRow,
	readProvisional,
	readPurchase,
} from "../../trade/records/index.ts";
import { hex } from "../../wire/index.ts";
import type { AgentStore } from "../purse/index.ts";
import type { Buyer, BuyStep } from "./buyer.ts";
import type { Calling } from "./calling.ts";
import { MAX_RESUMED } from "./limits.ts";
import {
	requireMerchant,
	requireModule,
	type SoldElsewhere,
	whereIs,
} from "./merchant-modules.ts";
import { leave } from "./standing-tetrads.ts";
import type { TradeOptions } from "./trade-options.ts";
import { purchasesUnderWay } from "./under-way.ts";

/** What became of a purchase that was gone on with. */
export interface ResumedPurchase {
	/** As it is kept now. */
	readonly purchase: PurchaseRow;
	/** Why it is not over yet, or has no goods. */
	readonly error: TetradError | undefined;
}

/** How purchases are gone on with in one tetrad. */
export interface ResumeOptions {
	readonly signal?: AbortSignal | undefined;
	readonly step?: (purchase: PurchaseRow, step: BuyStep) => void;
	/** How long to wait for what is in doubt at first, in milliseconds: not at all unless given. */
	readonly doubtMs?: number;
	/** Whether one is gone on with there; all are unless given. */
	readonly isOf?: (purchase: PurchaseRow) => boolean;
}

/** Goes on with everything that was bought, is not over and is not under way here, as far as that can be in one tetrad. */
export async function resumeAll(
	buyer: Buyer,
	store: AgentStore,
	{
		signal,
		step = () => {},
		doubtMs = 0,
		isOf = () => true,
	}: ResumeOptions = {},
): Promise<readonly ResumedPurchase[]> {
	const rows = await store.transact(readProvisional(MAX_RESUMED));
	const underWay = purchasesUnderWay(store);
	const left = rows.filter(
		(row) => !underWay.has(hex(row.contract)) && isOf(row),
	);
	return Promise.all(
		left.map(async (row) => {
			let error: TetradError | undefined;
			try {
				await resumeUntilDoubt(buyer, row, { step, doubtMs, signal });
			} catch (thrown) {
				error = asTetradError(thrown);
			}
			const purchase = await store.transact(readPurchase(row.contract));
			return { purchase: purchase ?? row, error };
		}),
	);
}

/** What was bought of the same merchant, and paid to another of its modules, goes on where that one is met. */
export async function resumeElsewhere(
	calling: Calling,
	store: AgentStore,
	{
		buyer,
		merchant,
		address,
	}: {
		readonly buyer: Buyer;
		readonly merchant: CertifiedDevice;
		readonly address: string;
	},
	{ module, contracts }: SoldElsewhere,
	options: TradeOptions,
	how: ResumeOptions,
): Promise<readonly ResumedPurchase[]> {
	const isOf = ({ contract }: PurchaseRow) => contracts.has(hex(contract));
	let there: Buyer | undefined;
	let error: TetradError | undefined;
	try {
		const at = await whereIs(buyer, module, address, options.signal);
		if (at !== undefined) {
			there = await calling.meet(at, options, address);
			requireMerchant(there, merchant, at);
			requireModule(there, module, at);
			return await resumeAll(there, store, { ...how, isOf });
		}
		if (buyer.tetrad.ended) {
			// Whoever does not know the question has closed the tetrad at it.
			there = await calling.meet(address, options);
			requireMerchant(there, merchant, address);
			return await resumeAll(there, store, { ...how, isOf });
		}
	} catch (thrown) {
		error = asTetradError(thrown);
	} finally {
		if (there !== undefined) await leave(there);
	}
	// The own module tells what became of it, as far as it knows.
	const resumed = await resumeAll(buyer, store, { ...how, isOf });
	return resumed.map((one) =>
		one.error === undefined || error === undefined ? one : { ...one, error },
	);
}

/** What stays in doubt is waited for no longer than that: the next meeting tells. */
async function resumeUntilDoubt(
	buyer: Buyer,
	row: PurchaseRow,
	{
		step,
		doubtMs,
		signal,
	}: {
		readonly step: (purchase: PurchaseRow, step: BuyStep) => void;
		readonly doubtMs: number;
		readonly signal: AbortSignal | undefined;
	},
): Promise<void> {
	const doubt = Promise.withResolvers<never>();
	doubt.promise.catch(() => {});
	let timer: NodeJS.Timeout | undefined;
	const resuming = buyer.resume(
		row,
		(one) => {
			step(row, one);
			// The module says so first, also while it pays again, and the key may follow.
			clearTimeout(timer);
			if (one.kind === "in-doubt")
				timer = setTimeout(() => doubt.reject(one.error), doubtMs);
			if (one.kind === "waiting") doubt.reject(one.error);
		},
		signal,
	);
	resuming.catch(() => {});
	try {
		await Promise.race([resuming, doubt.promise]);
	} finally {
		clearTimeout(timer);
	}
}
