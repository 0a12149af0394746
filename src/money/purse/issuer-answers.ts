/* What an issuer's answers change. Each is one transaction, and changes nothing when it comes again. */
import type { CryptoProvider } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import {
	byKey,
	insert,
	put,
	type Transaction,
	type Write,
} from "../../machine/index.ts";
import { copy } from "../../wire/index.ts";
import {
	MAX_PIECES,
	parseList,
	parseNote,
	parseTransfer,
} from "../documents/index.ts";
import { amountOn, COMMITTED } from "./issuer-requests.ts";
import type { NewNotes } from "./new-notes.ts";
import type { PurseCore } from "./purse-core.ts";
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

/** What the purse has to do in memory after an answer is durable. */
export interface Consequences {
	/** New notes to pay with. */
	readonly notes: readonly NoteRow[];
	/** What was deposited, or refused for good. */
	readonly receipt: ReceiptRow | undefined;
	/** The note that was claimed. */
	readonly claimed: Uint8Array | undefined;
	/** Contracts of payments that are in doubt no more. */
	readonly lapsed: readonly Uint8Array[];
	readonly report: PurseReport | undefined;
}

const NOTHING_FOLLOWS: Consequences = {
	notes: [],
	receipt: undefined,
	claimed: undefined,
	lapsed: [],
	report: undefined,
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
			if (row?.state !== "ordered") return unchanged(undefined);
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
							put(RECEIPTS, { ...receipt, state: "deposited", credited }),
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

/** The note is done with: what was left of it, and what of it was in doubt, is in the account or was booked by its payee. */
function claimed(
	{ options, now }: PurseCore,
	asked: RequestRow,
	amount: bigint,
	answer: Uint8Array,
): AnswerTransaction {
	const { request, subject: id, issuer } = asked;
	const { crypto } = options.context;
	return changing(
		crypto,
		now,
		[byKey(REQUESTS, { request }), byKey(NOTES, { id }), COMMITTED],
		([[row], [note], payments]): Change<Consequences | undefined> => {
			if (row?.state !== "ordered" || note === undefined)
				return unchanged(undefined);
			if (amount > note.value) throw unasked();
			const writes: Write[] = [];
			const lapsed: Uint8Array[] = [];
			// Two claims of one note may have been asked in two tetrads: the first has settled it.
			const affected = note.state === "claimed" ? [] : payments;
			for (const payment of affected) {
				const of = amountOn(parseTransfer(crypto, payment.transfer), id);
				if (of === 0n) continue;
				const inDoubt = payment.in_doubt - of;
				if (inDoubt === 0n) lapsed.push(payment.contract);
				const state = inDoubt === 0n ? "lapsed" : payment.state;
				writes.push(put(PAYMENTS, { ...payment, in_doubt: inDoubt, state }));
			}
			return {
				entries: [entry(asked, "claimed", amount)],
				writes: [
					answered(row, answer),
					put(NOTES, { ...note, spent: note.value, state: "claimed" }),
					...writes,
				],
				result: {
					...NOTHING_FOLLOWS,
					claimed: id,
					lapsed,
					report: { kind: "claimed", note: id, issuer, amount },
				},
			};
		},
	);
}

/**
 * The issuer will not do it. A deposit is asked for again under another id, as long as it may be
 * the issuer that is wrong: until, by the own clock, its notes have expired and `graceMs` is over.
 * Ranges that an exchange has given away stay in doubt until their notes can be claimed.
 */
export function recordDeclined(
	{ options, now }: PurseCore,
	asked: RequestRow,
	answer: Uint8Array,
	graceMs: number,
): AnswerTransaction {
	const { request, subject: contract, kind } = asked;
	const { crypto } = options.context;
	return changing(
		crypto,
		now,
		[byKey(REQUESTS, { request }), byKey(RECEIPTS, { contract })],
		([[row], [receipt]]): Change<Consequences | undefined> => {
			if (row?.state !== "ordered") return unchanged(undefined);
			const entries = [entry(asked, "declined", asked.amount)];
			const declined = put(REQUESTS, {
				...row,
				state: "declined",
				outcome: copy(answer),
			});
			if (kind !== "deposit" || receipt === undefined)
				return { entries, writes: [declined], result: NOTHING_FOLLOWS };
			return bookableUntil(crypto, receipt, graceMs) > now
				? {
						entries,
						writes: [declined, put(RECEIPTS, { ...receipt, request: NONE })],
						result: NOTHING_FOLLOWS,
					}
				: {
						entries,
						writes: [declined, put(RECEIPTS, { ...receipt, state: "refused" })],
						result: { ...NOTHING_FOLLOWS, receipt },
					};
		},
	);
}

/** When a transfer of these notes is booked no more: the first of them has expired, and the grace is over. */
export function bookableUntil(
	crypto: CryptoProvider,
	{ notes }: Pick<ReceiptRow, "notes">,
	graceMs: number,
): number {
	const expiries = parseList(notes, MAX_PIECES).map(
		(document) => parseNote(crypto, document).expires,
	);
	return Math.min(...expiries) + graceMs;
}

const NONE: Uint8Array = new Uint8Array();

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
