/* What an owner sees of a purse, running or not: plain values made of rows of its tables. */

import {
	done,
	type Read,
	type Row,
	type Transaction,
} from "../../machine/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import { type HolderKey, readNote } from "../documents/index.ts";
import { OPEN_ORDERS, OPEN_STATES } from "./ecash-load.ts";
import {
	CLAIMED,
	type ClaimedRow,
	ECASH_ORDERS,
	type EcashOrderRow,
	LOCKED,
	type LockedRow,
	PROOFS,
	type ProofRow,
} from "./ecash-tables.ts";
import { isHeldUnder } from "./purse-book.ts";
import {
	BEHIND_NAME,
	folding,
	idsIn,
	LOG,
	type LogRow,
	MET_NAME,
	META,
	type MetaRow,
	NOTES,
	type NoteRow,
	PAYMENTS,
	type PaymentRow,
	RECEIPTS,
	type ReceiptRow,
} from "./purse-tables.ts";

/** Why notes may not be paid with. What comes first counts. */
export type HeldBecause =
	/** A witness told a head that the purse never had. */
	| "behind"
	/** The store was put back or copied, and the issuer was not met since. */
	| "issuer-not-met"
	/** They were made out to a key that the module had before. */
	| "earlier-key";

/** What a purse has of one issuer's money, in minor units. The sums but `toBook` are together all that it has. */
export interface Balance {
	/** Device id. */
	readonly issuer: Uint8Array;
	readonly currency: string;
	/** Left of notes that have not expired and can be paid with. */
	readonly spendable: bigint;
	/** Left of the other notes that have not expired. */
	readonly held: bigint;
	readonly heldBecause: HeldBecause | undefined;
	/** Received, and not booked at the issuer yet. */
	readonly toDeposit: bigint;
	/** Of transfers that are taken once the issuer has booked all of them. Until then it is no money of this purse. */
	readonly toBook: bigint;
	/** Committed, with no receipt or answer yet. */
	readonly inDoubt: bigint;
	/** Left of notes that have expired. */
	readonly toClaim: bigint;
}

/** By the issuer's device id in hexadecimal. */
export type Balances = ReadonlyMap<string, Balance>;

/** Balances as they are added up, and what holds notes back. */
export interface BalanceView {
	readonly balances: Balances;
	readonly isBehind: boolean;
	/** Device ids, if issuers have to be met. */
	readonly met: readonly Uint8Array[] | undefined;
}

export const NO_BALANCES: BalanceView = {
	balances: new Map(),
	isBehind: false,
	met: undefined,
};

/** One read that a view is made of: each of its rows is added to what there is. */
export interface ViewPart<View> {
	readonly read: Omit<Read, "limit">;
	/** The column after those that `read` fixes; no two rows agree in it. */
	readonly column: string;
	readonly add: (view: View, row: Row) => View;
}

/** For a snapshot: start with `NO_BALANCES`, and add every row of every part. `key` is the module's present one; without it no note is held for another. */
export function balanceParts(
	now: number,
	key?: HolderKey,
): readonly ViewPart<BalanceView>[] {
	const adding =
		<Of extends { issuer: Uint8Array; currency: string }>(
			amounts: (row: Of, view: BalanceView) => Partial<Balance>,
		) =>
		(view: BalanceView, row: Row): BalanceView => ({
			...view,
			balances: addBalance(view.balances, row as Of, amounts(row as Of, view)),
		});
	return [
		{
			read: read({ table: META }),
			column: "name",
			add: (view, row) => addHolding(view, row as MetaRow),
		},
		{
			read: read({
				table: NOTES,
				index: "by_state",
				equals: { state: "live" },
			}),
			column: "id",
			add: adding((note: NoteRow, view) => {
				const left = note.value - note.spent;
				if (note.expires <= BigInt(now)) return { toClaim: left };
				const heldBecause = whyHeld(view, note, key);
				return heldBecause === undefined
					? { spendable: left }
					: { held: left, heldBecause };
			}),
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
				table: RECEIPTS,
				index: "by_state",
				equals: { state: "to-book" },
			}),
			column: "contract",
			add: adding(({ amount }: ReceiptRow) => ({ toBook: amount })),
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
		...ecashParts(),
	];
}

