import {
	byKey,
	done,
	insert,
	put,
	reading,
	type Transaction,
} from "../../machine/index.ts";
import { MADE, type MadeRow, SALES, type SaleRow } from "./tables.ts";

/** Goods that were made on order and that one buyer may leave unpaid: what is ordered beyond them is not made. */
export const MAX_UNPAID = 3;

/** Keeps a sale, once. */
export function recordSale(sale: SaleRow): Transaction<undefined> {
	const { contract } = sale;
	return reading([byKey(SALES, { contract })], ([[known]]) =>
		done(known === undefined ? [insert(SALES, sale)] : [], undefined),
	);
}

/** How many goods were made for that buyer that it has not paid for, as far as `MAX_UNPAID`. */
export function countUnpaid(buyer: Uint8Array): Transaction<number> {
	return reading(
		[
			{
				table: MADE,
				index: "by_buyer",
				equals: { buyer, state: "unpaid" },
				limit: MAX_UNPAID,
			},
		],
		([rows]) => done([], rows.length),
	);
}

/** Remembers goods before they are made: work that is begun counts as work that was done. */
export function recordMade(
	made: Omit<MadeRow, "state">,
): Transaction<undefined> {
	return reading([byKey(MADE, { id: made.id })], ([[known]]) =>
		done(
			known === undefined ? [insert(MADE, { ...made, state: "unpaid" })] : [],
			undefined,
		),
	);
}

/** They were paid for. Goods that were not made on order have no row, and none is made. */
export function settleMade(id: Uint8Array): Transaction<undefined> {
	return reading([byKey(MADE, { id })], ([[known]]) =>
		done(
			known === undefined ? [] : [put(MADE, { ...known, state: "sold" })],
			undefined,
		),
	);
}
