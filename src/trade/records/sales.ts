import {
	byKey,
	done,
	insert,
	put,
	reading,
	remove,
	type Transaction,
} from "../../machine/index.ts";
import { MADE, type MadeRow, SALES, type SaleRow } from "./tables.ts";

const NOTHING: Uint8Array = new Uint8Array();

/** Goods that were made on order and that one buyer may leave unpaid: what is ordered beyond them is not made. */
export const MAX_UNPAID = 3;

/** Keeps a sale, once. */
export function recordSale(sale: SaleRow): Transaction<undefined> {
	const { contract } = sale;
	return reading([byKey(SALES, { contract })], ([[known]]) =>
		done(known === undefined ? [insert(SALES, sale)] : [], undefined),
	);
}

/** The sale under that contract. */
export function readSale(
	contract: Uint8Array,
): Transaction<SaleRow | undefined> {
	return reading([byKey(SALES, { contract })], ([[known]]) => done([], known));
}

/**
 * Remembers goods before they are made: work that is begun counts as work that was done. Whether
 * they may be: a buyer who has left `MAX_UNPAID` unpaid gets nothing more made.
 */
export function beginMade(
	made: Omit<MadeRow, "contract" | "state">,
): Transaction<boolean> {
	const { id, buyer } = made;
	return reading(
		[
			byKey(MADE, { id }),
			{
				table: MADE,
				index: "by_buyer",
				equals: { buyer, state: "unpaid" },
				limit: MAX_UNPAID,
			},
		],
		([[known], unpaid]) => {
			if (known !== undefined) return done([], true);
			if (unpaid.length >= MAX_UNPAID) return done([], false);
			const row = { ...made, contract: NOTHING, state: "unpaid" };
			return done([insert(MADE, row)], true);
		},
	);
}

/** The contract is signed under which they are sold. Goods that were not made on order have no row, and none is made. */
export function contractMade(
	id: Uint8Array,
	contract: Uint8Array,
): Transaction<undefined> {
	return reading([byKey(MADE, { id })], ([[known]]) =>
		done(
			known === undefined ? [] : [put(MADE, { ...known, contract })],
			undefined,
		),
	);
}

/** That contract was paid for. */
export function settleMade(contract: Uint8Array): Transaction<undefined> {
	return reading(
		[{ table: MADE, index: "by_contract", equals: { contract }, limit: 1 }],
		([[known]]) =>
			done(
				known === undefined ? [] : [put(MADE, { ...known, state: "sold" })],
				undefined,
			),
	);
}

/** Takes away what was made before that time, at most `limit` of it, and answers with the ids. */
export function forgetMade(
	before: number,
	limit: number,
): Transaction<readonly Uint8Array[]> {
	return reading(
		[{ table: MADE, index: "by_time", below: BigInt(before), limit }],
		([rows]) =>
			done(
				rows.map(({ id }) => remove(MADE, { id })),
				rows.map(({ id }) => id),
			),
	);
}
