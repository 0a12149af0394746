/* What an issuer's answers change. Each is one transaction, and changes nothing when it comes again. */
import type { CryptoProvider } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import {
	byKey,
	insert,
	MAX_READ_ROWS,
	put,
	type Row,
	reading,
	remove,
	type Transaction,
	type Write,
} from "../../machine/index.ts";
import { copy, sameBytes } from "../../wire/index.ts";
import { formatAmount } from "../documents/index.ts";
import { isExchange } from "./commit-transfer.ts";
import { bookableUntil } from "./issuer-requests.ts";
import type { NewNotes } from "./new-notes.ts";
import {
	bookedPayment,
	type DoubtEnded,
	type SaidOutcome,
} from "./payment-outcome.ts";
import { shortError } from "./payment-refusals.ts";
import type { PurseCore } from "./purse-core.ts";
import {
	DECLINED_AGAIN_MS,
	DECLINED_AT_ONCE_MS,
	ORDERED_AFTER_DECLINE_MS,
} from "./purse-limits.ts";
import type { PurseReport } from "./purse-report.ts";
import {
	type Change,
	type Changed,
	changing,
	ISSUER_CHAINS,
	type LogEntry,
	NO_CHAIN,
	NOTES,
	type NoteRow,
	PAYMENTS,
	type PaymentRow,
	RECEIPT_CHAINS,
	RECEIPTS,
	REQUESTS,
	type ReceiptRow,
	type RequestRow,
	unchanged,
	type What,
} from "./purse-tables.ts";
import type { SaleEvent } from "./sale-part.ts";
import { type Counting, givingBack } from "./spending-sums.ts";
import { seenAgain } from "./time-seen.ts";

/** What the purse has to do in memory after an answer is durable. */
export interface Consequences {
	/** New notes to pay with. */
	readonly notes: readonly NoteRow[];
	/** What was deposited, or refused for good. */
	readonly receipt: ReceiptRow | undefined;
	/** The note that was claimed, and what is left of it. */
	readonly claimed: NoteRow | undefined;
	/** Contracts of payments that are in doubt no more. */
	readonly lapsed: readonly Uint8Array[];
	/** A payment that is booked, and in doubt no more. */
	readonly ended: DoubtEnded | undefined;
	/** What became of a sale. */
	readonly sale: SaleEvent | undefined;
	/** A sale that is void: it counts no more against limits. */
	readonly refunded: PaymentRow | undefined;
	readonly report: PurseReport | undefined;
	/** What the owner should know of a decline. */
	readonly trouble: TetradError | undefined;
}

export const NOTHING_FOLLOWS: Consequences = {
	notes: [],
	receipt: undefined,
	claimed: undefined,
	lapsed: [],
	ended: undefined,
	sale: undefined,
	refunded: undefined,
	report: undefined,
	trouble: undefined,
};

/** Decides on nothing when the answer was durable before. */
export type AnswerTransaction = Transaction<Changed<Consequences | undefined>>;

/** New notes, for a withdrawal or in exchange for old ones. */
export function recordIssued(
	{ options, now }: PurseCore,
	asked: RequestRow,
	{ rows, chain }: NewNotes,
	answer: Uint8Array,
): AnswerTransaction {
	if (asked.kind !== "withdraw" && asked.kind !== "exchange") throw unasked();
	const { request, issuer, amount, subject } = asked;
	return changing(
		options.context.crypto,
		now,
		[
			byKey(REQUESTS, { request }),
			byKey(PAYMENTS, { contract: subject }),
			...rows.map(({ id }) => byKey(NOTES, { id })),
		] as never,
		(
			found: readonly (readonly unknown[])[],
		): Change<Consequences | undefined> => {
			const [[row], [payment], ...known] = found as [
				RequestRow[],
				PaymentRow[],
				...NoteRow[][],
			];
			// A withdrawal that was declined in one tetrad may have been carried out in another.
			const isOpen =
				row?.state === "ordered" ||
				(row?.state === "declined" && row.kind === "withdraw");
			if (!isOpen) return unchanged(undefined);
			if (known.some((notes) => notes.length > 0))
				throw new TetradError(
					"issuer-refused",
					"the issuer sent a note that was here before",
				);
			return {
				entries: [
					entry(
						asked,
						asked.kind === "withdraw" ? "withdrawn" : "exchanged",
						amount,
					),
				],
				writes: [
					answered(row, answer),
					put(ISSUER_CHAINS, chain),
					...rows.map((note) => insert(NOTES, note)),
					...(payment === undefined ? [] : [settled(payment)]),
				],
				result: {
					...NOTHING_FOLLOWS,
					notes: rows,
					report:
						asked.kind === "withdraw"
							? { kind: "withdrawn", request, issuer, amount }
							: { kind: "exchanged", issuer, into: "notes", amount },
				},
			};
		},
	);
}