/** A mint stands where an issuer does. What is being claimed of it is as good as received, once the mint has answered. */
function ecashParts(): readonly ViewPart<BalanceView>[] {
	const of = (
		{ mint: issuer, currency }: { mint: Uint8Array; currency: string },
		view: BalanceView,
		amounts: Partial<Balance>,
	): BalanceView => ({
		...view,
		balances: addBalance(view.balances, { issuer, currency }, amounts),
	});
	const inState = (state: string): ViewPart<BalanceView> => ({
		read: read({ table: LOCKED, index: "by_state", equals: { state } }),
		column: "contract",
		add(view, row) {
			const locked = row as LockedRow;
			return of(locked, view, { inDoubt: inDoubtOf(locked) });
		},
	});
	const ordered = (state: string): ViewPart<BalanceView> => ({
		read: read({ table: ECASH_ORDERS, index: "by_state", equals: { state } }),
		column: "request",
		add(view, row) {
			const order = row as EcashOrderRow;
			return of(order, view, orderAmounts(order));
		},
	});
	return [
		{
			read: read({ table: PROOFS }),
			column: "id",
			add(view, row) {
				const proof = row as ProofRow;
				return of(proof, view, { spendable: proof.amount });
			},
		},
		...OPEN_STATES.map(inState),
		...OPEN_ORDERS.map(ordered),
		{
			read: read({
				table: CLAIMED,
				index: "by_state",
				equals: { state: "claiming" },
			}),
			column: "contract",
			add(view, row) {
				const claimed = row as ClaimedRow;
				return of(claimed, view, { toBook: claimed.amount });
			},
		},
	];
}

/** Until the mint has locked it, all that was committed may come back, the change too. */
function inDoubtOf({ state, amount, spends }: LockedRow): bigint {
	return state === "locking" || state === "taking-back" ? spends : amount;
}

/** A token that nobody has redeemed may come back, and so may what is to pay an invoice; what was paid for comes. */
function orderAmounts({
	kind,
	state,
	amount,
	spends,
	token,
}: EcashOrderRow): Partial<Balance> {
	switch (state) {
		case "swapping":
		case "melting":
			return { inDoubt: spends };
		case "sent":
			return { inDoubt: amount };
		case "taking-back":
			return { inDoubt: kind === "send" && token.length > 0 ? amount : spends };
		case "minting":
			return { toBook: amount };
		case "pending":
			return { inDoubt: spends };
		default:
			return {};
	}
}

/** The same from the live store, as of one moment. */
export function readBalances(
	now: number,
	key?: HolderKey,
): Transaction<Balances> {
	return balanceParts(now, key).reduceRight<
		(view: BalanceView) => Transaction<Balances>
	>(
		(then, { read, column, add }) =>
			(view) =>
				folding(read, column, view, (sum, rows) => rows.reduce(add, sum), then),
		({ balances }) => done([], balances),
	)(NO_BALANCES);
}

function addHolding(view: BalanceView, { name, value }: MetaRow): BalanceView {
	switch (name) {
		case BEHIND_NAME:
			return { ...view, isBehind: true };
		case MET_NAME:
			return { ...view, met: idsIn(value) };
		default:
			return view;
	}
}

function whyHeld(
	{ isBehind, met }: BalanceView,
	{ issuer, document }: NoteRow,
	key: HolderKey | undefined,
): HeldBecause | undefined {
	if (isBehind) return "behind";
	if (met !== undefined && !met.some((id) => sameBytes(id, issuer)))
		return "issuer-not-met";
	return key === undefined || isHeldUnder(readNote(document), key)
		? undefined
		: "earlier-key";
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
	/** `used`: nothing is left. `claimed`: the rest went back to the account. `lost`: the issuer has forgotten it. */
	readonly state: "live" | "expired" | "used" | "claimed" | "lost";
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
	balances: Balances,
	{ issuer, currency }: { issuer: Uint8Array; currency: string },
	amounts: Partial<Balance>,
): Balances {
	const before = balances.get(hex(issuer)) ?? noBalance(issuer, currency);
	const sum = (
		name: Exclude<keyof Balance, "issuer" | "currency" | "heldBecause">,
	) => before[name] + (amounts[name] ?? 0n);
	return new Map(balances).set(hex(issuer), {
		issuer,
		currency,
		spendable: sum("spendable"),
		held: sum("held"),
		heldBecause: before.heldBecause ?? amounts.heldBecause,
		toDeposit: sum("toDeposit"),
		toBook: sum("toBook"),
		inDoubt: sum("inDoubt"),
		toClaim: sum("toClaim"),
	});
}

/** Of an issuer of whose money there is none. */
export function noBalance(issuer: Uint8Array, currency: string): Balance {
	return {
		issuer,
		currency,
		spendable: 0n,
		held: 0n,
		heldBecause: undefined,
		toDeposit: 0n,
		toBook: 0n,
		inDoubt: 0n,
		toClaim: 0n,
	};
}
