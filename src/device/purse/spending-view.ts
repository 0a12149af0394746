import type { Scan, Store } from "../../machine/index.ts";
import {
	countingRows,
	type LimitsBody,
	purseTables,
	readLimits,
	spendingTables,
	type WhyApproval,
} from "../../money/index.ts";
import { hex } from "../../wire/index.ts";

/*
 * What the owner of a purse lets it pay, what of that is used, and what waits for the owner, as
 * the tables have it at one moment.
 */

const { LIMITS_NAME, META } = purseTables;
const { APPROVALS, SPENT, SPENT_IN_ALL } = spendingTables;

/** What counts of one issuer's money, in minor units. */
interface SpentMoney {
	readonly inDay: bigint;
	/** By the device ids of merchants, in hexadecimal. */
	readonly toMerchants: ReadonlyMap<string, bigint>;
	/** Since the owner has limited how much it may be in all. */
	readonly inAll: bigint;
}

/** A payment that waits for the owner, or that the owner has decided on and that was not made. */
export interface WaitingPayment {
	readonly contract: Uint8Array;
	/** Device ids of the module that is to be paid, and of the issuer. */
	readonly payee: Uint8Array;
	readonly issuer: Uint8Array;
	/** In minor units. */
	readonly amount: bigint;
	/** What its mint asks for beside; zero of notes. What the owner signs is both together. */
	readonly fee: bigint;
	/** What it is for, as the own agent or the merchant says; empty when nobody has said. */
	readonly what: string;
	readonly why: WhyApproval;
	/** Milliseconds since the epoch; `decided` is when the owner's word was signed, and 0 without one. */
	readonly asked: number;
	readonly decided: number;
	readonly state: "waiting" | "approved" | "denied";
}

export interface PurseSpending {
	/** Nothing: it pays all that it has. */
	readonly limits: LimitsBody | undefined;
	/** By the issuer's device id, in hexadecimal. */
	readonly spent: ReadonlyMap<string, SpentMoney>;
	/** The oldest first. */
	readonly waiting: readonly WaitingPayment[];
}

export const NOTHING_SPENT: SpentMoney = {
	inDay: 0n,
	toMerchants: new Map(),
	inAll: 0n,
};

export function viewSpending(
	view: Pick<Store, "snapshot">,
	now: number,
): Promise<PurseSpending> {
	return view.snapshot(async (scan) => {
		let limits: LimitsBody | undefined;
		for await (const { value } of scan({
			table: META,
			equals: { name: LIMITS_NAME },
		}))
			limits = readLimits(value);
		const waiting: WaitingPayment[] = [];
		for await (const row of scan({ table: APPROVALS }))
			waiting.push({
				...row,
				asked: Number(row.asked),
				decided: Number(row.decided),
				why: row.why as WaitingPayment["why"],
				state: row.state as WaitingPayment["state"],
			});
		return {
			limits,
			spent: await spentOf(scan, now),
			waiting: waiting.sort((a, b) => a.asked - b.asked),
		};
	});
}

async function spentOf(
	scan: Scan,
	now: number,
): Promise<Map<string, SpentMoney>> {
	const rows: spendingTables.SpentRow[] = [];
	for await (const row of scan({ table: SPENT })) rows.push(row);
	const byIssuer = Map.groupBy(countingRows(rows, now), ({ issuer }) =>
		hex(issuer),
	);
	const spent = new Map<string, SpentMoney>();
	for (const [issuer, rows] of byIssuer) {
		let inDay = 0n;
		const toMerchants = new Map<string, bigint>();
		for (const { merchant, amount } of rows) {
			inDay += amount;
			const before = toMerchants.get(hex(merchant)) ?? 0n;
			toMerchants.set(hex(merchant), before + amount);
		}
		spent.set(issuer, { ...NOTHING_SPENT, inDay, toMerchants });
	}
	for await (const { issuer, amount: inAll } of scan({ table: SPENT_IN_ALL }))
		spent.set(hex(issuer), {
			...(spent.get(hex(issuer)) ?? NOTHING_SPENT),
			inAll,
		});
	return spent;
}
