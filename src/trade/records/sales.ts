import {
	byKey,
	done,
	insert,
	put,
	reading,
	remove,
	type Transaction,
} from "../../machine/index.ts";
import { readReceipt } from "../../money/index.ts";
import { MADE, type MadeRow, SALES, type SaleRow } from "./tables.ts";

const NOTHING: Uint8Array = new Uint8Array();

/** Goods that were made on order and that one buyer may leave unpaid: what is ordered beyond them is not made. */
export const MAX_UNPAID = 3;

/**
 * Keeps a sale, once, and that what was made on order for its contract is paid for. One write, so
 * that no order counts as sold that its owner finds in no list of sales.
 */
export function recordSale(sale: SaleRow): Transaction<undefined> {
	const { contract } = sale;
	return reading(
		[
			byKey(SALES, { contract }),
			{ table: MADE, index: "by_contract", equals: { contract }, limit: 1 },
		],
		([[known], [made]]) =>
			done(
				[
					...(known === undefined ? [insert(SALES, sale)] : []),
					...(made === undefined
						? []
						: [put(MADE, { ...made, state: "sold" })]),
				],
				undefined,
			),
	);
}

/** Device id of the module that was paid, as its receipt says; `undefined` for what is no receipt. */
export function paidModule({
	receipt,
}: Pick<SaleRow, "receipt">): Uint8Array | undefined {
	try {
		return readReceipt(receipt).payee;
	} catch {
		return undefined;
	}
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
