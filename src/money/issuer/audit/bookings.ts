import { byKey, reading } from "../../../machine/index.ts";
import { sameBytes } from "../../../wire/index.ts";
import { parseTransfer } from "../../documents/index.ts";
import {
	type BOOKINGS,
	NOTES,
	type RowOf,
	SALES,
	TRANSFERS,
	VOIDS,
} from "../ledger-tables.ts";
import type { Findings } from "./findings.ts";
import { isSystem, linesOf } from "./lines.ts";
import { type Checks, demand, NOTHING, rowName } from "./step.ts";

/** Every booking is a range of its note that no other has, and a piece of its transfer, booked or void, or a claim. */
export function checkBookings(
	findings: Findings,
): Checks<RowOf<typeof BOOKINGS>> {
	let last: { readonly note: Uint8Array; readonly end: bigint } = {
		note: new Uint8Array(),
		end: 0n,
	};
	return {
		check: (row) => {
			const at = `${rowName("bookings", row.note)} from ${row.offset}`;
			const end = row.offset + row.amount;
			const isClaim = row.kind === "claim";
			const isVoid = row.kind === "void";
			findings.try(at, () => {
				demand(row.offset >= 0n && row.amount > 0n, "it is no range");
				demand(
					!sameBytes(last.note, row.note) || last.end <= row.offset,
					"it overlaps the booking before it",
				);
				demand(
					["deposit", "exchange", "claim", "void"].includes(row.kind),
					"it is of no known kind",
				);
			});
			last = { note: row.note, end };
			findings.sums[isClaim || isVoid ? "expired" : "returned"] += row.amount;
			return reading(
				[
					byKey(NOTES, { id: row.note }),
					byKey(TRANSFERS, { id: row.reference }),
					byKey(VOIDS, { transfer: row.reference }),
					byKey(SALES, { transfer: row.reference }),
					linesOf(row.at, row.reference),
				],
				([[note], [transfer], [isOver], [sale], lines]) => {
					findings.try(at, () => {
						demand(note !== undefined, "there is no such note");
						demand(end <= note.value, "it goes beyond its note");
						if (isClaim) {
							demand(row.at >= note.expires, "the note had not expired");
							demand(
								lines.some(
									({ account, reference }) =>
										isSystem(account, "expired") &&
										sameBytes(reference, row.note),
								),
								"no entry says that it was claimed",
							);
							return;
						}
						demand(transfer !== undefined, "its transfer is not there");
						const { pieces, payer, payee } = parseTransfer(
							findings.crypto,
							transfer.document,
						);
						// Its first note alone is held against its signature.
						demand(
							sameBytes(note.holder, payer),
							"its transfer was signed by another holder",
						);
						demand(
							pieces.some(
								({ noteId, offset, amount }) =>
									sameBytes(noteId, row.note) &&
									offset === row.offset &&
									amount === row.amount,
							),
							"it is no piece of its transfer",
						);
						if (isVoid && sale !== undefined)
							return demand(
								sale.state === "void" && row.at === transfer.at,
								"its sale is not void, or is so since another time",
							);
						if (isVoid)
							return demand(
								isOver !== undefined && row.at === isOver.at,
								"its transfer is not void, or is so since another time",
							);
						demand(
							row.kind === (findings.isOwn(payee) ? "exchange" : "deposit") &&
								row.at === transfer.at,
							"it is not of the kind or the time of its transfer",
						);
					});
					return NOTHING;
				},
			);
		},
	};
}
