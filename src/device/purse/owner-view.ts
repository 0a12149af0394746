import type { Scan, Store } from "../../machine/index.ts";
import {
	type Balance,
	balanceParts,
	ecashTables,
	type Head,
	HISTORY_READ,
	type HistoryView,
	type HolderKey,
	historyView,
	type IssuerTerms,
	NO_BALANCES,
	type NoteView,
	noBalance,
	noteView,
	type OrderBody,
	parseHead,
	purseTables,
	saleTables,
	spendingTables,
} from "../../money/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import { MAX_HISTORY } from "./limits.ts";

/*
 * What the owner of a purse sees of it. It is read off the tables at one moment, in the process
 * that has the purse open or beside it.
 */

const { APPROVALS } = spendingTables;
const { PURCHASES } = saleTables;
const { CLAIMED, ECASH_ORDERS, LOCKED, RECEIVED } = ecashTables;
const {
	BEHIND_NAME,
	isRestoredHead,
	META,
	NOTES,
	PAYMENTS,
	RECEIPTS,
	REQUESTS,
} = purseTables;

/** What a purse has of one issuer's money, in minor units. */
export interface PurseBalance extends Omit<Balance, "issuer" | "currency"> {
	readonly terms: IssuerTerms;
	/** Withdrawals that the owner has ordered and the issuer has not answered; it is no money yet. */
	readonly ordered: bigint;
}

/** A note of which something is left. */
export interface PurseNote
	extends Pick<NoteView, "id" | "value" | "left" | "expires"> {
	readonly terms: IssuerTerms;
}

/** One durable change of a purse. */
export interface PurseChange extends HistoryView {
	/** Whose money it is, as far as the purse knows. */
	readonly terms: IssuerTerms | undefined;
	/**
	 * What it is about, as the own agent or a merchant said; empty when nobody has said. At most
	 * `MAX_PAYMENT_TEXT_BYTES` of UTF-8, in which anything may stand that a peer has written.
	 */
	readonly text: string;
}

/** A withdrawal that the owner has ordered and that is not over. */
export interface PurseOrder {
	/** 16 bytes. */
	readonly request: Uint8Array;
	readonly issuer: Uint8Array;
	readonly amount: bigint;
	/** `waiting` until the purse has taken it down, `taken-down` until its issuer is met, then `sent`: it may have been carried out. */
	readonly state: "waiting" | "taken-down" | "sent";
	/** Whether the owner has cancelled it, which the purse has not taken down yet. */
	readonly isCancelled: boolean;
}

type View = Pick<Store, "snapshot">;

/** Withdrawals that are not over. `waiting` are orders that the purse may not know yet, `cancelled` the request ids, in hexadecimal, that cancellations wait for. */
export function viewOrders(
	view: View,
	{
		waiting,
		cancelled,
	}: {
		readonly waiting: readonly OrderBody[];
		readonly cancelled: ReadonlySet<string>;
	},
): Promise<PurseOrder[]> {
	return view.snapshot(async (scan) => {
		const found: Omit<PurseOrder, "isCancelled">[] = [];
		for await (const { kind, unanswered, ...row } of scan({
			table: REQUESTS,
			index: "by_issuer",
			equals: { state: "ordered" },
		})) {
			const { request, issuer, amount } = row;
			const state = unanswered > 0n ? "sent" : "taken-down";
			if (kind === "withdraw") found.push({ request, issuer, amount, state });
		}
		for (const { request, issuer, amount } of waiting)
			if ((await count(scan({ table: REQUESTS, equals: { request } }))) === 0)
				found.push({ request, issuer, amount, state: "waiting" });
		return found.map((order) => ({
			...order,
			isCancelled: cancelled.has(hex(order.request)),
		}));
	});
}

