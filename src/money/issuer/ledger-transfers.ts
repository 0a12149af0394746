/* What a transfer is held against before anything of it is booked. */
import type { CryptoProvider } from "../../crypto/index.ts";
import { byKey, type Read, reading } from "../../machine/index.ts";
import { hex } from "../../wire/index.ts";
import type { Piece, VerifiedTransfer } from "../documents/index.ts";
import {
	type Answered,
	type Asked,
	answerRead,
	type Conflict,
	declined,
	notIssuedHere,
	type Refusal,
	repeated,
} from "./ledger-answers.ts";
import { predecessor, type Taken } from "./ledger-bookings.ts";
import { newAccount } from "./ledger-entries.ts";
import { conflictId } from "./ledger-ids.ts";
import {
	ACCOUNTS,
	type ANSWERS,
	type BOOKINGS,
	NOTES,
	type RowOf,
	TRANSFERS,
	VOIDS,
} from "./ledger-tables.ts";

/** What a transfer is held against. */
export interface FoundTransfer {
	/** When somebody has handed it in before. */
	readonly known: RowOf<typeof TRANSFERS> | undefined;
	readonly isVoid: boolean;
	/** Accounts, which may have to be opened. */
	readonly payer: RowOf<typeof ACCOUNTS>;
	readonly payee: RowOf<typeof ACCOUNTS>;
	readonly free: readonly Piece[];
	readonly taken: readonly Taken[];
	/** A note has expired, and the grace is over. */
	readonly whyNot: Refusal | undefined;
}

/** Reads everything that a transfer is held against. Its cost depends on its pieces alone. `graceMs` is the time from the expiry of a note in which its transfers are still booked; `again` makes of an answer that is kept what is answered. */
export function withTransfer(
	graceMs: number,
	asked: Asked,
	{ value: { transfer, notes } }: VerifiedTransfer,
	then: (found: FoundTransfer) => Answered,
	again: (kept: Uint8Array) => Uint8Array = (kept) => kept,
): Answered {
	const { pieces } = transfer;
	const reads = [
		answerRead(asked),
		byKey(TRANSFERS, { id: transfer.id }),
		byKey(ACCOUNTS, { id: transfer.payer }),
		byKey(ACCOUNTS, { id: transfer.payee }),
		byKey(VOIDS, { transfer: transfer.id }),
		...notes.map(({ id }) => byKey(NOTES, { id })),
		...pieces.map(predecessor),
	];
	return reading(reads as unknown as readonly Read[] as [], (found) => {
		const rows = found as unknown as readonly (readonly never[])[];
		const [[answer] = [], [known] = [], [payer] = [], [payee] = [], voids] =
			rows as unknown as readonly [
				RowOf<typeof ANSWERS>[],
				RowOf<typeof TRANSFERS>[],
				RowOf<typeof ACCOUNTS>[],
				RowOf<typeof ACCOUNTS>[],
				RowOf<typeof VOIDS>[],
			];
		if (answer !== undefined)
			return repeated(asked, { ...answer, answer: again(answer.answer) });
		const free: Piece[] = [];
		const taken: Taken[] = [];
		let whyNot: Refusal | undefined;
		for (const [i, piece] of pieces.entries()) {
			const [own] = rows[5 + i] as readonly RowOf<typeof NOTES>[];
			const [before] = rows[5 + notes.length + i] as readonly RowOf<
				typeof BOOKINGS
			>[];
			// Its id is enough: whoever passes a note on can encode the signature anew.
			if (own === undefined) return declined(asked, notIssuedHere);
			if (own.expires + BigInt(graceMs) <= BigInt(asked.at))
				whyNot ??= {
					code: "payment-refused",
					reason: `a note of this transfer expired on ${new Date(Number(own.expires)).toISOString()}, and the grace is over`,
				};
			if (before !== undefined && before.offset + before.amount > piece.offset)
				taken.push({ piece, by: before });
			else free.push(piece);
		}
		const isVoid = voids.length > 0;
		return then({
			known,
			isVoid,
			payer: payer ?? newAccount(transfer.payer, asked.at),
			payee: payee ?? newAccount(transfer.payee, asked.at),
			free,
			taken,
			whyNot,
		});
	});
}

/** One for each earlier transfer and note, however many pieces overlap. */
export function conflictsOf(
	crypto: CryptoProvider,
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
		const id = conflictId(crypto, note, first, second);
		const { payer: holder } = transfer;
		found.set(hex(id), { id, note, first, second, holder, at });
	}
	return [...found.values()];
}
