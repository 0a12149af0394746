/* Requests to an issuer as they come about. Each is durable before it is sent. */
import type { CryptoProvider } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import {
	byKey,
	insert,
	MAX_READ_ROWS,
	put,
	type Read,
	reading,
	remove,
	type Transaction,
	type Write,
} from "../../machine/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import {
	MAX_PIECES,
	message,
	parseList,
	REQUEST_ID_BYTES,
	readNote,
	WITH_ISSUER,
} from "../documents/index.ts";
import { chainList, isExchange } from "./commit-transfer.ts";
import type { PurseCore } from "./purse-core.ts";
import { MAX_OPEN_REQUESTS, MAX_REQUESTS_IN_FLIGHT } from "./purse-limits.ts";
import {
	type Change,
	type Changed,
	changing,
	type LogEntry,
	NOTES,
	type NoteRow,
	PAYMENTS,
	type PaymentRow,
	RECEIPTS,
	REQUESTS,
	type ReceiptRow,
	type RequestRow,
	type RequestRowKind,
	unchanged,
} from "./purse-tables.ts";

const NOTHING: Uint8Array = new Uint8Array();

export function newRequest(
	of: Pick<RequestRow, "request" | "issuer" | "amount" | "message"> & {
		readonly kind: RequestRowKind;
		/** Nothing for a withdrawal and an order to give back. */
		readonly subject?: Uint8Array;
	},
): RequestRow {
	return {
		subject: NOTHING,
		...of,
		state: "ordered",
		outcome: NOTHING,
		unanswered: 0n,
		declined_heard: 0n,
		declined_seen: 0n,
	};
}

/** Requests to that issuer that have no answer yet. */
function openOf(
	issuer: Uint8Array,
	limit: number,
): Read<typeof REQUESTS.columns> {
	return {
		table: REQUESTS,
		index: "by_issuer",
		equals: { state: "ordered", issuer },
		limit,
	};
}

/** Takes an owner's order down, once for each request id. */
export function orderRequest(
	{ options, now }: PurseCore,
	row: RequestRow,
): Transaction<Changed<{ readonly isNew: boolean }>> {
	return changing(
		options.context.crypto,
		now,
		[
			byKey(REQUESTS, { request: row.request }),
			openOf(row.issuer, MAX_OPEN_REQUESTS),
		],
		([[known], open]): Change<{ readonly isNew: boolean }> => {
			if (known !== undefined) return unchanged({ isNew: false });
			if (open.length >= MAX_OPEN_REQUESTS)
				throw new TetradError(
					"busy",
					"too many orders wait for that issuer; meet it first",
				);
			const { request: subject, amount, issuer: peer } = row;
			return {
				entries: [{ what: "ordered", subject, amount, peer }],
				writes: [insert(REQUESTS, row)],
				result: { isNew: true },
			};
		},
	);
}

/** Whether an order is cancelled now, or was before. */
export interface Cancelled {
	readonly isDone: boolean;
}

/**
 * Takes an order back that was never sent; one that the purse does not know yet will not be carried
 * out when it comes. What may have been sent may have been carried out, and stays.
 */
export function cancelRequest(
	{ options, now }: PurseCore,
	order: RequestRow,
): Transaction<Changed<Cancelled>> {
	return changing(
		options.context.crypto,
		now,
		[byKey(REQUESTS, { request: order.request })],
		([[known]]): Change<Cancelled> => {
			const row = known ?? order;
			if (row.state === "cancelled") return unchanged({ isDone: true });
			const isUnsent = row.state === "ordered" && row.unanswered === 0n;
			if (row.kind !== "withdraw" || !isUnsent)
				return unchanged({ isDone: false });
			const { request: subject, amount, issuer: peer } = row;
			return {
				entries: [{ what: "cancelled", subject, amount, peer }],
				writes: [put(REQUESTS, { ...row, state: "cancelled" })],
				result: { isDone: true },
			};
		},
	);
}

