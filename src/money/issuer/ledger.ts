/*
 * The issuer's book, as transactions on its tables. Each answers one request of a module once:
 * what it changes, and the answer, are one durable write, and asked again it finds the answer.
 */
import type { CryptoProvider } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import type { CertifiedDevice } from "../../identity/index.ts";
import {
	byKey,
	done,
	insert,
	put,
	type Read,
	reading,
	type Transaction,
	type Write,
} from "../../machine/index.ts";
import { hex, sameBytes } from "../../wire/index.ts";
import {
	formatAmount,
	type Head,
	type IssuerTerms,
	MAX_AMOUNT,
	MAX_CLAIM_BOOKINGS,
	MAX_PIECES,
	message,
	type Note,
	type Piece,
	type VerifiedTransfer,
	WITH_ISSUER,
} from "../documents/index.ts";
import { foldRows } from "./fold-rows.ts";
import {
	type Answered,
	type Asked,
	answered,
	answerRead,
	booked,
	bookedMessage,
	type Conflict,
	declined,
	notIssuedHere,
	type Refusal,
	repeated,
} from "./ledger-answers.ts";
import {
	addGap,
	bookingsOf,
	predecessor,
	sum,
	type Taken,
	transferRow,
} from "./ledger-bookings.ts";
import {
	type EntryKind,
	type EntryLine,
	entries,
	newAccount,
	SYSTEM,
} from "./ledger-entries.ts";
import { conflictId, requestTransaction } from "./ledger-ids.ts";
import {
	ACCOUNTS,
	type ANSWERS,
	BOOKINGS,
	CHAINS,
	CONFLICTS,
	HEADS,
	NOTES,
	type RowOf,
	TRANSFERS,
} from "./ledger-tables.ts";

/** A note that is ready to be issued, and the devices that it names: the issuer as it signs now, and the holder. */
export interface NewNote {
	readonly note: Note;
	readonly issuer: CertifiedDevice;
	readonly holder: CertifiedDevice;
}

/** The newest head that was seen of a purse. */
export interface SeenHead {
	readonly newest: Head;
	/** Another head of the same number came first. */
	readonly isForked: boolean;
}

/** What every transaction of one issuer needs to know. */
export class Ledger {
	readonly #crypto: CryptoProvider;
	readonly #terms: IssuerTerms;
	readonly #graceMs: number;

	/** `graceMs` is the time from the expiry of a note in which its transfers are still booked. */
	constructor(crypto: CryptoProvider, terms: IssuerTerms, graceMs: number) {
		this.#crypto = crypto;
		this.#terms = terms;
		this.#graceMs = graceMs;
	}

	/** Keeps the head of a purse, unless a newer one was seen. */
	meet(device: Uint8Array, head: Head, at: number): Transaction<SeenHead> {
		return reading(
			[byKey(HEADS, { device })],
			([[known]]): Transaction<SeenHead> => {
				if (known === undefined || head.number > known.number) {
					const row = { device, ...head, at: BigInt(at) };
					return done([put(HEADS, row)], { newest: head, isForked: false });
				}
				return done([], {
					newest: known,
					isForked:
						head.number === known.number && !sameBytes(head.hash, known.hash),
				});
			},
		);
	}

	balance(device: Uint8Array): Transaction<bigint> {
		return reading([byKey(ACCOUNTS, { id: device })], ([[account]]) =>
			done([], account?.balance ?? 0n),
		);
	}

	/** Only keeps the refusal of a request, unless that was answered before. */
	refuse(asked: Asked, refusal: Refusal): Answered {
		return reading([answerRead(asked)], ([[answer]]) =>
			answer === undefined ? declined(asked, refusal) : repeated(asked, answer),
		);
	}

