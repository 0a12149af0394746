import { TetradError } from "../../errors.ts";
import {
	byKey,
	done,
	insert,
	put,
	reading,
	type Transaction,
} from "../../machine/index.ts";
import { REFUNDS, type RefundRow } from "./tables.ts";

/** Refunds of one sale. */
const MAX_REFUNDS = 1000;

const NOTHING: Uint8Array = new Uint8Array();

/** A refund as its owner asks for it. */
export interface NewRefund {
	/** The hash of the sale's contract. */
	readonly sale: Uint8Array;
	/** What the sale was paid with, and what of it is given back, in minor units. */
	readonly paid: bigint;
	readonly amount: bigint;
	readonly now: number;
	/** What the payment of the refund of that number is for. */
	readonly contractOf: (number: number) => Uint8Array;
}

/**
 * Owes a refund, and answers with it. One of the same amount that is owed already is the same.
 * Throws `invalid-argument` for more than is left of what was paid.
 */
export function oweRefund({
	sale,
	paid,
	amount,
	now,
	contractOf,
}: NewRefund): Transaction<RefundRow> {
	return reading(
		[{ table: REFUNDS, equals: { sale }, limit: MAX_REFUNDS }],
		([rows]) => {
			const owed = rows.find(
				(row) => row.state === "owed" && row.amount === amount,
			);
			if (owed !== undefined) return done([], owed);
			const given = rows.reduce((sum, row) => sum + row.amount, 0n);
			if (given + amount > paid || rows.length === MAX_REFUNDS)
				throw new TetradError(
					"invalid-argument",
					`more would be given back than was paid: ${given} of ${paid} minor units are refunded, or owed, already`,
				);
			const number = rows.length + 1;
			const row: RefundRow = {
				sale,
				number: BigInt(number),
				contract: contractOf(number),
				side: "gives",
				time: BigInt(now),
				amount,
				state: "owed",
				receipt: NOTHING,
				receipt_chain: NOTHING,
			};
			return done([put(REFUNDS, row)], row);
		},
	);
}

/** One refund of a sale, by its number. */
export function readRefund(
	sale: Uint8Array,
	number: number,
): Transaction<RefundRow | undefined> {
	const key = { sale, number: BigInt(number) };
	return reading([byKey(REFUNDS, key)], ([[known]]) => done([], known));
}

/** The refund is paid. */
export function payRefund(refund: RefundRow): Transaction<undefined> {
	return done([put(REFUNDS, { ...refund, state: "paid" })], undefined);
}

/** A refund has come. Told again, nothing changes. */
export function gotRefund(
	refund: Pick<RefundRow, "sale" | "number" | "contract" | "time" | "amount">,
): Transaction<undefined> {
	const row: RefundRow = {
		...refund,
		side: "gets",
		state: "paid",
		receipt: NOTHING,
		receipt_chain: NOTHING,
	};
	const { sale, number } = refund;
	return reading([byKey(REFUNDS, { sale, number })], ([[known]]) =>
		done(known === undefined ? [insert(REFUNDS, row)] : [], undefined),
	);
}
