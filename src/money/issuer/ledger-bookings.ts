/* Ranges of notes that came back: what is free of a note, and what was booked. */
import { insert, type Read, type Write } from "../../machine/index.ts";
import {
	MAX_CLAIM_BOOKINGS,
	MAX_CLAIM_RANGES,
	type Note,
	type Piece,
	type Transfer,
} from "../documents/index.ts";
import type { Asked } from "./ledger-answers.ts";
import { BOOKINGS, type RowOf, type TRANSFERS } from "./ledger-tables.ts";

export interface Taken {
	readonly piece: Piece;
	readonly by: RowOf<typeof BOOKINGS>;
}

/** The one booking that can overlap a piece if any does: the last that begins before its end. */
export function predecessor({
	noteId,
	offset,
	amount,
}: Piece): Read<typeof BOOKINGS.columns> {
	return {
		table: BOOKINGS,
		equals: { note: noteId },
		below: offset + amount,
		order: "descending",
		limit: 1,
	};
}

export function transferRow(
	{ request, at }: Asked,
	{ id, document }: Transfer,
	booked: bigint,
	by: "payee" | "payer" = "payee",
): RowOf<typeof TRANSFERS> {
	const resolved = by === "payer" ? 1n : 0n;
	return { id, document, request, booked, at: BigInt(at), resolved };
}

export function bookingsOf(
	{ at }: Asked,
	pieces: readonly Piece[],
	kind: "deposit" | "exchange" | "claim" | "void",
	reference: Uint8Array,
): readonly Write[] {
	return pieces.map(({ noteId, offset, amount }) =>
		insert(BOOKINGS, {
			note: noteId,
			offset,
			amount,
			kind,
			reference,
			at: BigInt(at),
		}),
	);
}

/** What of a note is free from an offset on. */
export interface Gaps {
	/** How far it was looked at. */
	readonly at: bigint;
	/** Bookings on the way. */
	readonly count: number;
	readonly left: readonly Piece[];
}

/** Whether one claim takes no more than these, and what lies behind them is for the next. */
export function isFull({ count, left }: Gaps): boolean {
	return left.length === MAX_CLAIM_RANGES || count === MAX_CLAIM_BOOKINGS;
}

/** The next booking begins at `offset` and goes to `end`, if there is one. `left` is this run's own. */
export function pastBooking(
	gaps: Gaps & { readonly left: Piece[] },
	{ id: noteId }: Note,
	offset: bigint,
	end: bigint,
): Gaps & { readonly left: Piece[] } {
	const { at, count, left } = gaps;
	if (isFull(gaps)) return gaps;
	if (offset > at) left.push({ noteId, offset: at, amount: offset - at });
	return { at: end > at ? end : at, count: count + 1, left };
}

export function sum(pieces: readonly Piece[]): bigint {
	return pieces.reduce((total, { amount }) => total + amount, 0n);
}