/**
 * Requests that are sent again. A claim goes when its note was paid with since, which a clock that
 * was set right allows: it would claim what is committed. What is left is claimed in another one.
 * That a withdrawal is sent is durable before it is: its answer may be lost. `withdraws` says
 * whether withdrawals are sent at all.
 */
export function openRequests(
	{ options, now }: PurseCore,
	issuer: Uint8Array,
	{ withdraws }: { readonly withdraws: boolean },
): Transaction<Changed<readonly RequestRow[]>> {
	return reading([openOf(issuer, MAX_READ_ROWS)], ([found]) => {
		const rows = found
			.filter(({ kind }) => withdraws || kind !== "withdraw")
			.map((row) =>
				row.kind === "withdraw"
					? { ...row, unanswered: row.unanswered + 1n }
					: row,
			);
		const claims = rows.filter(({ kind }) => kind === "claim");
		return changing(
			options.context.crypto,
			now,
			claims.map(({ subject: id }) => byKey(NOTES, { id })),
			(notes) => {
				const stale = new Set(
					claims.filter(({ amount }, i) => {
						const [note] = notes[i] ?? [];
						return note === undefined || amount !== leftToClaim(note);
					}),
				);
				return {
					entries: entriesOf("declined", [...stale]),
					writes: [
						...[...stale].map(({ request }) => remove(REQUESTS, { request })),
						...rows
							.filter(({ kind }) => kind === "withdraw")
							.map((row) => put(REQUESTS, row)),
					],
					result: rows.filter((row) => !stale.has(row)),
				};
			},
		);
	});
}

function leftToClaim({ state, value, spent }: NoteRow): bigint {
	return state === "live" ? value - spent : 0n;
}

/** Requests for received transfers, and above which contract there may be more; nothing when there are no more. */
export interface NewDeposits {
	readonly rows: readonly RequestRow[];
	readonly above: Uint8Array | undefined;
	/** Those among them that were given up while the own clock was ahead. */
	readonly again: readonly ReceiptRow[];
}

function receivedIn(
	state: "to-deposit" | "to-book" | "refused",
	issuer: Uint8Array,
	above: Uint8Array,
): Read<typeof RECEIPTS.columns> {
	const equals = { state, issuer };
	const limit = MAX_REQUESTS_IN_FLIGHT;
	return { table: RECEIPTS, index: "by_issuer", equals, above, limit };
}

/**
 * Makes requests of received transfers that have none, and of those that were given up by an own
 * clock that was ahead: by the clock as it is now, their issuer still books them.
 */
export function depositRequests(
	{ options, now, chains }: PurseCore,
	issuer: Uint8Array,
	graceMs: number,
	above: Uint8Array,
): Transaction<Changed<NewDeposits>> {
	const { crypto } = options.context;
	const ids = freshIds(crypto);
	return changing(
		crypto,
		now,
		[
			receivedIn("to-deposit", issuer, above),
			receivedIn("to-book", issuer, above),
			receivedIn("refused", issuer, above),
		],
		(all) => {
			const found = all
				.flat()
				.toSorted((a, b) => (hex(a.contract) < hex(b.contract) ? -1 : 1))
				.slice(0, MAX_REQUESTS_IN_FLIGHT);
			const again = found.filter(
				(receipt) =>
					isPaymentGivenUp(receipt) && bookableUntil(receipt, graceMs) > now,
			);
			const fresh = found.filter(
				(receipt) =>
					again.includes(receipt) ||
					(receipt.state !== "refused" && receipt.request.length === 0),
			);
			const writes: Write[] = [];
			const rows = fresh.map((receipt, i) => {
				const request = ids[i] as Uint8Array;
				const { transfer, notes, contract: subject, amount } = receipt;
				const row = newRequest({
					request,
					kind: "deposit",
					issuer,
					subject,
					amount,
					message: message(WITH_ISSUER.deposit, {
						request,
						transfer,
						notes: parseList(notes, MAX_PIECES),
						chains: chainList(receipt.chains, chains),
						terms: receipt.terms,
					}),
				});
				writes.push(insert(REQUESTS, row));
				const state = again.includes(receipt) ? "to-deposit" : receipt.state;
				writes.push(put(RECEIPTS, { ...receipt, request, state }));
				return row;
			});
			return {
				entries: entriesOf("depositing", rows),
				writes,
				result: {
					rows,
					again,
					above:
						found.length < MAX_REQUESTS_IN_FLIGHT
							? undefined
							: found.at(-1)?.contract,
				},
			};
		},
	);
}

