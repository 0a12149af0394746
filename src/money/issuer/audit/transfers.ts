import { byKey, reading, type Transaction } from "../../../machine/index.ts";
import { hex, sameBytes } from "../../../wire/index.ts";
import {
	MAX_PIECES,
	parseNote,
	parseTransfer,
	type Transfer,
	verifyTransferOfNote,
} from "../../documents/index.ts";
import { predecessor } from "../ledger-bookings.ts";
import { SYSTEM } from "../ledger-entries.ts";
import {
	ANSWERS,
	CHAINS,
	CONFLICTS,
	NOTES,
	type RowOf,
	SALES,
	type TRANSFERS,
	VOIDS,
} from "../ledger-tables.ts";
import { conflictsIn, saysBooked, saysLate } from "./answered.ts";
import type { Findings } from "./findings.ts";
import type { IssuerChains } from "./issuer-chains.ts";
import { demandLines, isSystem, linesOf } from "./lines.ts";
import { type Checks, demand, NOTHING, rowName } from "./step.ts";

/** Every transfer was signed by the holder, and each piece is booked for it or, with evidence, for an earlier one. */
export function checkTransfers(
	findings: Findings,
	chains: IssuerChains,
): Checks<RowOf<typeof TRANSFERS>> {
	let last: Uint8Array | undefined;
	return {
		check: (row) => {
			const at = rowName("transfers", row.id);
			if (last !== undefined && sameBytes(last, row.id))
				findings.problem(`${at}: it is there twice`);
			last = row.id;
			const transfer = findings.try(at, () => {
				const read = parseTransfer(findings.crypto, row.document);
				demand(sameBytes(read.id, row.id), "its document is another one");
				return read;
			});
			return transfer === undefined
				? NOTHING
				: checkTransfer(findings, chains, at, row, transfer);
		},
	};
}

function checkTransfer(
	findings: Findings,
	chains: IssuerChains,
	at: string,
	row: RowOf<typeof TRANSFERS>,
	transfer: Transfer,
): Transaction<void> {
	const isExchange = findings.isOwn(transfer.payee);
	const device =
		isExchange || row.resolved !== 0n ? transfer.payer : transfer.payee;
	const credited = isExchange ? transfer.payer : transfer.payee;
	const [first] = transfer.pieces;
	return reading(
		[
			byKey(NOTES, { id: first?.noteId ?? new Uint8Array() }),
			byKey(ANSWERS, { device, request: row.request }),
			byKey(VOIDS, { transfer: row.id }),
			byKey(SALES, { transfer: row.id }),
			linesOf(row.at, findings.transaction(device, row.request)),
		],
		([[note], [answer], [isOver], [sale], lines]) => {
			findings.try(at, () => {
				demand(
					(transfer.purpose === "sale") === (sale !== undefined),
					"it is marked as a sale and none is there, or the other way round",
				);
				demand(answer !== undefined, "its request was not answered");
				demand(
					saysBooked(answer.answer, row.booked),
					"its request was answered with something else",
				);
				demand(
					answer.at === row.at,
					"its request was answered at another time",
				);
				if (saysLate(answer.answer)) findings.late.transfers++;
				// What became of it when it is void is looked at there.
				if (isOver !== undefined && sameBytes(isOver.request, row.request))
					return;
				if (sale?.state === "void")
					return demandLines(lines, [
						[SYSTEM.owed, transfer.amount, row.id],
						[SYSTEM.expired, -transfer.amount, row.id],
					]);
				demand(
					lines.every(
						({ kind }) => kind === (isExchange ? "exchange" : "deposit"),
					),
					"its entries are of another kind than it is",
				);
				const other = lines.find(({ account }) => isSystem(account, "issued"));
				demandLines(
					lines,
					row.booked === 0n
						? []
						: [
								[SYSTEM.returned, -row.booked, row.id],
								other === undefined
									? [credited, row.booked, row.id]
									: [SYSTEM.issued, row.booked, other.reference],
							],
				);
			});
			const read = findings.try(at, () => {
				demand(note !== undefined, "its note is not there");
				return parseNote(findings.crypto, note.document);
			});
			return read === undefined
				? NOTHING
				: reading(
						[byKey(CHAINS, { certificate: read.issuerCertificate })],
						([[chain]]) => {
							findings.try(at, () =>
								verifyTransferOfNote(
									findings.crypto,
									transfer,
									chains.verify(read, chain),
								),
							);
							return checkPieces(
								findings,
								at,
								row,
								transfer,
								isExchange,
								isOver,
								sale,
								answer,
							);
						},
					);
		},
	);
}

function checkPieces(
	findings: Findings,
	at: string,
	row: RowOf<typeof TRANSFERS>,
	{ id, amount: whole, pieces }: Transfer,
	isExchange: boolean,
	isOver: RowOf<typeof VOIDS> | undefined,
	sale: RowOf<typeof SALES> | undefined,
	answer: RowOf<typeof ANSWERS> | undefined,
): Transaction<void> {
	const isWhole = isExchange || sale !== undefined;
	const isVoid = isOver !== undefined || sale?.state === "void";
	const declaredVoid =
		sale?.state === "void" ? whole : (isOver?.returned ?? 0n);
	return reading(pieces.map(predecessor), (found) => {
		let booked = 0n;
		let returned = 0n;
		const missing: bigint[] = [];
		const taken: Uint8Array[] = [];
		const claimed: Uint8Array[] = [];
		for (const [i, piece] of pieces.entries()) {
			const [by] = found[i] ?? [];
			if (by === undefined || by.offset + by.amount <= piece.offset)
				missing.push(piece.offset);
			// A holder may claim what it has committed, by its own mistake or the clock's, and accuses nobody by it.
			else if (by.kind === "claim") claimed.push(piece.noteId);
			else if (!sameBytes(by.reference, id)) taken.push(piece.noteId);
			else if (by.kind === "void") returned += by.amount;
			else booked += by.amount;
		}
		findings.try(at, () => {
			demand(
				booked === row.booked,
				`${booked} of it is booked, and not ${row.booked}`,
			);
			demand(
				returned === declaredVoid,
				`${returned} of it is void, and not ${declaredVoid}`,
			);
			if (isWhole)
				demand(
					booked === (taken.length + claimed.length > 0 || isVoid ? 0n : whole),
					"an exchange or a sale is booked as a whole, or not at all",
				);
			else
				demand(
					missing.length === 0,
					`its piece from ${missing[0]} is booked nowhere`,
				);
		});
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
				const isRecorded = (noteId: Uint8Array) =>
					conflicts.some(({ note }) => sameBytes(note, noteId));
				findings.try(at, () => {
					// One taken piece declines a whole. Its others stay free, and whoever is paid with them later is in no conflict with it.
					demand(
						isWhole && taken.length > 0
							? claimed.length > 0 || taken.some(isRecorded)
							: taken.every(isRecorded),
						"what overlaps it is booked, and no conflict is recorded",
					);
					if (isWhole || row.resolved !== 0n || answer === undefined) return;
					const told = new Set(conflictsIn(answer.answer).map(hex));
					const first = new Set(conflicts.map((row) => hex(row.first)));
					demand(
						told.symmetricDifference(first).size === 0,
						"its payee was told of other conflicts",
					);
				});
				return NOTHING;
			},
		);
	});
}