/** Money in the account. */
export function recordBooked(
	core: PurseCore,
	asked: RequestRow,
	credited: bigint,
	answer: Uint8Array,
): AnswerTransaction {
	switch (asked.kind) {
		case "deposit":
			return deposited(core, asked, credited, answer);
		case "return":
			return returned(core, asked, credited, answer);
		case "claim":
			return claimed(core, asked, credited, answer);
		default:
			throw unasked();
	}
}

/** An order to give everything back has nothing left to do. */
export function recordGivenBack(
	{ options, now }: PurseCore,
	{ request }: RequestRow,
): AnswerTransaction {
	return changing(
		options.context.crypto,
		now,
		[byKey(REQUESTS, { request })],
		([[row]]) =>
			row?.state !== "ordered"
				? unchanged(undefined)
				: {
						entries: [entry({ ...row, subject: request }, "exchanged", 0n)],
						writes: [answered(row, new Uint8Array())],
						result: NOTHING_FOLLOWS as Consequences | undefined,
					},
	);
}

function deposited(
	{ options, now }: PurseCore,
	asked: RequestRow,
	credited: bigint,
	answer: Uint8Array,
): AnswerTransaction {
	const { request, subject: contract, issuer, amount } = asked;
	if (credited > amount) throw unasked();
	return changing(
		options.context.crypto,
		now,
		[byKey(REQUESTS, { request }), byKey(RECEIPTS, { contract })],
		([[row], [receipt]]): Change<Consequences | undefined> => {
			if (row?.state !== "ordered" || receipt === undefined)
				return unchanged(undefined);
			const isSale = receipt.terms.length > 0;
			// A sale is booked whole or not at all.
			if (isSale && credited !== amount) throw unasked();
			return {
				entries: [entry(asked, "deposited", credited)],
				writes: [
					answered(row, answer),
					put(RECEIPTS, {
						...receipt,
						state: "deposited",
						credited,
						receipt: receiptAfter(receipt, credited),
					}),
				],
				result: {
					...NOTHING_FOLLOWS,
					receipt,
					sale: isSale ? { kind: "booked", contract } : undefined,
					report: { kind: "deposited", contract, issuer, amount, credited },
				},
			};
		},
	);
}

function returned(
	{ options, now }: PurseCore,
	asked: RequestRow,
	credited: bigint,
	answer: Uint8Array,
): AnswerTransaction {
	const { request, subject: contract, issuer, amount } = asked;
	if (credited !== amount) throw unasked();
	return changing(
		options.context.crypto,
		now,
		[byKey(REQUESTS, { request }), byKey(PAYMENTS, { contract })],
		([[row], [payment]]): Change<Consequences | undefined> =>
			row?.state !== "ordered" || payment === undefined
				? unchanged(undefined)
				: {
						entries: [entry(asked, "exchanged", amount)],
						writes: [answered(row, answer), settled(payment)],
						result: {
							...NOTHING_FOLLOWS,
							report: { kind: "exchanged", issuer, into: "account", amount },
						},
					},
	);
}

/**
 * What is left of a note came back, and the note is done with. When less came, the issuer takes no
 * more ranges in one claim, or knows of others who were paid with them: it is asked once more from
 * there on, until it credits nothing.
 */