/** One balance for each issuer, in the same order. `waiting` are orders that the purse may not know yet; `key` is the module's present one. */
export function viewBalances(
	view: View,
	issuers: readonly IssuerTerms[],
	now: number,
	{
		waiting = [],
		key,
	}: {
		readonly waiting?: readonly OrderBody[];
		readonly key?: HolderKey | undefined;
	} = {},
): Promise<PurseBalance[]> {
	return view.snapshot(async (scan) => {
		let found = NO_BALANCES;
		for (const { read, add } of balanceParts(now, key))
			for await (const row of scan(read)) found = add(found, row);
		const ordered = new Map<string, bigint>();
		const order = (issuer: Uint8Array, amount: bigint) =>
			ordered.set(hex(issuer), (ordered.get(hex(issuer)) ?? 0n) + amount);
		for await (const { kind, issuer, amount } of scan({
			table: REQUESTS,
			index: "by_issuer",
			equals: { state: "ordered" },
		}))
			if (kind === "withdraw") order(issuer, amount);
		for (const { request, issuer, amount } of waiting)
			if ((await count(scan({ table: REQUESTS, equals: { request } }))) === 0)
				order(issuer, amount);
		return issuers.map((terms) => {
			const id = hex(terms.issuer);
			const {
				issuer: _,
				currency: __,
				...sums
			} = found.balances.get(id) ??
			noBalance(terms.issuer, terms.currency.code);
			return { terms, ...sums, ordered: ordered.get(id) ?? 0n };
		});
	});
}

/** Notes of which something is left; those that expire first come first. */
export async function viewNotes(
	view: View,
	issuers: readonly IssuerTerms[],
	now: number,
): Promise<PurseNote[]> {
	const notes = await view.snapshot(async (scan) => {
		const found: PurseNote[] = [];
		for await (const row of scan({
			table: NOTES,
			index: "by_state",
			equals: { state: "live" },
		})) {
			const { id, issuer, value, left, expires } = noteView(row, now);
			const terms = termsOf(issuers, issuer);
			if (terms !== undefined) found.push({ id, terms, value, left, expires });
		}
		return found;
	});
	return notes.sort((a, b) => a.expires - b.expires);
}

/** The newest changes, the newest first. */
export function viewHistory(
	view: View,
	issuers: readonly IssuerTerms[],
	limit: number,
): Promise<PurseChange[]> {
	return view.snapshot(async (scan) => {
		const changes: HistoryView[] = [];
		if (limit > 0)
			for await (const row of scan({ ...HISTORY_READ, order: "descending" })) {
				changes.push(historyView(row));
				if (changes.length >= Math.min(limit, MAX_HISTORY)) break;
			}
		const named: PurseChange[] = [];
		for (const change of changes) {
			const { issuer, text } = await aboutOf(scan, change.subject);
			const terms = issuer && termsOf(issuers, issuer);
			named.push({ ...change, terms, text });
		}
		return named;
	});
}

/** What a purse is behind. */
export interface Behind {
	/** The head of a witness that the purse never had; of a restored purse, what the order that overrides its restore names. */
	readonly record: Head;
	/** Whether it is held because it was restored from a backup. */
	readonly isRestored: boolean;
}

/** Nothing while the purse is not behind. */
export function viewBehind(view: View): Promise<Behind | undefined> {
	return view.snapshot(async (scan) => {
		const named = { table: META, equals: { name: BEHIND_NAME } };
		for await (const { value } of scan(named)) {
			const record = parseHead(value);
			return { record, isRestored: isRestoredHead(record) };
		}
		return undefined;
	});
}

/** What keeps a purse's module from taking another key: notes are made out to the key that it has. */
export interface Unfinished {
	readonly liveNotes: number;
	readonly toDeposit: number;
	/** Transfers that are taken only once their issuer has booked them. */
	readonly toBook: number;
	readonly inDoubt: number;
	/** Requests that an issuer has not answered: a note that it makes for one is made out to the key that asked. */
	readonly unanswered: number;
}

export function viewUnfinished(view: View): Promise<Unfinished> {
	return view.snapshot(async (scan) => ({
		liveNotes: await count(
			scan({ table: NOTES, index: "by_state", equals: { state: "live" } }),
		),
		toDeposit: await countReceipts(scan, "to-deposit"),
		toBook: await countReceipts(scan, "to-book"),
		inDoubt: await count(
			scan({
				table: PAYMENTS,
				index: "by_state",
				equals: { state: "committed" },
			}),
		),
		unanswered: await unanswered(scan),
	}));
}

