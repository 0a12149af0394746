import { TetradError } from "../../errors.ts";
import { copy, hex, sameBytes } from "../../wire/index.ts";
import {
	type IssuedNotes,
	type IssuerTerms,
	type Note,
	parseNote,
	sameMoney,
	sumAmounts,
	verifyNote,
} from "../documents/index.ts";
import type { MoneyContext } from "../machine.ts";
import type { NoteRow, RequestRow } from "./purse-tables.ts";

/** Notes that came in answer to a request, verified. */
export interface NewNotes {
	readonly rows: readonly NoteRow[];
	readonly chain: { readonly hash: Uint8Array; readonly chain: Uint8Array };
}

/** Throws as the checks of chains and notes do, and `issuer-refused` for notes that are not what was asked for. */
export function notesOf(
	{ crypto, certified, own }: MoneyContext,
	terms: IssuerTerms,
	{ amount }: RequestRow,
	{ notes: documents, chain }: IssuedNotes,
): NewNotes {
	// An answer that was lost comes again under the chain of then, which may have expired or be listed by now. The issuer owes it all the same: such a note is exchanged, or claimed.
	const issuer = certified(copy(chain));
	const notes = documents.map(
		(document) => verifyNote(crypto, parseNote(crypto, document), issuer).value,
	);
	// The key may be the one that this module had when it asked: such a note is exchanged under that key, or claimed once it has expired.
	const isWanted = (note: Note) =>
		sameMoney(terms, note) && sameBytes(note.holder, own.deviceId);
	if (
		!notes.every(isWanted) ||
		new Set(notes.map(({ id }) => hex(id))).size !== notes.length ||
		sumAmounts(notes.map(({ value }) => value)) !== amount
	)
		throw new TetradError(
			"issuer-refused",
			"the issuer sent notes that are not those that it was asked for",
		);
	return {
		rows: notes.map((note) => ({
			id: note.id,
			document: note.document,
			chain: issuer.chainHash,
			issuer: note.issuer,
			currency: note.currency.code,
			value: note.value,
			expires: BigInt(note.expires),
			spent: 0n,
			state: "live",
		})),
		chain: { hash: issuer.chainHash, chain: issuer.encodedChain },
	};
}
