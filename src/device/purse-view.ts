import {
	type IssuerTerms,
	purseTables,
	type Scan,
	type Store,
} from "../money/index.ts";
import { hex, sameBytes } from "../wire/index.ts";

/*
 * What the owner of a purse sees of it. It is read off the tables at one moment, in the process
 * that has the purse open or beside it.
 */

const { LOG, NOTES, PAYMENTS, RECEIPTS, REQUESTS } = purseTables;

/** What a purse has of one issuer's money, in minor units. */
export interface Balance {
	readonly terms: IssuerTerms;
	/** Left of notes that have not expired. */
	readonly spendable: bigint;
	/** Received, and not yet booked by the issuer. */
	readonly toDeposit: bigint;
	/** Committed to payees of whom nobody knows yet whether they have it. */
	readonly inDoubt: bigint;
	/** Left of notes that have expired; it is claimed from the issuer after its grace. */
	readonly toClaim: bigint;
	/** Withdrawals that the owner has ordered and the issuer has not answered. */
	readonly ordered: bigint;
}

/** A note of which something is left. */
export interface HeldNote {
	/** 32 bytes. */
	readonly id: Uint8Array;
	readonly terms: IssuerTerms;
	readonly value: bigint;
	/** What was not given away. */
	readonly left: bigint;
	/** Milliseconds since the epoch. */
	readonly expires: number;
}

/** One durable change of a purse. */
export interface HistoryEntry {
	/** Of the head that the change made, from 1 on. */
	readonly number: bigint;
	/** Milliseconds since the epoch. */
	readonly time: number;
	readonly what: string;
	/** A contract, a request or a note. */
	readonly subject: Uint8Array;
	/** In minor units. */
	readonly amount: bigint;
	/** Device id of the other module. */
	readonly peer: Uint8Array;
	/** Whose money it is, as far as the purse knows. */
	readonly terms: IssuerTerms | undefined;
}

/** Entries of history that may be asked for at once. */
export const MAX_HISTORY = 10_000;

type View = Pick<Store, "snapshot">;

/** One balance for each issuer, in the same order. */
export function readBalances(
	view: View,
	issuers: readonly IssuerTerms[],
	now: number,
): Promise<Balance[]> {
	return view.snapshot(async (scan) => {
		const sums = issuers.map((terms) => ({
			terms,
			spendable: 0n,
			toDeposit: 0n,
			inDoubt: 0n,
			toClaim: 0n,
			ordered: 0n,
		}));
		const of = (issuer: Uint8Array) =>
			sums.find(({ terms }) => sameBytes(terms.issuer, issuer));
		for await (const note of scan({
			table: NOTES,
			index: "by_state",
			equals: { state: "live" },
		})) {
			const sum = of(note.issuer);
			const left = note.value - note.spent;
			if (sum === undefined) continue;
			if (note.expires > now) sum.spendable += left;
			else sum.toClaim += left;
		}
		for await (const row of scan({
			table: RECEIPTS,
			index: "by_state",
			equals: { state: "to-deposit" },
		})) {
			const sum = of(row.issuer);
			if (sum !== undefined) sum.toDeposit += row.amount;
		}
		for await (const row of scan({
			table: PAYMENTS,
			index: "by_state",
			equals: { state: "committed" },
		})) {
			const sum = of(row.issuer);
			if (sum !== undefined) sum.inDoubt += row.in_doubt;
		}
		for await (const row of scan({
			table: REQUESTS,
			index: "by_issuer",
			equals: { state: "ordered" },
		})) {
			const sum = of(row.issuer);
			if (sum !== undefined && row.kind === "withdraw")
				sum.ordered += row.amount;
		}
		return sums;
	});
}

/** Notes of which something is left; those that expire first come first. */
export async function readNotes(
	view: View,
	issuers: readonly IssuerTerms[],
): Promise<HeldNote[]> {
	const notes = await view.snapshot(async (scan) => {
		const found: HeldNote[] = [];
		for await (const row of scan({
			table: NOTES,
			index: "by_state",
			equals: { state: "live" },
		})) {
			const terms = termsOf(issuers, row.issuer);
			if (terms === undefined) continue;
			found.push({
				id: row.id,
				terms,
				value: row.value,
				left: row.value - row.spent,
				expires: Number(row.expires),
			});
		}
		return found;
	});
	return notes.sort((a, b) => a.expires - b.expires);
}

/** The newest changes, the newest first. */
export function readHistory(
	view: View,
	issuers: readonly IssuerTerms[],
	limit: number,
): Promise<HistoryEntry[]> {
	return view.snapshot(async (scan) => {
		const rows: purseTables.LogRow[] = [];
		if (limit > 0)
			for await (const row of scan({ table: LOG, order: "descending" })) {
				rows.push(row);
				if (rows.length >= Math.min(limit, MAX_HISTORY)) break;
			}
		const entries: HistoryEntry[] = [];
		for (const row of rows) {
			const issuer = await issuerOf(scan, row);
			entries.push({
				number: row.number,
				time: Number(row.time),
				what: row.what,
				subject: row.subject,
				amount: row.amount,
				peer: row.peer,
				terms: issuer && termsOf(issuers, issuer),
			});
		}
		return entries;
	});
}

/** What keeps a purse's module from taking another key: notes are made out to the key that it has. */
export interface Unfinished {
	readonly liveNotes: number;
	readonly toDeposit: number;
	readonly inDoubt: number;
}

export function readUnfinished(view: View): Promise<Unfinished> {
	return view.snapshot(async (scan) => ({
		liveNotes: await count(
			scan({ table: NOTES, index: "by_state", equals: { state: "live" } }),
		),
		toDeposit: await count(
			scan({
				table: RECEIPTS,
				index: "by_state",
				equals: { state: "to-deposit" },
			}),
		),
		inDoubt: await count(
			scan({
				table: PAYMENTS,
				index: "by_state",
				equals: { state: "committed" },
			}),
		),
	}));
}

async function count(rows: AsyncIterable<unknown>): Promise<number> {
	let counted = 0;
	for await (const _ of rows) counted++;
	return counted;
}

/** The log says what changed; the row that it names says of whose money. */
async function issuerOf(
	scan: Scan,
	{ subject }: purseTables.LogRow,
): Promise<Uint8Array | undefined> {
	const rows = [
		scan({ table: PAYMENTS, equals: { contract: subject } }),
		scan({ table: RECEIPTS, equals: { contract: subject } }),
		scan({ table: REQUESTS, equals: { request: subject } }),
		scan({ table: NOTES, equals: { id: subject } }),
	];
	for (const found of rows) for await (const { issuer } of found) return issuer;
	return undefined;
}

function termsOf(
	issuers: readonly IssuerTerms[],
	issuer: Uint8Array,
): IssuerTerms | undefined {
	return issuers.find((terms) => hex(terms.issuer) === hex(issuer));
}