function claimed(
	{ options, now }: PurseCore,
	asked: RequestRow,
	amount: bigint,
	answer: Uint8Array,
): AnswerTransaction {
	const { request, subject: id, issuer } = asked;
	return changing(
		options.context.crypto,
		now,
		[byKey(REQUESTS, { request }), byKey(NOTES, { id })],
		([[row], [note]]): Change<Consequences | undefined> => {
			if (row?.state !== "ordered" || note === undefined)
				return unchanged(undefined);
			const spent = note.spent + amount;
			// Two claims of one note may have been asked in two tetrads: the first has settled it.
			const isDone =
				note.state !== "live" || amount === 0n || spent === note.value;
			if (note.state === "live" && spent > note.value) throw unasked();
			const after: NoteRow = isDone
				? { ...note, spent: note.value, state: "claimed" }
				: { ...note, spent };
			return {
				entries: [entry(asked, "claimed", amount)],
				writes: [
					answered(row, answer),
					...(note.state === "live" ? [put(NOTES, after)] : []),
				],
				result: {
					...NOTHING_FOLLOWS,
					claimed: after,
					report: { kind: "claimed", note: id, issuer, amount },
				},
			};
		},
	);
}

/** What became of a transfer that this module has committed: it is void, and what of it was free is in the account, or its payee has it, and only its receipt is still to come. */
export function recordOutcome(
	{ options, now }: PurseCore,
	asked: RequestRow,
	said: SaidOutcome,
	answer: Uint8Array,
): AnswerTransaction {
	const { state, credited } = said;
	const { request, subject: contract, issuer } = asked;
	if (asked.kind !== "resolve" || state === 0 || credited > asked.amount)
		throw unasked();
	const { crypto } = options.context;
	const record = (
		payment: PaymentRow | undefined,
		back: Counting,
	): AnswerTransaction =>
		changing(
			crypto,
			now,
			[
				byKey(REQUESTS, { request }),
				{
					table: REQUESTS,
					index: "by_subject",
					equals: { subject: contract },
					limit: MAX_READ_ROWS,
				},
				byKey(RECEIPT_CHAINS, { hash: payment?.receipt_chain ?? NO_CHAIN }),
				...back.reads,
			] as never,
			(
				found: readonly (readonly unknown[])[],
			): Change<Consequences | undefined> => {
				const [[row], ofContract, [known], ...sums] = found as [
					RequestRow[],
					RequestRow[],
					{ readonly chain: Uint8Array }[],
					...Row[][],
				];
				if (row?.state !== "ordered") return unchanged(undefined);
				if (payment !== undefined && payment.key_hash.length > 0)
					return recordSaleOutcome(
						crypto,
						row,
						{ payment, chain: known?.chain ?? NO_CHAIN },
						{ said, answer },
						back.writes(sums),
					);
				const isVoid = state === 2;
				const entries = [entry(asked, isVoid ? "void" : "booked", credited)];
				if (payment?.state !== "committed")
					return {
						entries,
						writes: [answered(row, answer)],
						result: NOTHING_FOLLOWS,
					};
				const doubt =
					isVoid || isExchange(payment)
						? undefined
						: bookedPayment(payment, credited);
				if (!isVoid)
					return {
						entries: [...entries, ...(doubt?.entries ?? [])],
						writes: [
							answered(row, answer),
							// An exchange was carried out, and its request has the answer.
							...(doubt === undefined ? [] : doubt.writes),
						],
						result: { ...NOTHING_FOLLOWS, ended: doubt?.result },
					};
				const exchange = ofContract.find(
					({ kind, state, issuer: of }) =>
						state === "ordered" && kind !== "resolve" && sameBytes(of, issuer),
				);
				return {
					entries,
					writes: [
						answered(row, answer),
						put(PAYMENTS, { ...payment, in_doubt: 0n, state: "lapsed" }),
						...(exchange === undefined
							? []
							: [put(REQUESTS, { ...exchange, state: "declined" })]),
						...back.writes(sums),
					],
					result: {
						...NOTHING_FOLLOWS,
						lapsed: [contract],
						report: {
							kind: "void",
							...{ contract, issuer, amount: credited, fee: 0n },
						},
					},
				};
			},
		);
	return reading([byKey(PAYMENTS, { contract })], ([[payment]]) =>
		record(payment, givingBack(payment)),
	);
}

/**
 * The issuer will not do it now, and `code` is why. What it declines may be its own mistake: a
 * deposit, a claim and what is to be resolved are asked for again under another id, a deposit
 * until, by the own clock, its notes have expired and `graceMs` is over. The transfer of an
 * exchange belongs to its request, which stays open until it is carried out or resolved. A
 * withdrawal is done with when each sending of it was declined. When an answer may have been lost,
 * the issuer may have carried it out, and may have been started on another ledger since: the same
 * request is sent again until it is answered, or was declined for a month that was seen to go by.
 */
