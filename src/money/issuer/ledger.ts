/*
 * The issuer's book, as transactions on its tables. Each answers one request of a module once:
 * what it changes, and the answer, are one durable write, and asked again it finds the answer.
 */
import type { CryptoProvider } from "../../crypto/index.ts";
import type { CertifiedDevice } from "../../identity/index.ts";
import {
	byKey,
	done,
	insert,
	put,
	reading,
	type Transaction,
	type Write,
} from "../../machine/index.ts";
import { sameBytes } from "../../wire/index.ts";
import {
	formatAmount,
	type Head,
	type IssuerTerms,
	MAX_PIECES,
	message,
	type Note,
	type Piece,
	parseTransfer,
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
	outcome,
	outcomeBefore,
	type Refusal,
	repeated,
	saidBefore,
} from "./ledger-answers.ts";
import {
	bookingsOf,
	isFull,
	pastBooking,
	predecessor,
	sum,
	transferRow,
} from "./ledger-bookings.ts";
import {
	creditAccount,
	newAccount,
	requestEntries,
	SYSTEM,
} from "./ledger-entries.ts";
import { requestTransaction } from "./ledger-ids.ts";
import { SaleLedger } from "./ledger-sales.ts";
import {
	ACCOUNTS,
	BOOKINGS,
	CHAINS,
	CONFLICTS,
	HEADS,
	NOTES,
	type RowOf,
	SALES,
	TRANSFERS,
	VOIDS,
} from "./ledger-tables.ts";
import {
	conflictsOf,
	type FoundTransfer,
	withTransfer,
} from "./ledger-transfers.ts";

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

const declaredVoid: Refusal = {
	code: "payment-refused",
	reason:
		"this transfer is void: its payer has handed it in after the grace, and nobody had it booked before",
};

/** What became of a transfer: 0 when nobody has handed it in, 1 when it is booked, 2 when it is void; and what was credited. */
export interface TransferOutcome {
	readonly state: 0 | 1 | 2;
	readonly credited: bigint;
	/** Of a sale that is booked, for its payer. */
	readonly key: Uint8Array | undefined;
}

/** What every transaction of one issuer needs to know. */
export class Ledger {
	readonly #crypto: CryptoProvider;
	readonly #terms: IssuerTerms;
	readonly #graceMs: number;
	/** The same for transfers that are marked as sales. */
	readonly sales: SaleLedger;