/**
 * Whether it counted as received and was given up since. Of one that did not, and of a sale, the
 * payer asks the issuer what became of it, or hands it in.
 */
function isPaymentGivenUp(receipt: ReceiptRow): boolean {
	return (
		receipt.state === "refused" &&
		receipt.receipt.length > 0 &&
		receipt.terms.length === 0 &&
		receipt.archive.length === 0
	);
}

/** Makes requests for notes of which something is left, and whose expiry and grace are over, apart from `unwanted`, whose ids are in hexadecimal. */
export function claimRequests(
	{ options, now, book, chains }: PurseCore,
	issuer: Uint8Array,
	graceMs: number,
	unwanted: ReadonlySet<string>,
): Transaction<Changed<readonly RequestRow[]>> {
	const { crypto } = options.context;
	const requests = freshIds(crypto);
	const wanted = book
		.expired(issuer, now - graceMs)
		.filter(({ id }) => !unwanted.has(hex(id)))
		.slice(0, MAX_REQUESTS_IN_FLIGHT);
	return changing(
		crypto,
		now,
		wanted.map(({ id }) => byKey(NOTES, { id })),
		(found) => {
			const rows = found
				.flat()
				.filter(({ state }) => state === "live")
				.map((note, i) => claimOf(note, requests[i] as Uint8Array, chains));
			return {
				entries: entriesOf("claiming", rows),
				writes: rows.map((row) => insert(REQUESTS, row)),
				result: rows,
			};
		},
	);
}

/**
 * Makes requests that resolve what was committed and can be booked no more, by the own clock: its
 * expiry and grace are over, or it went back to the issuer in an exchange that was declined for
 * good. Contracts in `unwanted`, in hexadecimal, are left out.
 */
export function resolveRequests(
	{ options, now, chains }: PurseCore,
	issuer: Uint8Array,
	graceMs: number,
	unwanted: ReadonlySet<string>,
): Transaction<Changed<readonly RequestRow[]>> {
	const { crypto } = options.context;
	const requests = freshIds(crypto);
	return changing(
		crypto,
		now,
		[COMMITTED, openOf(issuer, MAX_READ_ROWS)],
		([payments, open]) => {
			const waiting = new Map(
				open.map(({ subject, kind }) => [hex(subject), kind]),
			);
			const isOver = (payment: PaymentRow): boolean => {
				const asked = waiting.get(hex(payment.contract));
				if (asked === "resolve") return false;
				if (asked === undefined && isExchange(payment)) return true;
				return bookableUntil(payment, graceMs) <= now;
			};
			const rows = payments
				.filter(
					(payment) =>
						payment.in_doubt > 0n &&
						sameBytes(payment.issuer, issuer) &&
						!unwanted.has(hex(payment.contract)) &&
						isOver(payment),
				)
				.slice(0, MAX_REQUESTS_IN_FLIGHT)
				.map((payment, i) =>
					resolveOf(payment, requests[i] as Uint8Array, chains),
				);
			return {
				entries: entriesOf("resolving", rows),
				writes: rows.map((row) => insert(REQUESTS, row)),
				result: rows,
			};
		},
	);
}

/** Requests that hand sales in, and where there may be more; nothing when there are no more. */
export interface NewSaleResolutions {
	readonly rows: readonly RequestRow[];
	readonly next: SalesCursor | undefined;
}

/** Sales in that state with contracts above this one. */
export interface SalesCursor {
	readonly state: "committed" | "keyed";
	readonly above: Uint8Array;
}

export const FIRST_SALES: SalesCursor = { state: "committed", above: NOTHING };