export function recordDeclined(
	core: PurseCore,
	asked: RequestRow,
	{
		code,
		message: reason,
	}: { readonly code: string; readonly message: string },
	answer: Uint8Array,
	graceMs: number,
): AnswerTransaction {
	const { request, subject: contract, kind } = asked;
	const { now } = core;
	const { crypto } = core.options.context;
	const isOpen =
		(kind === "exchange" || kind === "return") && code !== "double-spent";
	return changing(
		crypto,
		now,
		[
			byKey(REQUESTS, { request }),
			byKey(RECEIPTS, { contract }),
			byKey(PAYMENTS, { contract }),
		],
		([[row], [receipt], [payment]]): Change<Consequences | undefined> => {
			if (row?.state !== "ordered" || isOpen) return unchanged(undefined);
			const saleError = saleEnded(code, reason);
			const entries = [entry(asked, "declined", asked.amount)];
			switch (kind) {
				case "deposit": {
					const isSale = receipt !== undefined && receipt.terms.length > 0;
					const isOver =
						receipt === undefined ||
						(isSale && saleError !== undefined) ||
						bookableUntil(receipt, graceMs) <= now;
					if (receipt === undefined || !isOver)
						return {
							entries,
							writes: [
								withdrawn(row),
								...(receipt === undefined
									? []
									: [put(RECEIPTS, { ...receipt, request: NONE })]),
							],
							result: NOTHING_FOLLOWS,
						};
					return {
						entries,
						writes: [
							declined(row, answer),
							put(RECEIPTS, {
								...receipt,
								state: "refused",
								receipt: receiptAfter(receipt, 0n),
							}),
						],
						result: {
							...NOTHING_FOLLOWS,
							receipt,
							// What is to be booked first was no money of this purse.
							report:
								code === "note-unknown" && receipt.state === "to-deposit"
									? {
											kind: "lost",
											...{ subject: contract, issuer: row.issuer },
											amount: receipt.amount,
										}
									: undefined,
							sale: isSale
								? {
										kind: "refused",
										contract,
										error:
											saleError ?? new TetradError("issuer-refused", reason),
									}
								: undefined,
						},
					};
				}
				case "resolve":
					if (
						payment !== undefined &&
						payment.key_hash.length > 0 &&
						isOpenSale(payment) &&
						code === "double-spent"
					)
						return {
							entries: [...entries, entry(asked, "short", 0n)],
							writes: [
								declined(row, answer),
								put(PAYMENTS, { ...payment, in_doubt: 0n, state: "short" }),
							],
							result: {
								...NOTHING_FOLLOWS,
								sale: { kind: "declined", contract, error: shortError() },
								trouble: shortError(),
							},
						};
					return { entries, writes: [withdrawn(row)], result: NOTHING_FOLLOWS };
				case "claim":
					return { entries, writes: [withdrawn(row)], result: NOTHING_FOLLOWS };
				case "withdraw": {
					const left = { ...row, unanswered: row.unanswered - 1n };
					const before =
						row.declined_heard === 0n
							? undefined
							: { heard: row.declined_heard, seen: row.declined_seen };
					const { heard, seen } = seenAgain(before, now, {
						againMs: DECLINED_AGAIN_MS,
						atOnceMs: DECLINED_AT_ONCE_MS,
					});
					const leftMs = ORDERED_AFTER_DECLINE_MS - Number(seen);
					if (left.unanswered <= 0n || leftMs <= 0)
						return {
							entries,
							writes: [declined(left, answer)],
							result: NOTHING_FOLLOWS,
						};
					return {
						entries,
						writes: [
							put(REQUESTS, {
								...left,
								declined_heard: heard,
								declined_seen: seen,
							}),
						],
						result: {
							...NOTHING_FOLLOWS,
							trouble: staysOrdered(core, row, Number(heard) + leftMs),
						},
					};
				}
				default:
					return {
						entries,
						writes: [declined(row, answer)],
						result: NOTHING_FOLLOWS,
					};
			}
		},
	);
}

/** Why an issuer that declines a sale with that code will never book it, or nothing when it may. */
function saleEnded(code: string, reason: string): TetradError | undefined {
	return code === "purchase-void" || code === "double-spent"
		? new TetradError(code, reason)
		: undefined;
}

