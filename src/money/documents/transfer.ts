import { type CryptoProvider, HASH_BYTES } from "../../crypto/index.ts";
import { authenticationFailed, TetradError } from "../../errors.ts";
import {
	bytes,
	copy,
	enc,
	hex,
	malformed,
	parseUtf8,
	sameBytes,
	structure,
	utf8,
} from "../../wire/index.ts";
import {
	amountBytes,
	isCurrencyCode,
	parseAmountBytes,
	parseUint64,
	uint64,
} from "./amount.ts";
import {
	CONTRACT_BYTES,
	CURRENCY_CODE,
	DEVICE_ID,
	MAX_AMOUNT,
	MAX_PIECES,
	MAX_TRANSFER_BYTES,
	PIECE_BYTES,
} from "./limits.ts";
import { type Note, sameHolder, type VerifiedNote } from "./note.ts";
import { SignedDocument } from "./signed-document.ts";

/** A range of one note: `amount` minor units from `offset` on. */
export interface Piece {
	/** 32 bytes. */
	readonly noteId: Uint8Array;
	/** Where the range begins in the note, in minor units from its start. */
	readonly offset: bigint;
	/** In minor units. */
	readonly amount: bigint;
}

/** What a holder signs when it pays. Its ranges are the payee's from then on, and nobody else's. */
export interface TransferBody {
	/** Device id of the module that holds the notes. */
	readonly payer: Uint8Array;
	/** Device id of the only module that may have it booked. */
	readonly payee: Uint8Array;
	/** Device id of the issuer of every note in it. */
	readonly issuer: Uint8Array;
	readonly currency: string;
	/** The sum of the pieces. */
	readonly amount: bigint;
	/** What it pays for, 32 bytes. There is one payment for a contract. */
	readonly contract: Uint8Array;
	/** Exported by the tetrad in which it was committed, 32 bytes. */
	readonly binding: Uint8Array;
	/** Hash over the four device ids of that tetrad, 32 bytes. */
	readonly parties: Uint8Array;
	readonly pieces: readonly Piece[];
}

const BODY = structure("a transfer", {
	payer: DEVICE_ID,
	payee: DEVICE_ID,
	issuer: DEVICE_ID,
	currency: CURRENCY_CODE,
	amount: bytes(8),
	contract: bytes(CONTRACT_BYTES),
	binding: bytes(HASH_BYTES),
	parties: bytes(HASH_BYTES),
	/** Note id (32), offset (8) and amount (8) of each piece, one after another. */
	pieces: bytes(PIECE_BYTES, MAX_PIECES * PIECE_BYTES),
});

const TRANSFER = new SignedDocument(
	"a transfer",
	"TR",
	BODY.maxBytes,
	MAX_TRANSFER_BYTES,
);

const ID_LABEL = utf8("tetrad/1 transfer");

/** A transfer as it was read: well formed, and not yet verified. */
export interface Transfer extends TransferBody {
	/** SHA-256(enc("tetrad/1 transfer", body)), 32 bytes: a signature that was encoded anew makes no second transfer. */
	readonly id: Uint8Array;
	/** enc(body, signature). */
	readonly document: Uint8Array;
}

const minted: unique symbol = Symbol();

/** A transfer that the holder of its notes signed, of ranges that are in them. Only `verifyTransfer` makes one. */
export class VerifiedTransfer {
	/** An object of the same form is none: only the check makes one. */
	declare protected readonly minted: true;
	readonly transfer: Transfer;
	/** One for each piece, in the same order. */
	readonly notes: readonly Note[];

	constructor(
		proof: typeof minted,
		transfer: Transfer,
		notes: readonly Note[],
	) {
		if (proof !== minted)
			throw new TetradError("internal", "only a check can make this value");
		this.transfer = transfer;
		this.notes = notes;
	}
}

/** The bytes that a holder signs, and how they become a transfer. Throws `invalid-argument` and `malformed` for one that nobody would read. */
export function draftTransfer(body: TransferBody): {
	readonly toSign: Uint8Array;
	readonly sign: (crypto: CryptoProvider, signature: Uint8Array) => Transfer;
} {
	const pieces = new Uint8Array(body.pieces.length * PIECE_BYTES);
	for (const [i, { noteId, offset, amount }] of body.pieces.entries()) {
		if (noteId.length !== HASH_BYTES)
			throw malformed("a piece of a transfer names no note");
		const at = i * PIECE_BYTES;
		pieces.set(noteId, at);
		pieces.set(uint64(offset), at + HASH_BYTES);
		pieces.set(amountBytes(amount), at + HASH_BYTES + 8);
	}
	const bytes = copy(
		BODY.encode({
			payer: body.payer,
			payee: body.payee,
			issuer: body.issuer,
			currency: utf8(body.currency),
			amount: amountBytes(body.amount),
			contract: body.contract,
			binding: body.binding,
			parties: body.parties,
			pieces,
		}),
	);
	parseBody(bytes);
	const { toSign, sign } = TRANSFER.draft(bytes);
	return {
		toSign,
		sign: (crypto, signature) => parseTransfer(crypto, sign(signature)),
	};
}

