import {
	MAX_PIECES,
	parseList,
	parseNote,
} from "../../src/money/documents/index.ts";
import { NOTES } from "../../src/money/issuer/index.ts";
import { hex } from "../../src/wire/index.ts";
import { readable } from "../readable.ts";
import type { World } from "../world.ts";

/** What was paid with a note, by whoever keeps it. */
interface PaidWithNotes {
	readonly issuer: Uint8Array;
	/** Documents of the notes, as a list. */
	readonly notes: Uint8Array;
}

/**
 * Tells what was paid with notes that its issuer has forgotten, because its ledger was put back to
 * before they were issued. It declines them, and they are lost some weeks later (docs/money.md): a
 * world that has come to rest is let go on until then.
 */
export function isForgotten(
	world: World | undefined,
): (paid: PaidWithNotes) => boolean {
	const known = new Map(
		(world?.issuers ?? [])
			.filter(({ wasRestored }) => wasRestored)
			.map(({ terms, module }) => [
				hex(terms.issuer),
				{
					crypto: module.crypto,
					notes: new Set(module.disk.rows(NOTES).map(({ id }) => hex(id))),
				},
			]),
	);
	return ({ issuer, notes }) => {
		const ledger = known.get(hex(issuer));
		return (
			ledger !== undefined &&
			// What was archived is over, and has no notes any more.
			notes.length > 0 &&
			parseList(notes, MAX_PIECES).some((document) => {
				const note = readable(() => parseNote(ledger.crypto, document));
				return note !== undefined && !ledger.notes.has(hex(note.id));
			})
		);
	};
}
