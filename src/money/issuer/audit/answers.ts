import { TetradError } from "../../../errors.ts";
import { byKey, reading, type Transaction } from "../../../machine/index.ts";
import { sameBytes } from "../../../wire/index.ts";
import {
	body,
	type Note,
	parseNote,
	WITH_ISSUER,
} from "../../documents/index.ts";
import { SYSTEM } from "../ledger-entries.ts";
import {
	type ANSWERS,
	type ENTRIES,
	NOTES,
	type RowOf,
} from "../ledger-tables.ts";
import { saysLate } from "./answered.ts";
import type { Findings } from "./findings.ts";
import { demandLines, isSystem, linesOf } from "./lines.ts";
import { type Checks, demand, NOTHING, rowName } from "./step.ts";

/** What was answered was done: a note that was sent is there, and what was credited was entered. */
export function checkAnswers(
	findings: Findings,
): Checks<RowOf<typeof ANSWERS>> {
	let last: RowOf<typeof ANSWERS> | undefined;
	return {
		check: (row) => {
			const { device, request } = row;
			const at = rowName("answers", request);
			if (
				last !== undefined &&
				sameBytes(last.device, device) &&
				sameBytes(last.request, request)
			)
				findings.problem(`${at}: it is there twice`);
			last = row;
			const said = findings.try(at, () => {
				if (saysLate(row.answer)) findings.late.answers++;
				return readAnswer(findings, row);
			});
			if (said === undefined) return NOTHING;
			return reading(
				[
					linesOf(row.at, findings.transaction(device, request)),
					...said.notes.map(({ id }) => byKey(NOTES, { id })),
				] as never,
				([lines, ...found]: readonly [
					readonly RowOf<typeof ENTRIES>[],
					...(readonly RowOf<typeof NOTES>[])[],
				]) => {
					findings.try(at, () => {
						for (const [i, note] of said.notes.entries()) {
							const [row] = found[i] ?? [];
							demand(
								row !== undefined && sameBytes(row.document, note.document),
								"a note in it is not there",
							);
							demand(
								sameBytes(row.holder, device) &&
									sameBytes(row.request, request),
								"a note in it answers another request",
							);
						}
						if (said.isDeclined && lines.length > 0)
							// Its payee was told that a sale is void; the transfer says of what.
							return demand(
								lines.some(({ account }) => isSystem(account, "owed")),
								"it was declined, and has entries",
							);
						demand(
							lines.length === 0
								? said.amount === 0n
								: lines.some(({ amount }) => amount === said.amount),
							"its entries are not there, or say something else",
						);
					});
					findings.claimed += said.returned;
					const claim = lines.find(
						({ account }) =>
							isSystem(account, "expired") &&
							said.returned === 0n &&
							!said.isDeclined,
					);
					return claim === undefined
						? NOTHING
						: checkClaim(findings, at, device, said.amount, claim, lines);
				},
			);
		},
	};
}

/** A claim is its holder's, and so is what it credited. */
function checkClaim(
	findings: Findings,
	at: string,
	device: Uint8Array,
	amount: bigint,
	{ reference }: RowOf<typeof ENTRIES>,
	lines: readonly RowOf<typeof ENTRIES>[],
): Transaction<void> {
	findings.claimed += amount;
	return reading([byKey(NOTES, { id: reference })], ([[note]]) => {
		findings.try(at, () => {
			demand(
				note !== undefined && sameBytes(note.holder, device),
				"it claimed a note of another holder",
			);
			demandLines(lines, [
				[device, amount, reference],
				[SYSTEM.expired, -amount, reference],
			]);
		});
		return NOTHING;
	});
}

/** What an answer says: the notes that it makes, and what it enters into the account or in notes. */
function readAnswer(
	findings: Findings,
	{ request, answer }: RowOf<typeof ANSWERS>,
): Said {
	switch (answer[0]) {
		case WITH_ISSUER.issued.type: {
			const fields = body(WITH_ISSUER.issued, answer);
			demand(sameBytes(fields.request, request), OTHER_REQUEST);
			const notes = fields.notes.map((document) =>
				parseNote(findings.crypto, document),
			);
			const amount = notes.reduce((sum, { value }) => sum + value, 0n);
			return { notes, amount, returned: 0n, isDeclined: false };
		}
		case WITH_ISSUER.booked.type: {
			const fields = body(WITH_ISSUER.booked, answer);
			demand(sameBytes(fields.request, request), OTHER_REQUEST);
			return {
				notes: [],
				amount: fields.credited,
				returned: 0n,
				isDeclined: false,
			};
		}
		case WITH_ISSUER.outcome.type: {
			const fields = body(WITH_ISSUER.outcome, answer);
			demand(sameBytes(fields.request, request), OTHER_REQUEST);
			demand(fields.state !== 0, "it says that nothing was handed in");
			const { state, credited: amount } = fields;
			return {
				notes: [],
				amount,
				returned: state === 2 ? amount : 0n,
				isDeclined: false,
			};
		}
		case WITH_ISSUER.declined.type: {
			const fields = body(WITH_ISSUER.declined, answer);
			demand(sameBytes(fields.request, request), OTHER_REQUEST);
			return { notes: [], amount: 0n, returned: 0n, isDeclined: true };
		}
		default:
			throw new TetradError("malformed", "it is no answer of an issuer");
	}
}

/** What an answer says was done. */
interface Said {
	readonly notes: readonly Note[];
	readonly amount: bigint;
	/** What of it came back because a transfer is void. */
	readonly returned: bigint;
	readonly isDeclined: boolean;
}

const OTHER_REQUEST = "it is the answer to another request";
