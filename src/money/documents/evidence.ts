import type { CryptoProvider } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import {
	MAX_CHAIN_BYTES,
	type TrustAnchor,
	validateChain,
} from "../../identity/index.ts";
import {
	bytes,
	copy,
	enc,
	malformed,
	sameBytes,
	structure,
	utf8,
} from "../../wire/index.ts";
import { MAX_NOTE_BYTES, MAX_TRANSFER_BYTES } from "./limits.ts";
import { type Note, parseNote, sameHolder, verifyNote } from "./note.ts";
import {
	overlap,
	type Piece,
	parseTransfer,
	type Transfer,
	type TransferBody,
	verifyTransferOfNote,
} from "./transfer.ts";

/*
 * Evidence of double spending: a note, and two different transfers by its holder whose ranges of
 * it overlap. It needs no trust in whoever brings it, nor in the issuer, which could name any key
 * as the holder's: a bank's certificate says whose key it is, and that key's two signatures say
 * the rest.
 */

const LABEL = utf8("tetrad/1 evidence");

const EVIDENCE = structure("evidence", {
	label: bytes(LABEL.length),
	/** The chain under which the issuer signed the note. */
	issuerChain: bytes(1, MAX_CHAIN_BYTES),
	/** The chain that the holder had when the note was issued to it. */
	holderChain: bytes(1, MAX_CHAIN_BYTES),
	note: bytes(1, MAX_NOTE_BYTES),
	first: bytes(1, MAX_TRANSFER_BYTES),
	second: bytes(1, MAX_TRANSFER_BYTES),
});

/** The largest evidence, in bytes. */
export const MAX_EVIDENCE_BYTES: number = EVIDENCE.maxBytes;

/** What evidence of double spending is made of: the note, two transfers of one range of it, and the chains that they are verified under. */
export interface EvidenceParts {
	/** Encoded. */
	readonly issuerChain: Uint8Array;
	readonly holderChain: Uint8Array;
	/** Documents. */
	readonly note: Uint8Array;
	readonly first: Uint8Array;
	readonly second: Uint8Array;
}

const minted: unique symbol = Symbol();

/** A module that spent one range twice, proved. Only `openEvidence` makes one. */
export class DoubleSpending {
	/** An object of the same form is none: only the check makes one. */
	declare protected readonly minted: true;
	readonly note: Note;
	readonly first: Transfer;
	readonly second: Transfer;
	/** The pieces that overlap, one of each transfer. */
	readonly pieces: readonly [Piece, Piece];

	constructor(
		proof: typeof minted,
		note: Note,
		first: Transfer,
		second: Transfer,
		pieces: readonly [Piece, Piece],
	) {
		if (proof !== minted)
			throw new TetradError("internal", "only a check can make this value");
		this.note = note;
		this.first = first;
		this.second = second;
		this.pieces = pieces;
	}

	/** Device id of the module that did it. */
	get holder(): Uint8Array {
		return this.note.holder;
	}
}

/** Evidence for whoever wants to look; the order of the transfers does not matter. */
export function encodeEvidence(parts: EvidenceParts): Uint8Array {
	const { issuerChain, holderChain, note, first, second } = parts;
	return enc(LABEL, issuerChain, holderChain, note, first, second);
}

/** Two pieces that both transfers claim, or `undefined` when they can stand side by side. */
export function conflictOf(
	a: TransferBody & Pick<Transfer, "id">,
	b: TransferBody & Pick<Transfer, "id">,
): readonly [Piece, Piece] | undefined {
	if (sameBytes(a.id, b.id)) return undefined;
	for (const one of a.pieces)
		for (const other of b.pieces) if (overlap(one, other)) return [one, other];
	return undefined;
}

/**
 * Judges evidence (copied) by itself and `banks` alone. The chains of issuer and holder have to
 * have been valid when the note was issued; what has expired since proves what it proved.
 *
 * Throws `malformed`, `chain-refused`, `authentication-failed`, `payment-refused` for a note or a
 * transfer of somebody else, and `invalid-argument` when the two transfers accuse nobody.
 */
export function openEvidence(
	crypto: CryptoProvider,
	bytes: Uint8Array,
	banks: readonly TrustAnchor[],
): DoubleSpending {
	if (bytes.length > MAX_EVIDENCE_BYTES)
		throw malformed("evidence is too long");
	const fields = EVIDENCE.decode(copy(bytes));
	if (!sameBytes(fields.label, LABEL))
		throw new TetradError(
			"malformed",
			"this is no evidence of double spending",
		);
	const note = parseNote(crypto, fields.note);
	const certified = (chain: Uint8Array) =>
		validateChain(crypto, chain, "module", banks, note.issued);
	const verified = verifyNote(crypto, note, certified(fields.issuerChain));
	const { deviceId, algorithm, publicKey } = certified(fields.holderChain);
	if (
		!sameHolder(note, { holder: deviceId, holderKey: { algorithm, publicKey } })
	)
		throw accusesNobody(
			"no bank certified the holder's key that the note names",
		);
	const first = parseTransfer(crypto, fields.first);
	const second = parseTransfer(crypto, fields.second);
	if (sameBytes(first.id, second.id))
		throw accusesNobody(
			"both transfers are the same one, however they are signed",
		);
	const pieces = overlapOn(note, first, second);
	if (pieces === undefined)
		throw accusesNobody("the two transfers do not overlap on that note");
	for (const transfer of [first, second])
		verifyTransferOfNote(crypto, transfer, verified);
	return new DoubleSpending(minted, note, first, second, pieces);
}

function overlapOn(
	{ id }: Note,
	first: Transfer,
	second: Transfer,
): readonly [Piece, Piece] | undefined {
	const ofNote = ({ noteId }: Piece) => sameBytes(noteId, id);
	return conflictOf(
		{ ...first, pieces: first.pieces.filter(ofNote) },
		{ ...second, pieces: second.pieces.filter(ofNote) },
	);
}

function accusesNobody(why: string): TetradError {
	return new TetradError(
		"invalid-argument",
		`this is no double spending: ${why}`,
	);
}