function countReceipts(
	scan: Scan,
	state: "to-deposit" | "to-book",
): Promise<number> {
	const read = { table: RECEIPTS, index: "by_state", equals: { state } };
	return count(scan(read));
}

/** Without orders to give everything back, which are asked for as exchanges. */
async function unanswered(scan: Scan): Promise<number> {
	let counted = 0;
	for await (const { kind } of scan({
		table: REQUESTS,
		index: "by_issuer",
		equals: { state: "ordered" },
	}))
		if (kind !== "give-back") counted++;
	return counted;
}

async function count(
	rows: AsyncIterable<unknown>,
	limit = Number.POSITIVE_INFINITY,
): Promise<number> {
	let counted = 0;
	for await (const _ of rows) if (++counted >= limit) break;
	return counted;
}

/** How much of each kind a purse has to do yet, each counted up to a limit. */
export interface PurseQueues {
	readonly toDeposit: number;
	readonly toBook: number;
	/** Payments of which it is not known whether the other module has them. */
	readonly inDoubt: number;
	/** What issuers have not answered. */
	readonly unanswered: number;
	/** Payments that wait for the owner. */
	readonly approvals: number;
}

export function viewQueues(view: View, limit: number): Promise<PurseQueues> {
	return view.snapshot(async (scan) => {
		const receipts = (state: "to-deposit" | "to-book") =>
			count(
				scan({ table: RECEIPTS, index: "by_state", equals: { state } }),
				limit,
			);
		const [index, state] = ["by_state", "committed"] as const;
		const committed = { table: PAYMENTS, index, equals: { state } } as const;
		return {
			toDeposit: await receipts("to-deposit"),
			toBook: await receipts("to-book"),
			inDoubt: await count(scan(committed), limit),
			unanswered: await unanswered(scan),
			approvals: await count(waiting(scan), limit),
		};
	});
}

async function* waiting(scan: Scan): AsyncIterable<unknown> {
	for await (const row of scan({ table: APPROVALS }))
		if (row.state === "waiting") yield row;
}

/** What the rows say that a change is about. */
interface About {
	/** Device id. */
	readonly issuer?: Uint8Array;
	readonly text: string;
}

/** The log says what changed; the row that it names says of whose money, and for what. */
async function aboutOf(scan: Scan, subject: Uint8Array): Promise<About> {
	const equals = { contract: subject };
	const told = [
		scan({ table: PAYMENTS, equals }),
		scan({ table: RECEIPTS, equals }),
		scan({ table: APPROVALS, equals }),
	];
	for (const rows of told)
		for await (const { issuer, what } of rows)
			return { issuer, text: what || (await itemOf(scan, subject)) };
	for await (const { mint: issuer, what } of scan({ table: LOCKED, equals }))
		return { issuer, text: what };
	const ofRequest = { request: subject };
	const atMints = [
		scan({ table: CLAIMED, equals }),
		scan({ table: ECASH_ORDERS, equals: ofRequest }),
		scan({ table: RECEIVED, equals: ofRequest }),
	];
	for (const rows of atMints)
		for await (const { mint: issuer } of rows) return { issuer, text: "" };
	for await (const { issuer } of scan({
		table: REQUESTS,
		equals: { request: subject },
	}))
		return { issuer, text: "" };
	for await (const { issuer } of scan({
		table: NOTES,
		equals: { id: subject },
	}))
		return { issuer, text: "" };
	return { text: "" };
}

/** Of a purchase from before payments had texts. */
async function itemOf(scan: Scan, contract: Uint8Array): Promise<string> {
	const rows = scan({ table: PURCHASES, equals: { contract } });
	for await (const { item } of rows) return item;
	return "";
}

function termsOf(
	issuers: readonly IssuerTerms[],
	issuer: Uint8Array,
): IssuerTerms | undefined {
	return issuers.find((terms) => sameBytes(terms.issuer, issuer));
}
