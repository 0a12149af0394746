import { type CryptoProvider, HASH_BYTES } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import {
	bytes,
	enc,
	type Field,
	type Fields,
	hex,
	malformed,
	mapped,
	mappedStructure,
	packed,
	row,
	SignedDocument,
	type Structure,
	sameBytes,
	structure,
	twoForms,
	u64,
	utf8,
	type Verified,
} from "../../wire/index.ts";
import { amount, currencyCode } from "./amount.ts";
import {
	CONTRACT_BYTES,
	DEVICE_ID,
	MAX_AMOUNT,
	MAX_PIECES,
	MAX_TRANSFER_BYTES,
} from "./limits.ts";
import { type Note, sameHolder, type VerifiedNote } from "./note.ts";

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
	/** A sale is booked only along with the terms whose contract it names; a payment has none. */
	readonly purpose: "payment" | "sale";
}

/** Note id (32), offset (8) and amount (8). */
const piece: Field<Piece> = mapped(
	row<Piece>({ noteId: bytes(HASH_BYTES), offset: u64, amount }),
	{
		from(found) {
			if (found.offset + found.amount > MAX_AMOUNT)
				throw malformed("a piece goes beyond 2^63 - 1");
			return found;
		},
		to: (value) => value,
	},
);

/** The tenth field of a sale. */
const SALE: Uint8Array = utf8("sale");

const sale: Field<"sale"> = mapped(bytes(SALE.length), {
	from(found) {
		if (!sameBytes(found, SALE))
			throw malformed("a transfer has a purpose that there is not");
		return "sale";
	},
	to: () => SALE,
});

type PaymentBody = Omit<TransferBody, "purpose">;
type SaleBody = PaymentBody & { readonly purpose: "sale" };

const PAYMENT: Fields<PaymentBody> = {
	payer: DEVICE_ID,
	payee: DEVICE_ID,
	issuer: DEVICE_ID,
	currency: currencyCode,
	amount,
	contract: bytes(CONTRACT_BYTES),
	binding: bytes(HASH_BYTES),
	parties: bytes(HASH_BYTES),
	pieces: packed(piece, 1, MAX_PIECES),
};

const BODY: Structure<TransferBody> = mappedStructure(
	twoForms<TransferBody>(
		mappedStructure(structure<PaymentBody>("a transfer", PAYMENT), {
			from: (body) => ({ ...body, purpose: "payment" }),
			to: (body) => body,
		}),
		mappedStructure(
			structure<SaleBody>("a transfer", { ...PAYMENT, purpose: sale }),
			{
				from: (body) => body,
				to: (body) => ({ ...body, purpose: "sale" as const }),
			},
		),
		({ purpose }) => purpose === "sale",
	),
	{
		from(body) {
			let sum = 0n;
			for (const each of body.pieces) sum += each.amount;
			if (sum !== body.amount)
				throw malformed("the pieces of a transfer are not its sum");
			requireDisjoint(body.pieces);
			return body;
		},
		to: (body) => body,
	},
);

const ID_LABEL: Uint8Array = utf8("tetrad/1 transfer");

/** A transfer as it was read: well formed, and not yet verified. */
export interface Transfer extends TransferBody {
	/** SHA-256(enc("tetrad/1 transfer", body)), 32 bytes: a signature that was encoded anew makes no second transfer. */
	readonly id: Uint8Array;
	/** enc(body, signature). */
	readonly document: Uint8Array;
}

/** A transfer and what it is of. */
export interface TransferOfNotes {
	readonly transfer: Transfer;
	/** One for each piece, in the same order. */
	readonly notes: readonly Note[];
}

/** A transfer that the holder of its notes signed, of ranges that are in them. Only `verifyTransfer` makes one. */
export type VerifiedTransfer = Verified<TransferOfNotes>;

const TRANSFER: SignedDocument<
	TransferBody,
	Transfer,
	readonly VerifiedNote[],
	TransferOfNotes
> = new SignedDocument({
	name: "a transfer",
	role: "TR",
	body: BODY,
	maxBytes: MAX_TRANSFER_BYTES,
	judge(transfer, verified) {
		const notes = notesOfPieces(transfer, verified);
		const [{ holderKey }] = notes;
		return { key: holderKey, proves: { transfer, notes } };
	},
});

/** The bytes that a holder signs, and how they become a transfer. Throws `invalid-argument` and `malformed` for one that nobody would read. */
export function draftTransfer(body: TransferBody): {
	readonly toSign: Uint8Array;
	readonly sign: (crypto: CryptoProvider, signature: Uint8Array) => Transfer;
} {
	const { toSign, sign } = TRANSFER.draft(body);
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
	const { signed, encoded } = TRANSFER.read(document);
	return { ...signed, id: crypto.sha256(enc(ID_LABEL, encoded)) };
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
	return TRANSFER.verify(crypto, transfer, notes);
}

/**
 * Checks that the holder of one note signed a transfer that has a piece of it, as far as this can
 * be said without its other notes: enough to accuse, and not enough to be paid.
 */
export function verifyTransferOfNote(
	crypto: CryptoProvider,
	transfer: Transfer,
	{ value: note }: VerifiedNote,
): void {
	if (
		!sameBytes(note.holder, transfer.payer) ||
		!transfer.pieces.some(({ noteId }) => sameBytes(noteId, note.id))
	)
		throw refused("the transfer is not one by the holder of that note");
	TRANSFER.requireSigned(crypto, transfer, note.holderKey);
}

/** Whether two pieces have a minor unit in common. */
export function overlap(a: Piece, b: Piece): boolean {
	return (
		sameBytes(a.noteId, b.noteId) &&
		a.offset < b.offset + b.amount &&
		b.offset < a.offset + a.amount
	);
}

/** The note of each piece, when they are of the payer and of one money. Throws `payment-refused`. */
function notesOfPieces(
	transfer: Transfer,
	notes: readonly VerifiedNote[],
): readonly [Note, ...Note[]] {
	const byId = new Map(notes.map(({ value }) => [hex(value.id), value]));
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
	return [first, ...ofPieces.slice(1)];
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