/** Whether its issuer has still to say what became of it. */
function isOpenSale({ state }: PaymentRow): boolean {
	return state === "committed" || state === "keyed";
}

/** A sale is booked whole, and its key is there for its payer; or it is void, and its payer has the money back. */
function recordSaleOutcome(
	crypto: CryptoProvider,
	row: RequestRow,
	{
		payment,
		chain,
	}: { readonly payment: PaymentRow; readonly chain: Uint8Array },
	{ said, answer }: { readonly said: SaidOutcome; readonly answer: Uint8Array },
	givingBack: readonly Write[],
): Change<Consequences | undefined> {
	const { state, credited, key } = said;
	const { contract, issuer, amount, payee, receipt } = payment;
	const isVoid = state === 2;
	// Booked or void, it is so whole: what was credited less would never be asked for again.
	if (credited !== amount) throw unasked();
	const entries = [entry(row, isVoid ? "void" : "booked", credited)];
	if (!isOpenSale(payment))
		return {
			entries,
			writes: [answered(row, answer)],
			result: NOTHING_FOLLOWS,
		};
	const lapsed: PaymentRow = { ...payment, in_doubt: 0n, state: "lapsed" };
	if (isVoid)
		return {
			entries,
			writes: [answered(row, answer), put(PAYMENTS, lapsed), ...givingBack],
			result: {
				...NOTHING_FOLLOWS,
				sale: { kind: "refunded", contract, amount: credited, by: "issuer" },
				refunded: payment,
				report: {
					kind: "void",
					...{ contract, issuer, amount: credited, fee: 0n },
				},
			},
		};
	if (key === undefined || !sameBytes(crypto.sha256(key), payment.key_hash))
		throw new TetradError(
			"issuer-refused",
			"the issuer has not given the key that was paid for",
		);
	const settled: PaymentRow = {
		...payment,
		in_doubt: 0n,
		state: "settled",
		key: copy(key),
	};
	const isNew = payment.state === "committed";
	return {
		entries: isNew
			? [...entries, { what: "paid", subject: contract, amount, peer: payee }]
			: entries,
		writes: [answered(row, answer), put(PAYMENTS, settled)],
		result: {
			...NOTHING_FOLLOWS,
			sale: isNew
				? { kind: "keyed", contract, key: settled.key, receipt, chain }
				: { kind: "booked", contract },
			report: isNew
				? { kind: "paid", contract, peer: payee, issuer, amount, fee: 0n }
				: undefined,
		},
	};
}

function staysOrdered(
	core: PurseCore,
	{ issuer, amount }: RequestRow,
	until: number,
): TetradError {
	const currency = core.termsOf(issuer)?.currency;
	const sum =
		currency === undefined
			? `${amount} minor units`
			: `${formatAmount(amount, currency)} ${currency.code}`;
	return new TetradError(
		"issuer-refused",
		`${sum} stay ordered: what became of an earlier request for them is not known, and they may have been taken from the account then. Each meeting with the issuer asks again, and a decline from ${new Date(until).toISOString()} on ends the order, or a later one when more than a week lies between two meetings`,
	);
}

const NONE: Uint8Array = new Uint8Array();

export function declined(row: RequestRow, answer: Uint8Array): Write {
	return put(REQUESTS, { ...row, state: "declined", outcome: copy(answer) });
}

/** It is asked for under another id, if at all. */
export function withdrawn({ request }: RequestRow): Write {
	return remove(REQUESTS, { request });
}

/** The receipt for a transfer that was not taken before it was booked is given only when all of it is. */
function receiptAfter(
	{ state, amount, receipt }: ReceiptRow,
	credited: bigint,
): Uint8Array {
	return state === "to-book" && credited < amount ? NONE : receipt;
}

function answered(row: RequestRow, answer: Uint8Array): Write {
	return put(REQUESTS, { ...row, state: "answered", outcome: copy(answer) });
}

function settled(payment: PaymentRow): Write {
	return put(PAYMENTS, { ...payment, state: "settled", in_doubt: 0n });
}

export function entry(
	{ request, subject, issuer }: RequestRow,
	what: What,
	amount: bigint,
): LogEntry {
	return {
		what,
		subject: subject.length === 0 ? request : subject,
		amount,
		peer: issuer,
	};
}

function unasked(): TetradError {
	return new TetradError(
		"issuer-refused",
		"the issuer answered something that it was not asked",
	);
}
