import { nodeCrypto } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import type { Row, Table } from "../../machine/index.ts";
import type { StoreView } from "../../store/index.ts";
import {
	type Contract,
	type ItemDescription,
	parseContract,
	parseItemDescription,
} from "../../trade/documents/index.ts";
import {
	PURCHASES,
	type PurchaseRow,
	REFUNDS,
	type RefundRow,
	SALES,
	type SaleRow,
} from "../../trade/records/index.ts";
import { hex } from "../../wire/index.ts";
import { readDeviceFile } from "../home/index.ts";
import { hasAgentStore, openAgentView } from "../purse/index.ts";
import { MAX_RECORDS } from "./limits.ts";

/*
 * What the owner of an agent sees of purchases and sales. It is read off the store at one moment,
 * also while the agent runs.
 */

/** A purchase, with what its documents say. */
export interface PurchaseView {
	readonly row: PurchaseRow;
	readonly contract: Contract;
	readonly item: ItemDescription;
}

/** What was bought, the newest first, `limit` at most. */
export async function viewPurchases(
	home: string,
	limit: number,
): Promise<PurchaseView[]> {
	const rows = await newest(home, PURCHASES, limit);
	return rows.map(viewOf);
}

/** How many purchases are not over, and how many refunds are owed, each counted up to `limit`. */
export async function countUnfinished(
	home: string,
	limit: number,
): Promise<{ readonly purchases: number; readonly refunds: number }> {
	const by = "by_state";
	const [purchases = 0, refunds = 0] = await scanned(home, async (scan) => [
		await count(
			scan({ table: PURCHASES, index: by, equals: { state: "provisional" } }),
			limit,
		),
		await count(
			scan({ table: REFUNDS, index: by, equals: { state: "owed" } }),
			limit,
		),
	]);
	return { purchases, refunds };
}

async function count(
	rows: AsyncIterable<unknown>,
	limit: number,
): Promise<number> {
	let counted = 0;
	for await (const _ of rows) if (++counted >= limit) break;
	return counted;
}

/** The newest purchase for which the offer of that id was taken, if there is one. */
export function viewPurchaseOf(
	home: string,
	offer: Uint8Array,
): Promise<PurchaseRow | undefined> {
	return scanned(home, async (scan) => {
		const rows: PurchaseRow[] = [];
		const read = { table: PURCHASES, index: "by_offer", equals: { offer } };
		for await (const row of scan(read)) rows.push(row);
		return rows.toSorted((a, b) => Number(b.time - a.time)).slice(0, 1);
	}).then(([newest]) => newest);
}

/** What was sold, the newest first, `limit` at most. */
export function viewSales(home: string, limit: number): Promise<SaleRow[]> {
	return newest(home, SALES, limit);
}

/** All that was given back, by either side, in order. */
export function viewRefunds(home: string): Promise<RefundRow[]> {
	return scanned(home, async (scan) => {
		const rows: RefundRow[] = [];
		for await (const row of scan({ table: REFUNDS })) rows.push(row);
		return rows;
	});
}

/**
 * The purchase whose contract begins with these hexadecimal digits. Throws `invalid-argument` when
 * there is none, or several.
 */
export async function viewPurchase(
	home: string,
	digits: string,
): Promise<PurchaseView> {
	const found = await beginning(home, PURCHASES, digits);
	return viewOf(one(found, digits, "bought"));
}

/** The sale whose contract begins with these hexadecimal digits. Throws as `viewPurchase`. */
export async function viewSale(home: string, digits: string): Promise<SaleRow> {
	return one(await beginning(home, SALES, digits), digits, "sold");
}

function viewOf(row: PurchaseRow): PurchaseView {
	return {
		row,
		contract: parseContract(nodeCrypto, row.document),
		item: parseItemDescription(row.description),
	};
}

function one<Of>(found: readonly Of[], digits: string, what: string): Of {
	const [first, second] = found;
	if (first === undefined)
		throw new TetradError(
			"invalid-argument",
			`nothing was ${what} here under a contract that begins with ${digits}`,
		);
	if (second !== undefined)
		throw new TetradError(
			"invalid-argument",
			`several contracts begin with ${digits}; give more of its digits`,
		);
	return first;
}

function newest<Of extends typeof PURCHASES.columns | typeof SALES.columns>(
	home: string,
	table: Table<Of>,
	limit: number,
): Promise<Row<Of>[]> {
	return scanned(home, async (scan) => {
		const rows: Row<Of>[] = [];
		const read = { table, index: "by_time", order: "descending" } as const;
		for await (const row of scan(read)) {
			rows.push(row);
			if (rows.length >= Math.min(limit, MAX_RECORDS)) break;
		}
		return rows;
	});
}

function beginning<Of extends typeof PURCHASES.columns | typeof SALES.columns>(
	home: string,
	table: Table<Of>,
	digits: string,
): Promise<Row<Of>[]> {
	return scanned(home, async (scan) => {
		const rows: Row<Of>[] = [];
		for await (const row of scan({ table }))
			if (hex(row.contract).startsWith(digits)) rows.push(row);
		return rows;
	});
}

type Look = Parameters<StoreView["snapshot"]>[0];

/** An agent that has to do with no money has no store. */
async function scanned<Of>(
	home: string,
	look: (scan: Parameters<Look>[0]) => Promise<Of[]>,
): Promise<Of[]> {
	await readDeviceFile(home, "agent");
	if (!(await hasAgentStore(home))) return [];
	await using store = await openAgentView(home);
	return await store.snapshot(look);
}