/** Reads a signed transfer (copied). Throws `malformed`, also when its pieces are not its sum. */
export function parseTransfer(
	crypto: CryptoProvider,
	document: Uint8Array,
): Transfer {
	const { document: own, body } = TRANSFER.read(document);
	return {
		...parseBody(body),
		id: crypto.sha256(enc(ID_LABEL, body)),
		document: own,
	};
}

function parseBody(body: Uint8Array): TransferBody {
	const fields = BODY.decode(body);
	const currency = parseUtf8(fields.currency);
	if (!isCurrencyCode(currency))
		throw malformed("a transfer names no currency");
	if (fields.pieces.length % PIECE_BYTES !== 0)
		throw malformed("a piece of a transfer is cut short");
	const pieces: Piece[] = [];
	for (let at = 0; at < fields.pieces.length; at += PIECE_BYTES)
		pieces.push(parsePiece(fields.pieces.subarray(at, at + PIECE_BYTES)));
	const amount = parseAmountBytes(fields.amount);
	let sum = 0n;
	for (const piece of pieces) sum += piece.amount;
	if (sum !== amount)
		throw malformed("the pieces of a transfer are not its sum");
	requireDisjoint(pieces);
	return {
		payer: fields.payer,
		payee: fields.payee,
		issuer: fields.issuer,
		currency,
		amount,
		contract: fields.contract,
		binding: fields.binding,
		parties: fields.parties,
		pieces,
	};
}

/**
 * Checks that the holder of `notes` signed the transfer and that its ranges are in them. `notes`
 * are those of the pieces and no others, in any order. Whether the payee, the contract and the
 * tetrad are the right ones is for the caller to ask.
 *
 * Throws `payment-refused` with what does not fit, and `authentication-failed` for the signature.
 */
export function verifyTransfer(
	crypto: CryptoProvider,
	transfer: Transfer,
	notes: readonly VerifiedNote[],
): VerifiedTransfer {
	const byId = new Map(notes.map(({ note }) => [hex(note.id), note]));
	const used = new Set<string>();
	const ofPieces = transfer.pieces.map(({ noteId, offset, amount }) => {
		const id = hex(noteId);
		const note = byId.get(id);
		if (note === undefined)
			throw refused("a note that is paid with is missing");
		used.add(id);
		if (offset + amount > note.value)
			throw refused("a piece is not within its note");
		if (
			!sameBytes(note.issuer, transfer.issuer) ||
			note.currency.code !== transfer.currency
		)
			throw refused(
				"a piece is of another issuer or currency than its transfer",
			);
		return note;
	});
	const [first] = ofPieces;
	if (
		first === undefined ||
		used.size !== notes.length ||
		byId.size !== notes.length
	)
		throw refused("notes came with a transfer that does not need them");
	if (!sameBytes(first.holder, transfer.payer))
		throw refused("the notes are held by somebody else than the payer");
	for (const note of ofPieces)
		if (
			!sameHolder(note, first) ||
			note.isPlay !== first.isPlay ||
			note.currency.exponent !== first.currency.exponent
		)
			throw refused(
				"the notes of a transfer are not of one holder and one money",
			);
	if (sameBytes(transfer.payer, transfer.payee))
		throw refused("a transfer pays its own payer");
	requireSigned(crypto, transfer, first);
	return new VerifiedTransfer(minted, transfer, ofPieces);
}

/**
 * Checks that the holder of one note signed a transfer that has a piece of it, as far as this can
 * be said without its other notes: enough to accuse, and not enough to be paid.
 */
export function verifyTransferOfNote(
	crypto: CryptoProvider,
	transfer: Transfer,
	{ note }: VerifiedNote,
): void {
	if (
		!sameBytes(note.holder, transfer.payer) ||
		!transfer.pieces.some(({ noteId }) => sameBytes(noteId, note.id))
	)
		throw refused("the transfer is not one by the holder of that note");
	requireSigned(crypto, transfer, note);
}

function requireSigned(
	crypto: CryptoProvider,
	{ document }: Transfer,
	{ holderKey }: Note,
): void {
	if (!TRANSFER.isSigned(crypto, document, holderKey))
		throw authenticationFailed();
}

/** Whether two pieces have a minor unit in common. */
export function overlap(a: Piece, b: Piece): boolean {
	return (
		sameBytes(a.noteId, b.noteId) &&
		a.offset < b.offset + b.amount &&
		b.offset < a.offset + a.amount
	);
}

function parsePiece(bytes: Uint8Array): Piece {
	const offset = parseUint64(bytes.subarray(HASH_BYTES, HASH_BYTES + 8));
	const amount = parseAmountBytes(bytes.subarray(HASH_BYTES + 8));
	if (offset + amount > MAX_AMOUNT)
		throw malformed("a piece goes beyond 2^63 - 1");
	return { noteId: bytes.subarray(0, HASH_BYTES), offset, amount };
}

function requireDisjoint(pieces: readonly Piece[]): void {
	const byNote = Map.groupBy(pieces, ({ noteId }) => hex(noteId));
	for (const ofNote of byNote.values()) {
		const sorted = ofNote.toSorted((a, b) => (a.offset < b.offset ? -1 : 1));
		for (const [i, piece] of sorted.entries()) {
			const next = sorted[i + 1];
			if (next !== undefined && overlap(piece, next))
				throw malformed("two pieces of a transfer overlap");
		}
	}
}

function refused(why: string): TetradError {
	return new TetradError("payment-refused", why);
}
