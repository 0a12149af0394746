/* What an owner sees of a purse, running or not: plain values made of rows of its tables. */

import {
	done,
	type Read,
	type Row,
	type Transaction,
} from "../../machine/index.ts";
import { hex } from "../../wire/index.ts";
import {
	folding,
	LOG,
	type LogRow,
	NOTES,
	type NoteRow,
	PAYMENTS,
	type PaymentRow,
	RECEIPTS,
	type ReceiptRow,
} from "./purse-tables.ts";

/** What a purse has of one issuer's money, in minor units. The four together are all that it has. */
export interface Balance {
	/** Device id. */
	readonly issuer: Uint8Array;
	readonly currency: string;
	/** Left of notes that have not expired. */
	readonly spendable: bigint;
	/** Received, and not booked at the issuer yet. */
	readonly toDeposit: bigint;
	/** Committed, with no receipt or answer yet. */
	readonly inDoubt: bigint;
	/** Left of notes that have expired. */
	readonly toClaim: bigint;
}

/** By the issuer's device id in hexadecimal. */
export type Balances = ReadonlyMap<string, Balance>;

/** One read that a view is made of: each of its rows is added to what there is. */
export interface ViewPart<View> {
	readonly read: Omit<Read, "limit">;
	/** The column after those that `read` fixes; no two rows agree in it. */
	readonly column: string;
	readonly add: (view: View, row: Row) => View;
}

/** For a snapshot: start with an empty map, and add every row of every part. */
export function balanceParts(now: number): readonly ViewPart<Balances>[] {
	const adding =
		<Of>(amounts: (row: Of) => Partial<Balance>) =>
		(view: Balances, row: Row) =>
			addBalance(
				view,
				row as { issuer: Uint8Array; currency: string },
				amounts(row as Of),
			);
	return [
		{
			read: read({
				table: NOTES,
				index: "by_state",
				equals: { state: "live" },
			}),
			column: "id",
			add: adding(({ value, spent, expires }: NoteRow) =>
				expires <= BigInt(now)
					? { toClaim: value - spent }
					: { spendable: value - spent },
			),
		},
		{
			read: read({
				table: RECEIPTS,
				index: "by_state",
				equals: { state: "to-deposit" },
			}),
			column: "contract",
			add: adding(({ amount }: ReceiptRow) => ({ toDeposit: amount })),
		},
		{
			read: read({
				table: PAYMENTS,
				index: "by_state",
				equals: { state: "committed" },
			}),
			column: "contract",
			add: adding(({ in_doubt }: PaymentRow) => ({ inDoubt: in_doubt })),
		},
	];
}

/** The same from the live store, as of one moment. */
export function readBalances(now: number): Transaction<Balances> {
	return balanceParts(now).reduceRight<
		(view: Balances) => Transaction<Balances>
	>(
		(then, { read, column, add }) =>
			(view) =>
				folding(read, column, view, (sum, rows) => rows.reduce(add, sum), then),
		(view) => done([], view),
	)(new Map());
}

export interface NoteView {
	readonly id: Uint8Array;
	readonly issuer: Uint8Array;
	readonly currency: string;
	readonly value: bigint;
	/** What was not given away. */
	readonly left: bigint;
	/** Milliseconds since the epoch. */
	readonly expires: number;
	/** `used`: nothing is left. `claimed`: the rest went back to the account. */
	readonly state: "live" | "expired" | "used" | "claimed";
}

/** All notes that this purse ever had: `noteView` makes something of each row. */
export const NOTES_READ: Omit<Read<typeof NOTES.columns>, "limit"> = {
	table: NOTES,
};

export function noteView(row: NoteRow, now: number): NoteView {
	const { id, issuer, currency, value, spent } = row;
	const expires = Number(row.expires);
	const state = row.state === "live" && expires <= now ? "expired" : row.state;
	return {
		id,
		issuer,
		currency,
		value,
		left: value - spent,
		expires,
		state: state as NoteView["state"],
	};
}

export interface HistoryView {
	/** Of the purse's head after it. */
	readonly number: bigint;
	/** Milliseconds since the epoch. */
	readonly time: number;
	/** As in `What` (purse-tables.ts). */
	readonly what: string;
	/** A contract, a request or a note. */
	readonly subject: Uint8Array;
	readonly amount: bigint;
	/** Device id of the other module. */
	readonly peer: Uint8Array;
}

/** Everything that changed this purse, in order: `historyView` makes something of each row. */
export const HISTORY_READ: Omit<Read<typeof LOG.columns>, "limit"> = {
	table: LOG,
};

export function historyView(row: LogRow): HistoryView {
	const { number, time, what, subject, amount, peer } = row;
	return { number, time: Number(time), what, subject, amount, peer };
}

function read(of: unknown): Omit<Read, "limit"> {
	return of as Omit<Read, "limit">;
}

function addBalance(
	view: Balances,
	{ issuer, currency }: { issuer: Uint8Array; currency: string },
	amounts: Partial<Balance>,
): Balances {
	const before = view.get(hex(issuer)) ?? {
		issuer,
		currency,
		spendable: 0n,
		toDeposit: 0n,
		inDoubt: 0n,
		toClaim: 0n,
	};
	return new Map(view).set(hex(issuer), {
		...before,
		spendable: before.spendable + (amounts.spendable ?? 0n),
		toDeposit: before.toDeposit + (amounts.toDeposit ?? 0n),
		inDoubt: before.inDoubt + (amounts.inDoubt ?? 0n),
		toClaim: before.toClaim + (amounts.toClaim ?? 0n),
	});
}
