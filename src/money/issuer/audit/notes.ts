import {
	certificateId,
	parseCertificate,
	parseChain,
} from "../../../identity/index.ts";
import { byKey, reading } from "../../../machine/index.ts";
import { sameBytes } from "../../../wire/index.ts";
import {
	body,
	type IssuedNotes,
	type Note,
	parseNote,
	sameCurrency,
	WITH_ISSUER,
} from "../../documents/index.ts";
import { SYSTEM } from "../ledger-entries.ts";
import { ANSWERS, CHAINS, type NOTES, type RowOf } from "../ledger-tables.ts";
import type { Findings } from "./findings.ts";
import type { IssuerChains } from "./issuer-chains.ts";
import { demandLines, isSystem, linesOf } from "./lines.ts";
import { type Checks, demand, NOTHING, rowName } from "./step.ts";

/** Every note was signed here, as it stands in its row, in answer to the request that it names. */
export function checkNotes(
	findings: Findings,
	chains: IssuerChains,
): Checks<RowOf<typeof NOTES>> {
	let last: Uint8Array | undefined;
	return {
		check: (row) => {
			const at = rowName("notes", row.id);
			if (last !== undefined && sameBytes(last, row.id))
				findings.problem(`${at}: it is there twice`);
			last = row.id;
			findings.sums.issued += row.value;
			const note = findings.try(at, () => noteOf(findings, row));
			if (note === undefined) return NOTHING;
			const transaction = findings.transaction(row.holder, row.request);
			return reading(
				[
					byKey(CHAINS, { certificate: note.issuerCertificate }),
					byKey(CHAINS, { certificate: row.holder_certificate }),
					byKey(ANSWERS, { device: row.holder, request: row.request }),
					linesOf(row.issued, transaction),
				],
				([[chain], [holder], [answer], lines]) => {
					findings.try(at, () => {
						chains.verify(note, chain);
						requireHolder(findings, note, holder);
						const issued = issuedIn(note, answer);
						demand(
							chain !== undefined && sameBytes(issued.chain, chain.chain),
							"the answer that brought it has another chain",
						);
						const other = lines.find(({ account }) =>
							isSystem(account, "returned"),
						);
						demandLines(lines, [
							[SYSTEM.issued, note.value, note.id],
							other === undefined
								? [note.holder, -note.value, note.id]
								: [SYSTEM.returned, -note.value, other.reference],
						]);
					});
					return NOTHING;
				},
			);
		},
	};
}

function noteOf(findings: Findings, row: RowOf<typeof NOTES>): Note {
	const note = parseNote(findings.crypto, row.document);
	const { issuer, currency, isPlay } = findings.terms;
	demand(sameBytes(note.id, row.id), "its document is another one");
	demand(
		sameBytes(note.holder, row.holder) &&
			note.value === row.value &&
			BigInt(note.issued) === row.issued &&
			BigInt(note.expires) === row.expires,
		"its row says something else than was signed",
	);
	demand(
		sameBytes(note.issuer, issuer) &&
			sameCurrency(note.currency, currency) &&
			note.isPlay === isPlay,
		"it is of another issuer or another money",
	);
	return note;
}

/** Evidence needs the chain that says whose key the note names. The bank may be one that is trusted no more. */
function requireHolder(
	findings: Findings,
	{ holderKey }: Note,
	row: RowOf<typeof CHAINS> | undefined,
): void {
	demand(row !== undefined, "the chain of its holder is not there");
	const [leaf] = parseChain(row.chain);
	demand(
		leaf !== undefined &&
			sameBytes(certificateId(findings.crypto, leaf), row.certificate) &&
			sameBytes(parseCertificate(leaf).publicKey, holderKey.publicKey),
		"the chain of its holder is another one",
	);
}

/** What brought a note to its holder. */
function issuedIn(
	{ document }: Note,
	row: RowOf<typeof ANSWERS> | undefined,
): IssuedNotes {
	const issued =
		row?.answer[0] === WITH_ISSUER.issued.type
			? body(WITH_ISSUER.issued, row.answer)
			: undefined;
	demand(
		issued?.notes.some((note) => sameBytes(note, document)) === true,
		"no answer to a request holds it",
	);
	return issued;
}