	/** `graceMs` is the time from the expiry of a note in which its transfers are still booked. */
	constructor(crypto: CryptoProvider, terms: IssuerTerms, graceMs: number) {
		this.#crypto = crypto;
		this.#terms = terms;
		this.#graceMs = graceMs;
		this.sales = new SaleLedger(crypto, graceMs);
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

	/** What became of a transfer, for its payer or its payee. Whoever else asks hears what is heard of a transfer that nobody has handed in. Only its payer hears the key of a sale. */
	outcome(device: Uint8Array, id: Uint8Array): Transaction<TransferOutcome> {
		return reading(
			[
				byKey(TRANSFERS, { id }),
				byKey(VOIDS, { transfer: id }),
				byKey(SALES, { transfer: id }),
			],
			([[row], [declared], [sale]]) => {
				const unknown: TransferOutcome = {
					state: 0,
					credited: 0n,
					key: undefined,
				};
				if (row === undefined) return done([], unknown);
				const { payer, payee } = parseTransfer(this.#crypto, row.document);
				const isPayer = sameBytes(payer, device);
				if (!isPayer && !sameBytes(payee, device)) return done([], unknown);
				if (declared !== undefined || sale?.state === "void")
					return done<TransferOutcome>([], {
						state: 2,
						credited: declared?.returned ?? 0n,
						key: undefined,
					});
				return done<TransferOutcome>([], {
					state: 1,
					credited: row.booked,
					key: isPayer && sale?.state === "booked" ? sale.key : undefined,
				});
			},
		);
	}

	/** Says the refusal of a request, unless that was answered before. */
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
					...requestEntries(this.#crypto, asked, "withdraw", [
						[asked.device, -amount, id],
						[SYSTEM.issued, amount, id],
					]),
				]);
			},
		);
	}

	/** Books what is still free of a transfer for its payee, who asks. */
	deposit(asked: Asked, verified: VerifiedTransfer): Answered {
		return withTransfer(this.#graceMs, asked, verified, (found) => {
			const { known, isVoid, free, taken, whyNot } = found;
			// It is the payer's word that nobody had it booked in time.
			if (isVoid) return declined(asked, declaredVoid);
			// Once is enough, whichever request it came in.
			if (known !== undefined) return this.#bookedBefore(asked, known);
			if (whyNot !== undefined) return declined(asked, whyNot);
			const { conflicts, writes } = this.#book(asked, verified, found, "payee");
			const earlier = taken.flatMap(({ by }) =>
				by.kind === "claim" ? [] : [by.reference],
			);
			return booked(asked, sum(free), earlier, conflicts, writes);
		});
	}

	/**
	 * Says what became of a transfer, to its payer, and makes it final: while the grace lasts what is
	 * free of it is booked for its payee, and then it is void, for ever. An exchange is void at once
	 * unless it was carried out: nobody else waits for it.
	 */
	resolve(asked: Asked, verified: VerifiedTransfer): Answered {
		return withTransfer(this.#graceMs, asked, verified, (found) => {
			const { known, isVoid, free, taken, whyNot } = found;
			const { transfer } = verified.value;
			if (isVoid) return this.#voidBefore(asked, transfer.id);
			const isExchange = sameBytes(transfer.payee, transfer.issuer);
			if (known !== undefined && (known.booked > 0n || !isExchange))
				return outcomeBefore(asked, 1, known.booked, false);
			if (whyNot === undefined && !isExchange) {
				const { conflicts, writes } = this.#book(
					asked,
					verified,
					found,
					"payer",
				);
				return outcome(asked, 1, sum(free), conflicts, writes);
			}
			const returned = sum(free);
			const { id } = transfer;
			return outcome(
				asked,
				2,
				returned,
				known === undefined
					? conflictsOf(this.#crypto, asked, verified, taken)
					: [],
				[
					...(known === undefined
						? [insert(TRANSFERS, transferRow(asked, transfer, 0n, "payer"))]
						: []),
					insert(VOIDS, {
						transfer: id,
						request: asked.request,
						returned,
						at: BigInt(asked.at),
					}),
					...bookingsOf(asked, free, "void", id),
					...creditAccount(this.#crypto, asked, found.payer, returned, "void", [
						SYSTEM.expired,
						id,
					]),
				],
			);
		});
	}

	#voidBefore(asked: Asked, transfer: Uint8Array): Answered {
		return reading([byKey(VOIDS, { transfer })], ([[row]]) =>
			outcomeBefore(asked, 2, row?.returned ?? 0n, false),
		);
	}

	/** What is free of a transfer becomes its payee's. */
	#book(
		asked: Asked,
		verified: VerifiedTransfer,
		{ payee, free, taken }: FoundTransfer,
		by: "payee" | "payer",
	): {
		readonly conflicts: readonly Conflict[];
		readonly writes: readonly Write[];
	} {
		const { transfer } = verified.value;
		const amount = sum(free);
		return {
			conflicts: conflictsOf(this.#crypto, asked, verified, taken),
			writes: [
				insert(TRANSFERS, transferRow(asked, transfer, amount, by)),
				...bookingsOf(asked, free, "deposit", transfer.id),
				...creditAccount(this.#crypto, asked, payee, amount, "deposit", [
					SYSTEM.returned,
					transfer.id,
				]),
			],
		};
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
				return saidBefore(answer, false);
			},
		);
	}

	/** Takes own notes back, all or nothing: for the account. */
	exchangeIntoAccount(asked: Asked, verified: VerifiedTransfer): Answered {
		return this.#exchange(asked, verified, (account, free) => {
			const { id, amount } = verified.value.transfer;
			const credited = creditAccount(
				this.#crypto,
				asked,
				account,
				amount,
				"exchange",
				[SYSTEM.returned, id],
			);
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
				...requestEntries(this.#crypto, asked, "exchange", [
					[SYSTEM.returned, -amount, id],
					[SYSTEM.issued, amount, issue.note.id],
				]),
			]);
		});
	}

	/**
	 * Credits what was never booked of an own note from an offset on, when it has expired and the
	 * grace is over. What the holder has committed lies below, and is resolved. Of more than
	 * `MAX_CLAIM_RANGES` ranges it takes the first; the others are for another claim.
	 */
	claim(asked: Asked, note: Note, offset: bigint): Answered {
		const from = note.expires + this.#graceMs;
		return reading(
			[
				answerRead(asked),
				byKey(ACCOUNTS, { id: asked.device }),
				byKey(NOTES, { id: note.id }),
				// What begins below the offset may reach beyond it.
				predecessor({ noteId: note.id, offset: 0n, amount: offset }),
			],
			([[answer], [account], [own], [before]]) => {
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
				const end = before === undefined ? 0n : before.offset + before.amount;
				return foldRows(
					{
						table: BOOKINGS,
						equals: { note: note.id },
						...(offset > 0n ? { above: offset - 1n } : {}),
					},
					{ at: end > offset ? end : offset, count: 0, left: [] as Piece[] },
					(gaps, { offset, amount }) =>
						pastBooking(gaps, note, offset, offset + amount),
					(gaps) => {
						const { left } = pastBooking(gaps, note, note.value, note.value);
						if (left.length === 0 && isFull(gaps))
							return declined(asked, {
								code: "limit-exceeded",
								reason: "this note was spent in too many pieces to be claimed",
							});
						return this.#claimed(
							asked,
							account ?? newAccount(asked.device, asked.at),
							note,
							left,
						);
					},
					isFull,
				);
			},
		);
	}

	#claimed(
		asked: Asked,
		account: RowOf<typeof ACCOUNTS>,
		note: Note,
		left: readonly Piece[],
	): Answered {
		const amount = sum(left);
		const credited = creditAccount(
			this.#crypto,
			asked,
			account,
			amount,
			"claim",
			[SYSTEM.expired, note.id],
		);
		const bookings = bookingsOf(
			asked,
			left,
			"claim",
			requestTransaction(this.#crypto, asked.device, asked.request),
		);
		return booked(asked, amount, [], [], [...bookings, ...credited]);
	}

	#exchange(
		asked: Asked,
		verified: VerifiedTransfer,
		then: (
			account: RowOf<typeof ACCOUNTS>,
			/** What books the whole transfer. */
			bookings: readonly Write[],
		) => Answered,
	): Answered {
		return withTransfer(
			this.#graceMs,
			asked,
			verified,
			({ known, payer, free, taken, whyNot }) => {
				const { transfer } = verified.value;
				if (known !== undefined)
					return declined(asked, {
						code: "issuer-refused",
						reason: "this transfer belongs to another request",
					});
				if (whyNot !== undefined) return declined(asked, whyNot);
				if (taken.length === 0)
					return then(payer, [
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
					conflictsOf(this.#crypto, asked, verified, taken),
				);
			},
		);
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

	#money(amount: bigint): string {
		const { currency } = this.#terms;
		return `${formatAmount(amount, currency)} ${currency.code}`;
	}
}
