import { byKey, reading } from "../../../machine/index.ts";
import { sameBytes } from "../../../wire/index.ts";
import { overlap, parseTransfer } from "../../documents/index.ts";
import { conflictId } from "../ledger-ids.ts";
import {
	type CONFLICTS,
	NOTES,
	type RowOf,
	TRANSFERS,
} from "../ledger-tables.ts";
import type { Findings } from "./findings.ts";
import { type Checks, demand, NOTHING, rowName } from "./step.ts";

export function checkConflicts(
	findings: Findings,
): Checks<RowOf<typeof CONFLICTS>> {
	return {
		check: ({ id, note, first, second, holder, at }) =>
			reading(
				[
					byKey(TRANSFERS, { id: first }),
					byKey(TRANSFERS, { id: second }),
					byKey(NOTES, { id: note }),
				],
				([[one], [other], [spent]]) => {
					findings.try(rowName("conflicts", id), () => {
						demand(
							one !== undefined && other !== undefined,
							"one of its transfers is not there",
						);
						const a = parseTransfer(findings.crypto, one.document);
						const b = parseTransfer(findings.crypto, other.document);
						demand(
							sameBytes(a.payer, holder) &&
								sameBytes(b.payer, holder) &&
								sameBytes(
									id,
									conflictId(findings.crypto, note, first, second),
								) &&
								a.pieces.some((piece) =>
									b.pieces.some(
										(rival) =>
											sameBytes(piece.noteId, note) && overlap(piece, rival),
									),
								),
							"its transfers do not overlap on that note",
						);
						demand(
							spent !== undefined && sameBytes(spent.holder, holder),
							"its note is another holder's, or is not there",
						);
						demand(
							other.at === at,
							"it is of another time than its later transfer",
						);
					});
					return NOTHING;
				},
			),
	};
}
