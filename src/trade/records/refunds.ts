import { TetradError } from "../../errors.ts";
import {
	byKey,
	done,
	insert,
	put,
	type Read,
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
 * Throws `invalid-argument` for more than is left of what was paid, and `limit-exceeded` for a
 * sale with too many refunds.
 */
export function oweRefund({
	sale,
	paid,
	amount,
	now,
	contractOf,
}: NewRefund): Transaction<RefundRow> {
	return reading([ofSale(sale)], ([rows]) => {
		const owed = rows.find(
			(row) => row.state === "owed" && row.amount === amount,
		);
		if (owed !== undefined) return done([], owed);
		const given = sum(rows);
		if (given + amount > paid)
			throw new TetradError(
				"invalid-argument",
				`more would be given back than was paid: ${given} of ${paid} minor units are refunded, or owed, already`,
			);
		if (rows.length === MAX_REFUNDS) throw tooMany(amount);
		const row = newRefund({ sale, now, contractOf }, rows.length + 1, amount);
		return done([put(REFUNDS, row)], row);
	});
}

/**
 * Owes what is left of what a sale was paid with, and answers with all of its refunds that are owed:
 * none, once all is given back. Throws `limit-exceeded` for a sale with too many refunds.
 */
export function oweRest({
	sale,
	paid,
	now,
	contractOf,
}: Omit<NewRefund, "amount">): Transaction<readonly RefundRow[]> {
	return reading([ofSale(sale)], ([rows]) => {
		const owed = rows.filter(({ state }) => state === "owed");
		const rest = paid - sum(rows);
		if (rest <= 0n) return done([], owed);
		if (rows.length === MAX_REFUNDS) throw tooMany(rest);
		const row = newRefund({ sale, now, contractOf }, rows.length + 1, rest);
		return done([put(REFUNDS, row)], [...owed, row]);
	});
}

function tooMany(left: bigint): TetradError {
	return new TetradError(
		"limit-exceeded",
		`a sale has at most ${MAX_REFUNDS} refunds, and ${left} minor units of one are not given back`,
	);
}

/** How much of a purchase has come back, in minor units, and the number of its next refund. */
export function readComeBack(
	sale: Uint8Array,
): Transaction<{ readonly amount: bigint; readonly next: number }> {
	return reading([ofSale(sale)], ([rows]) => {
		const last = rows.reduce(
			(most, { number }) => (number > most ? number : most),
			0n,
		);
		return done([], { amount: sum(rows), next: Number(last) + 1 });
	});
}

function ofSale(sale: Uint8Array): Read<typeof REFUNDS.columns> {
	return { table: REFUNDS, equals: { sale }, limit: MAX_REFUNDS };
}

function sum(rows: readonly RefundRow[]): bigint {
	return rows.reduce((sum, { amount }) => sum + amount, 0n);
}

function newRefund(
	{ sale, now, contractOf }: Pick<NewRefund, "sale" | "now" | "contractOf">,
	number: number,
	amount: bigint,
): RefundRow {
	return {
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