	/** Takes money out of the own account, for `issue` or, without it, only to see whether it could. */
	withdraw(asked: Asked, amount: bigint, issue: NewNote | undefined): Answered {
		return reading(
			[answerRead(asked), byKey(ACCOUNTS, { id: asked.device })],
			([[answer], [account]]) => {
				if (answer !== undefined) return repeated(asked, answer);
				if (account === undefined || account.balance < amount)
					return declined(asked, {
						code: "insufficient-funds",
						reason: `the account holds ${this.#money(account?.balance ?? 0n)} and not ${this.#money(amount)}`,
					});
				if (issue === undefined) return done([], { kind: "needs-note" });
				const { id } = issue.note;
				return this.#issued(asked, issue, [
					put(ACCOUNTS, { ...account, balance: account.balance - amount }),
					...this.#entries(asked, "withdraw", [
						[asked.device, -amount, id],
						[SYSTEM.issued, amount, id],
					]),
				]);
			},
		);
	}

	/** Books what is still free of a transfer for its payee, who asks. */
	deposit(asked: Asked, verified: VerifiedTransfer): Answered {
		return this.#withTransfer(
			asked,
			verified,
			({ known, account, free, taken }) => {
				// Once is enough, whichever request it came in.
				if (known !== undefined) return this.#bookedBefore(asked, known);
				const { transfer } = verified.value;
				const amount = sum(free);
				const conflicts = this.#conflicts(asked, verified, taken);
				const credited = this.#credit(asked, account, amount, "deposit", [
					SYSTEM.returned,
					transfer.id,
				]);
				const writes = [
					insert(TRANSFERS, transferRow(asked, transfer, amount)),
					...bookingsOf(asked, free, "deposit", transfer.id),
					...credited,
				];
				const earlier = taken.flatMap(({ by }) =>
					by.kind === "claim" ? [] : [by.reference],
				);
				return booked(asked, amount, earlier, conflicts, writes);
			},
		);
	}

	/** A payee asks under another id when it could not know that its first request was carried out: it hears what was booked then, and nothing changes. */
	#bookedBefore(
		{ request }: Asked,
		{ id, booked: credited }: RowOf<typeof TRANSFERS>,
	): Answered {
		return reading(
			[
				{
					table: CONFLICTS,
					index: "by_second",
					equals: { second: id },
					limit: MAX_PIECES,
				},
			],
			([conflicts]) => {
				const earlier = conflicts.map(({ first }) => first);
				const answer = bookedMessage(request, credited, earlier);
				return done([], { kind: "repeated", answer });
			},
		);
	}

	/** Takes own notes back, all or nothing: for the account. */
	exchangeIntoAccount(asked: Asked, verified: VerifiedTransfer): Answered {
		return this.#exchange(asked, verified, (account, free) => {
			const { id, amount } = verified.value.transfer;
			const credited = this.#credit(asked, account, amount, "exchange", [
				SYSTEM.returned,
				id,
			]);
			return booked(asked, amount, [], [], [...free, ...credited]);
		});
	}

	/** Takes own notes back, all or nothing: for a new one, or, without it, only to see whether it could. */
	exchangeIntoNote(
		asked: Asked,
		verified: VerifiedTransfer,
		issue: NewNote | undefined,
	): Answered {
		return this.#exchange(asked, verified, (_, free) => {
			if (issue === undefined) return done([], { kind: "needs-note" });
			const { id, amount } = verified.value.transfer;
			return this.#issued(asked, issue, [
				...free,
				...this.#entries(asked, "exchange", [
					[SYSTEM.returned, -amount, id],
					[SYSTEM.issued, amount, issue.note.id],
				]),
			]);
		});
	}

	/** Credits what was never booked of an own note, when it has expired and the grace is over. */
	claim(asked: Asked, note: Note): Answered {
		const from = note.expires + this.#graceMs;
		return reading(
			[
				answerRead(asked),
				byKey(ACCOUNTS, { id: asked.device }),
				byKey(NOTES, { id: note.id }),
			],
			([[answer], [account], [own]]) => {
				if (answer !== undefined) return repeated(asked, answer);
				if (own === undefined) return declined(asked, notIssuedHere);
				if (!sameBytes(own.holder, asked.device))
					return declined(asked, {
						code: "issuer-refused",
						reason: "only the module that holds a note can claim it",
					});
				if (asked.at < from)
					return declined(asked, {
						code: "issuer-refused",
						reason: `not yet: what is left of this note can be claimed from ${new Date(from).toISOString()} on`,
					});
				return foldRows(
					{ table: BOOKINGS, equals: { note: note.id } },
					{ at: 0n, count: 0, left: [] as Piece[] },
					({ at, count, left }, { offset, amount }) => {
						addGap(left, note, at, offset);
						return { at: offset + amount, count: count + 1, left };
					},
					({ at, count, left }) => {
						if (count > MAX_CLAIM_BOOKINGS)
							return declined(asked, {
								code: "limit-exceeded",
								reason: "this note was spent in too many pieces to be claimed",
							});
						addGap(left, note, at, note.value);
						return this.#claimed(asked, account, note, left);
					},
				);
			},
		);
	}

	#claimed(
		asked: Asked,
		account: RowOf<typeof ACCOUNTS> | undefined,
		note: Note,
		left: readonly Piece[],
	): Answered {
		const amount = sum(left);
		const credited = this.#credit(asked, account, amount, "claim", [
			SYSTEM.expired,
			note.id,
		]);
		const bookings = bookingsOf(asked, left, "claim", this.#transaction(asked));
		return booked(asked, amount, [], [], [...bookings, ...credited]);
	}

	#exchange(
		asked: Asked,
		verified: VerifiedTransfer,
		then: (
			account: RowOf<typeof ACCOUNTS> | undefined,
			/** What books the whole transfer. */
			bookings: readonly Write[],
		) => Answered,
	): Answered {
		return this.#withTransfer(
			asked,
			verified,
			({ known, account, free, taken }) => {
				const { transfer } = verified.value;
				if (known !== undefined)
					return declined(asked, {
						code: "issuer-refused",
						reason: "this transfer belongs to another request",
					});
				if (taken.length === 0)
					return then(account, [
						insert(TRANSFERS, transferRow(asked, transfer, transfer.amount)),
						...bookingsOf(asked, free, "exchange", transfer.id),
					]);
				const refusal: Refusal = {
					code: "double-spent",
					reason: "a part of these notes was booked for somebody else before",
				};
				return declined(
					asked,
					refusal,
					[insert(TRANSFERS, transferRow(asked, transfer, 0n))],
					this.#conflicts(asked, verified, taken),
				);
			},
		);
	}

	/** Reads everything that a transfer is held against. Its cost depends on its pieces alone. */
	#withTransfer(
		asked: Asked,
		{ value: { transfer, notes } }: VerifiedTransfer,
		then: (found: {
			readonly known: RowOf<typeof TRANSFERS> | undefined;
			readonly account: RowOf<typeof ACCOUNTS> | undefined;
			readonly free: readonly Piece[];
			readonly taken: readonly Taken[];
		}) => Answered,
	): Answered {
		const { pieces } = transfer;
		const reads = [
			answerRead(asked),
			byKey(TRANSFERS, { id: transfer.id }),
			byKey(ACCOUNTS, { id: asked.device }),
			...notes.map(({ id }) => byKey(NOTES, { id })),
			...pieces.map(predecessor),
		];
		return reading(reads as unknown as readonly Read[] as [], (found) => {
			const rows = found as unknown as readonly (readonly never[])[];
			const [[answer] = [], [known] = [], [account] = []] =
				rows as unknown as readonly [
					RowOf<typeof ANSWERS>[],
					RowOf<typeof TRANSFERS>[],
					RowOf<typeof ACCOUNTS>[],
				];
			if (answer !== undefined) return repeated(asked, answer);
			const free: Piece[] = [];
			const taken: Taken[] = [];
			for (const [i, piece] of pieces.entries()) {
				const [own] = rows[3 + i] as readonly RowOf<typeof NOTES>[];
				const [before] = rows[3 + notes.length + i] as readonly RowOf<
					typeof BOOKINGS
				>[];
				// Its id is enough: whoever passes a note on can encode the signature anew.
				if (own === undefined) return declined(asked, notIssuedHere);
				if (own.expires + BigInt(this.#graceMs) <= BigInt(asked.at))
					return declined(asked, {
						code: "payment-refused",
						reason: `a note of this transfer expired on ${new Date(Number(own.expires)).toISOString()}, and the grace is over`,
					});
				if (
					before !== undefined &&
					before.offset + before.amount > piece.offset
				)
					taken.push({ piece, by: before });
				else free.push(piece);
			}
			return then({ known, account, free, taken });
		});
	}

	#issued(
		asked: Asked,
		{ note, issuer, holder }: NewNote,
		writes: readonly Write[],
	): Answered {
		const answer = message(WITH_ISSUER.issued, {
			request: asked.request,
			notes: [note.document],
			chain: issuer.encodedChain,
		});
		const row = {
			id: note.id,
			holder: note.holder,
			holder_certificate: holder.certificateId,
			request: asked.request,
			value: note.value,
			issued: BigInt(note.issued),
			expires: BigInt(note.expires),
			document: note.document,
		};
		const chains = [issuer, holder];
		return reading(
			chains.map(({ certificateId: certificate }) =>
				byKey(CHAINS, { certificate }),
			),
			(known) => {
				const fresh = chains.filter((_, i) => known[i]?.length === 0);
				const settled = { kind: "issued", amount: note.value } as const;
				return answered(
					asked,
					answer,
					settled,
					[],
					[
						insert(NOTES, row),
						...fresh.map(
							({ certificateId: certificate, encodedChain: chain }) =>
								insert(CHAINS, { certificate, chain }),
						),
						...writes,
					],
				);
			},
		);
	}

	/** Puts an amount into the asking module's account, which is opened when there is none. Throws `busy`, so that it is asked again, while the account is too full. */
	#credit(
		asked: Asked,
		account: RowOf<typeof ACCOUNTS> | undefined,
		amount: bigint,
		kind: EntryKind,
		[from, reference]: readonly [from: Uint8Array, reference: Uint8Array],
	): readonly Write[] {
		if (amount === 0n) return [];
		const { device, at } = asked;
		const before = account ?? newAccount(device, at);
		const balance = before.balance + amount;
		if (balance > MAX_AMOUNT)
			throw new TetradError(
				"busy",
				"the account cannot hold more than 2^63 - 1 minor units: withdraw some, and ask again",
			);
		return [
			put(ACCOUNTS, { ...before, balance }),
			...this.#entries(asked, kind, [
				[device, amount, reference],
				[from, -amount, reference],
			]),
		];
	}

	#entries(
		asked: Asked,
		kind: EntryKind,
		lines: readonly EntryLine[],
	): readonly Write[] {
		return entries(this.#transaction(asked), asked.at, kind, lines);
	}

	#transaction({ device, request }: Asked): Uint8Array {
		return requestTransaction(this.#crypto, device, request);
	}

	/** One for each earlier transfer and note, however many pieces overlap. */
	#conflicts(
		{ at }: Asked,
		{ value: { transfer } }: VerifiedTransfer,
		taken: readonly Taken[],
	): readonly Conflict[] {
		const found = new Map<string, Conflict>();
		for (const { piece, by } of taken) {
			// A claim has no transfer that could accuse anybody.
			if (by.kind === "claim") continue;
			const note = piece.noteId;
			const [first, second] = [by.reference, transfer.id];
			const id = conflictId(this.#crypto, note, first, second);
			const { payer: holder } = transfer;
			found.set(hex(id), { id, note, first, second, holder, at });
		}
		return [...found.values()];
	}

	#money(amount: bigint): string {
		const { currency } = this.#terms;
		return `${formatAmount(amount, currency)} ${currency.code}`;
	}
}
