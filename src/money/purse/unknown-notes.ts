/*
 * Notes that their issuer has forgotten, because its ledger was put back to before it made them. It
 * may be given its newer ledger again, and may be lying, so what was asked stays asked:
 *
 *   asked ──note-unknown──▶ unknown ──note-unknown, long enough, and the notes are over──▶ lost
 *     ▲                        │
 *     └────── any other word ──┘
 *
 * How long is what the purse has seen go by from decline to decline: a clock that jumps ends nothing.
 */

import { TetradError } from "../../errors.ts";
import {
	byKey,
	MAX_READ_ROWS,
	put,
	reading,
	remove,
	type Transaction,
} from "../../machine/index.ts";
import { sameBytes } from "../../wire/index.ts";
import {
	type AnswerTransaction,
	type Consequences,
	declined,
	entry,
	NOTHING_FOLLOWS,
	withdrawn,
} from "./issuer-answers.ts";
import { bookableUntil } from "./issuer-requests.ts";
import { lostError } from "./payment-refusals.ts";
import type { PurseCore } from "./purse-core.ts";
import {
	DECLINED_AGAIN_MS,
	DECLINED_AT_ONCE_MS,
	UNKNOWN_FOR_MS,
} from "./purse-limits.ts";
import {
	type Change,
	changing,
	NOTES,
	type NoteRow,
	PAYMENTS,
	type PaymentRow,
	REQUESTS,
	type RequestRow,
	UNKNOWN,
	unchanged,
} from "./purse-tables.ts";
import { seenAgain } from "./time-seen.ts";

/** Whether its notes are the purse's own, so that it is for the purse to wait for its issuer's ledger. A deposit ends with its notes anyway. */
export function isOfOwnNotes({ kind }: RequestRow): boolean {
	return (
		kind === "exchange" ||
		kind === "return" ||
		kind === "claim" ||
		kind === "resolve"
	);
}

/** What an answer changes that shows that the issuer knows the notes of a transfer, or a note. */
export function knowingNotes<Result>(
	subject: Uint8Array,
	answer: Transaction<Result>,
): Transaction<Result> {
	return reading([byKey(UNKNOWN, { subject })], ([[unknown]]) =>
		unknown === undefined ? answer : forgetting(subject, answer),
	);
}

function forgetting<Result>(
	subject: Uint8Array,
	answer: Transaction<Result>,
): Transaction<Result> {
	return answer.kind === "done"
		? { ...answer, writes: [...answer.writes, remove(UNKNOWN, { subject })] }
		: {
				...answer,
				decide: (rows) => forgetting(subject, answer.decide(rows)),
			};
}

/** What a request is about, and when nothing more can be had of it. */
interface About {
	readonly over: number;
	readonly amount: bigint;
	/** What is lost then, and what follows. */
	readonly write: ReturnType<typeof put>;
	readonly consequences: Partial<Consequences>;
}

/**
 * The issuer says that it does not know the notes of a request of its own holder. Until they are
 * lost, an exchange is sent again as it is, and a claim or a resolution under another id.
 */
export function recordUnknown(
	{ options, now }: PurseCore,
	asked: RequestRow,
	answer: Uint8Array,
	graceMs: number,
): AnswerTransaction {
	const { request, subject, issuer, kind } = asked;
	const stays = kind === "exchange" || kind === "return";
	return changing(
		options.context.crypto,
		now,
		[
			byKey(REQUESTS, { request }),
			byKey(UNKNOWN, { subject }),
			byKey(NOTES, { id: subject }),
			byKey(PAYMENTS, { contract: subject }),
			{
				table: REQUESTS,
				index: "by_subject",
				equals: { subject },
				limit: MAX_READ_ROWS,
			},
		],
		([[row], [before], [note], [payment], ofSubject]): Change<
			Consequences | undefined
		> => {
			if (row?.state !== "ordered") return unchanged(undefined);
			const open = stays ? [] : [withdrawn(row)];
			const entries = stays ? [] : [entry(asked, "declined", asked.amount)];
			const about =
				kind === "claim" ? ofNote(note, graceMs) : ofPayment(payment, graceMs);
			// It came to its end otherwise.
			if (about === undefined)
				return { entries, writes: open, result: NOTHING_FOLLOWS };
			const { over, amount } = about;
			const unknown = seenAgain(before, now, {
				againMs: DECLINED_AGAIN_MS,
				atOnceMs: DECLINED_AT_ONCE_MS,
			});
			if (unknown.seen < UNKNOWN_FOR_MS || now < over)
				return {
					entries:
						before === undefined
							? [...entries, entry(asked, "unknown", amount)]
							: entries,
					writes: [
						...open,
						...(unknown === before
							? []
							: [put(UNKNOWN, { subject, ...unknown })]),
					],
					result: {
						...NOTHING_FOLLOWS,
						trouble: before === undefined ? staysUnknown() : undefined,
					},
				};
			const others = ofSubject.filter(
				(other) =>
					other.state === "ordered" &&
					!sameBytes(other.request, request) &&
					sameBytes(other.issuer, issuer),
			);
			return {
				entries: [entry(asked, "lost", amount)],
				writes: [
					declined(row, answer),
					...others.map((other) => declined(other, answer)),
					remove(UNKNOWN, { subject }),
					about.write,
				],
				result: {
					...NOTHING_FOLLOWS,
					...about.consequences,
					report: { kind: "lost", subject, issuer, amount },
				},
			};
		},
	);
}

function ofNote(note: NoteRow | undefined, graceMs: number): About | undefined {
	if (note?.state !== "live") return undefined;
	const lost: NoteRow = { ...note, state: "lost" };
	return {
		over: Number(note.expires) + graceMs,
		amount: note.value - note.spent,
		write: put(NOTES, lost),
		consequences: { claimed: lost },
	};
}

function ofPayment(
	payment: PaymentRow | undefined,
	graceMs: number,
): About | undefined {
	if (payment?.state !== "committed" && payment?.state !== "keyed")
		return undefined;
	const { contract, payee, issuer, amount, state } = payment;
	const isSale = payment.key_hash.length > 0;
	return {
		over: bookableUntil(payment, graceMs),
		amount,
		write: put(PAYMENTS, { ...payment, in_doubt: 0n, state: "lost" }),
		consequences: isSale
			? {
					// Whoever has the key has the goods.
					sale:
						state === "keyed"
							? undefined
							: { kind: "declined", contract, error: lostError() },
				}
			: {
					ended: {
						kind: "lost",
						...{ contract, payee, issuer, amount, credited: 0n },
					},
				},
	};
}

function staysUnknown(): TetradError {
	return new TetradError(
		"note-unknown",
		"the issuer does not know notes that it has signed: its ledger was put back, or it lies. It is asked again at each meeting, and whoever runs it can still bring its newer ledger; the money is counted as lost when it has said so for 30 days, and the notes and its grace are over",
	);
}
