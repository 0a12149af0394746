/* Ranges of notes that came back: what is free of a note, and what was booked. */
import { insert, type Read, type Write } from "../../machine/index.ts";
import {
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
): RowOf<typeof TRANSFERS> {
	return { id, document, request, booked, at: BigInt(at) };
}

export function bookingsOf(
	{ at }: Asked,
	pieces: readonly Piece[],
	kind: "deposit" | "exchange" | "claim",
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

/** Of more than `MAX_CLAIM_RANGES` the first are left for another claim: what a holder never paid with is last. */
export function addGap(
	left: Piece[],
	{ id }: Note,
	offset: bigint,
	end: bigint,
): void {
	if (offset >= end) return;
	if (left.length === MAX_CLAIM_RANGES) left.shift();
	left.push({ noteId: id, offset, amount: end - offset });
}

export function sum(pieces: readonly Piece[]): bigint {
	return pieces.reduce((total, { amount }) => total + amount, 0n);
}