/** Makes requests of sales that their issuer may not have booked: for a key that has not come, and so that whoever gave one is paid. Contracts in `unwanted`, in hexadecimal, are left out. */
export function saleRequests(
	{ options, now, chains }: PurseCore,
	issuer: Uint8Array,
	{ state, above }: SalesCursor,
	unwanted: ReadonlySet<string>,
): Transaction<Changed<NewSaleResolutions>> {
	const { crypto } = options.context;
	const requests = freshIds(crypto);
	const page: Read<typeof PAYMENTS.columns> = {
		table: PAYMENTS,
		index: "by_state",
		equals: { state },
		above,
		limit: MAX_REQUESTS_IN_FLIGHT,
	};
	return changing(
		crypto,
		now,
		[page, openOf(issuer, MAX_READ_ROWS)],
		([payments, open]): Change<NewSaleResolutions> => {
			const waiting = new Set(open.map(({ subject }) => hex(subject)));
			const rows = payments
				.filter(
					({ contract, key_hash, ...payment }) =>
						key_hash.length > 0 &&
						sameBytes(payment.issuer, issuer) &&
						!waiting.has(hex(contract)) &&
						!unwanted.has(hex(contract)),
				)
				.map((payment, i) =>
					resolveOf(payment, requests[i] as Uint8Array, chains),
				);
			const last = payments.at(-1);
			const next: SalesCursor | undefined =
				last !== undefined && payments.length >= MAX_REQUESTS_IN_FLIGHT
					? { state, above: last.contract }
					: state === "committed"
						? { state: "keyed", above: NOTHING }
						: undefined;
			return {
				entries: entriesOf("resolving", rows),
				writes: rows.map((row) => insert(REQUESTS, row)),
				result: { rows, next },
			};
		},
	);
}

function resolveOf(
	{ transfer, notes, ...payment }: PaymentRow,
	request: Uint8Array,
	chains: ReadonlyMap<string, Uint8Array>,
): RequestRow {
	const { issuer, contract: subject, amount } = payment;
	return newRequest({
		request,
		kind: "resolve",
		issuer,
		subject,
		amount,
		message: message(WITH_ISSUER.resolve, {
			request,
			transfer,
			notes: parseList(notes, MAX_PIECES),
			chains: chainList(payment.chains, chains),
			terms: payment.terms,
		}),
	});
}

/** When a transfer of these notes is booked no more: the first of them has expired, and the grace is over. */
export function bookableUntil(
	{ notes }: Pick<PaymentRow, "notes">,
	graceMs: number,
): number {
	const expiries = parseList(notes, MAX_PIECES).map(
		(document) => readNote(document).expires,
	);
	return Math.min(...expiries) + graceMs;
}

/** Request ids for one batch, drawn before the transaction: what it does is the same however often it is run. */
function freshIds(crypto: CryptoProvider): readonly Uint8Array[] {
	return Array.from({ length: MAX_REQUESTS_IN_FLIGHT }, () =>
		crypto.random(REQUEST_ID_BYTES),
	);
}

/** Payments that are committed and not settled; their number is limited. */
const COMMITTED: Read<typeof PAYMENTS.columns> = {
	table: PAYMENTS,
	index: "by_state",
	equals: { state: "committed" },
	limit: MAX_READ_ROWS,
};

function claimOf(
	note: NoteRow,
	request: Uint8Array,
	chains: ReadonlyMap<string, Uint8Array>,
): RequestRow {
	return newRequest({
		request,
		kind: "claim",
		issuer: note.issuer,
		subject: note.id,
		amount: leftToClaim(note),
		message: message(WITH_ISSUER.claim, {
			request,
			offset: note.spent,
			note: note.document,
			chain: chains.get(hex(note.chain)) ?? NOTHING,
		}),
	});
}

function entriesOf(
	what: "depositing" | "claiming" | "resolving" | "declined",
	rows: readonly RequestRow[],
): readonly LogEntry[] {
	return rows.map(({ subject, amount, issuer: peer }) => ({
		what,
		subject,
		amount,
		peer,
	}));
}
