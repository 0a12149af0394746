/* What an issuer's answers change. Each is one transaction, and changes nothing when it comes again. */
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
import { bookableUntil, openOf } from "./issuer-requests.ts";
import type { NewNotes } from "./new-notes.ts";
import {
	bookedPayment,
	type DoubtEnded,
	type SaidOutcome,
} from "./payment-outcome.ts";
import type { PurseCore } from "./purse-core.ts";
import { ORDERED_AFTER_DECLINE_MS } from "./purse-limits.ts";
import type { PurseReport } from "./purse-report.ts";
import {
	type Change,
	type Changed,
	changing,
	ISSUER_CHAINS,
	NOTES,
	type NoteRow,
	PAYMENTS,
	type PaymentRow,
	RECEIPTS,
	REQUESTS,
	type ReceiptRow,
	type RequestRow,
	unchanged,
	type What,
} from "./purse-tables.ts";
import { type Counting, givingBack } from "./spending-sums.ts";

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
	readonly report: PurseReport | undefined;
	/** What the owner should know of a decline. */
	readonly trouble: TetradError | undefined;
}

const NOTHING_FOLLOWS: Consequences = {
	notes: [],
	receipt: undefined,
	claimed: undefined,
	lapsed: [],
	ended: undefined,
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
		([[row], [receipt]]): Change<Consequences | undefined> =>
			row?.state !== "ordered" || receipt === undefined
				? unchanged(undefined)
				: {
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
							report: { kind: "deposited", contract, issuer, amount, credited },
						},
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
	{ state, credited }: SaidOutcome,
	answer: Uint8Array,
): AnswerTransaction {
	const { request, subject: contract, issuer } = asked;
	if (asked.kind !== "resolve" || state === 0 || credited > asked.amount)
		throw unasked();
	const record = (
		payment: PaymentRow | undefined,
		back: Counting,
	): AnswerTransaction =>
		changing(
			options.context.crypto,
			now,
			[
				byKey(REQUESTS, { request }),
				openOf(issuer, MAX_READ_ROWS),
				...back.reads,
			] as never,
			(
				found: readonly (readonly unknown[])[],
			): Change<Consequences | undefined> => {
				const [[row], open, ...sums] = found as [
					RequestRow[],
					RequestRow[],
					...Row[][],
				];
				if (row?.state !== "ordered") return unchanged(undefined);
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
				const exchange = open.find(
					({ kind, subject }) =>
						kind !== "resolve" && sameBytes(subject, contract),
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
						report: { kind: "void", contract, issuer, amount: credited },
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
 * request is sent again until it is answered, or declined a month after it was first declined.
 */
export function recordDeclined(
	core: PurseCore,
	asked: RequestRow,
	code: string,
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
		[byKey(REQUESTS, { request }), byKey(RECEIPTS, { contract })],
		([[row], [receipt]]): Change<Consequences | undefined> => {
			if (row?.state !== "ordered" || isOpen) return unchanged(undefined);
			const entries = [entry(asked, "declined", asked.amount)];
			switch (kind) {
				case "deposit": {
					const isOver =
						receipt === undefined ||
						bookableUntil(crypto, receipt, graceMs) <= now;
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
						result: { ...NOTHING_FOLLOWS, receipt },
					};
				}
				case "claim":
				case "resolve":
					return { entries, writes: [withdrawn(row)], result: NOTHING_FOLLOWS };
				case "withdraw": {
					const left = { ...row, unanswered: row.unanswered - 1n };
					const first =
						row.first_declined === 0n ? now : Number(row.first_declined);
					const until = first + ORDERED_AFTER_DECLINE_MS;
					if (left.unanswered <= 0n || until <= now)
						return {
							entries,
							writes: [declined(left, answer)],
							result: NOTHING_FOLLOWS,
						};
					return {
						entries,
						writes: [put(REQUESTS, { ...left, first_declined: BigInt(first) })],
						result: {
							...NOTHING_FOLLOWS,
							trouble: staysOrdered(core, row, until),
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
		`${sum} stay ordered: what became of an earlier request for them is not known, and they may have been taken from the account then. Each meeting with the issuer asks again, and a decline from ${new Date(until).toISOString()} on ends the order`,
	);
}

const NONE: Uint8Array = new Uint8Array();

function declined(row: RequestRow, answer: Uint8Array): Write {
	return put(REQUESTS, { ...row, state: "declined", outcome: copy(answer) });
}

/** It is asked for under another id, if at all. */
function withdrawn({ request }: RequestRow): Write {
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

function entry(
	{ request, subject, issuer }: RequestRow,
	what: What,
	amount: bigint,
) {
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
