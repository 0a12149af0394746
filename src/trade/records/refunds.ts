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
	/** Which module gives it, for an agent that has several. */
	readonly giver?: RefundGiver | undefined;
}

/** Which of an agent's modules gives a refund that none has owed before. */
export interface RefundGiver {
	/** Its device id. */
	readonly module: Uint8Array;
	/** Whether the agent has the module of that device id: what one owed that is no more there, `module` owes. */
	readonly isThere: (deviceId: Uint8Array) => boolean;
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
	...how
}: NewRefund): Transaction<RefundRow> {
	return reading([ofSale(sale)], ([rows]) => {
		const owed = rows.find(
			(row) => row.state === "owed" && row.amount === amount,
		);
		if (owed !== undefined) {
			const given = givenBy(owed, how);
			return done(given === owed ? [] : [put(REFUNDS, given)], given);
		}
		const given = sum(rows);
		if (given + amount > paid)
			throw new TetradError(
				"invalid-argument",
				`more would be given back than was paid: ${given} of ${paid} minor units are refunded, or owed, already`,
			);
		if (rows.length === MAX_REFUNDS) throw tooMany(amount);
		const row = newRefund({ sale, ...how }, rows.length + 1, amount);
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
	...how
}: Omit<NewRefund, "amount">): Transaction<readonly RefundRow[]> {
	return reading([ofSale(sale)], ([rows]) => {
		const before = rows.filter(({ state }) => state === "owed");
		const owed = before.map((row) => givenBy(row, how));
		const changed = owed.filter((row, at) => row !== before[at]);
		const writes = changed.map((row) => put(REFUNDS, row));
		const rest = paid - sum(rows);
		if (rest <= 0n) return done(writes, owed);
		if (rows.length === MAX_REFUNDS) throw tooMany(rest);
		const row = newRefund({ sale, ...how }, rows.length + 1, rest);
		return done([...writes, put(REFUNDS, row)], [...owed, row]);
	});
}

/** A refund that is owed, with the module that gives it. The one that it was owed by first is asked for it again, so that it is paid once. */
function givenBy(
	row: RefundRow,
	{ giver }: Pick<NewRefund, "giver">,
): RefundRow {
	if (giver === undefined) return row;
	return row.module.length > 0 && giver.isThere(row.module)
		? row
		: { ...row, module: giver.module };
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
	{
		sale,
		now,
		contractOf,
		giver,
	}: Pick<NewRefund, "sale" | "now" | "contractOf" | "giver">,
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
		module: giver?.module ?? NOTHING,
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
		module: NOTHING,
	};
	const { sale, number } = refund;
	return reading([byKey(REFUNDS, { sale, number })], ([[known]]) =>
		done(known === undefined ? [insert(REFUNDS, row)] : [], undefined),
	);
}
