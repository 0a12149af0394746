import {
	type CryptoProvider,
	HASH_BYTES,
	type SignatureAlgorithm,
} from "../../crypto/index.ts";
import { authenticationFailed, TetradError } from "../../errors.ts";
import type { CertifiedDevice } from "../../identity/index.ts";
import {
	bytes,
	concat,
	copy,
	enc,
	malformed,
	parseUtf8,
	sameBytes,
	structure,
	utf8,
} from "../../wire/index.ts";
import {
	amountBytes,
	type Currency,
	isCurrencyCode,
	parseAmountBytes,
	parseTimeBytes,
	requireAmount,
	requireCurrency,
	timeBytes,
} from "./amount.ts";
import {
	CURRENCY_CODE,
	DEVICE_ID,
	HOLDER_KEY,
	MAX_EXPONENT,
	MAX_NOTE_BYTES,
} from "./limits.ts";
import { SignedDocument } from "./signed-document.ts";

/** The key that a holder signs its transfers with. */
export interface HolderKey {
	readonly algorithm: SignatureAlgorithm;
	/** Raw: 65 bytes uncompressed for P-256, 32 for Ed25519. */
	readonly publicKey: Uint8Array;
}

/** What a note says. */
export interface NoteBody {
	/** Device id of the issuer's module. */
	readonly issuer: Uint8Array;
	/** Certificate id under which it signed, 32 bytes. */
	readonly issuerCertificate: Uint8Array;
	readonly currency: Currency;
	readonly isPlay: boolean;
	/** In minor units. The note is the range from 0 to it. */
	readonly value: bigint;
	/** Milliseconds since the epoch. */
	readonly issued: number;
	/** Milliseconds since the epoch; what is not deposited by then can only be claimed by the holder. */
	readonly expires: number;
	/** Device id of the one module that may transfer it. */
	readonly holder: Uint8Array;
	readonly holderKey: HolderKey;
	/** Makes it unlike every other note: 32 bytes, which follow from the request that it answers. */
	readonly serial: Uint8Array;
}

const BODY = structure("a note", {
	issuer: DEVICE_ID,
	issuerCertificate: bytes(HASH_BYTES),
	currency: CURRENCY_CODE,
	/** Exponent, then 1 for play money and 0 for other. */
	kind: bytes(2),
	value: bytes(8),
	issued: bytes(8),
	expires: bytes(8),
	holder: DEVICE_ID,
	/** 1 for P-256 or 2 for Ed25519, then the raw key. */
	holderKey: HOLDER_KEY,
	serial: bytes(HASH_BYTES),
});

const NOTE = new SignedDocument("a note", "NO", BODY.maxBytes, MAX_NOTE_BYTES);

const ID_LABEL = utf8("tetrad/1 note");

/** A note as it was read: well formed, and not yet verified. */
export interface Note extends NoteBody {
	/** SHA-256(enc("tetrad/1 note", body)), 32 bytes. It does not depend on the signature. */
	readonly id: Uint8Array;
	/** enc(body, signature). */
	readonly document: Uint8Array;
}

const minted: unique symbol = Symbol();

/** A note that its issuer signed. Only `verifyNote` makes one. */
export class VerifiedNote {
	/** An object of the same form is none: only the check makes one. */
	declare protected readonly minted: true;
	readonly note: Note;

	constructor(proof: typeof minted, note: Note) {
		if (proof !== minted)
			throw new TetradError("internal", "only a check can make this value");
		this.note = note;
	}
}

/** The bytes that an issuer signs for a new note, and how it becomes one. Throws `invalid-argument`, and `malformed` for fields that no note has. */
export function draftNote(body: NoteBody): {
	readonly toSign: Uint8Array;
	readonly sign: (crypto: CryptoProvider, signature: Uint8Array) => Note;
} {
	requireCurrency(body.currency);
	requireAmount(body.value);
	if (!(body.issued < body.expires))
		throw new TetradError(
			"invalid-argument",
			"a note expires after it is issued",
		);
	const bytes = copy(
		BODY.encode({
			issuer: body.issuer,
			issuerCertificate: body.issuerCertificate,
			currency: utf8(body.currency.code),
			kind: Uint8Array.of(body.currency.exponent, body.isPlay ? 1 : 0),
			value: amountBytes(body.value),
			issued: timeBytes(body.issued),
			expires: timeBytes(body.expires),
			holder: body.holder,
			holderKey: holderKeyBytes(body.holderKey),
			serial: body.serial,
		}),
	);
	parseBody(bytes);
	const { toSign, sign } = NOTE.draft(bytes);
	return {
		toSign,
		sign: (crypto, signature) => parseNote(crypto, sign(signature)),
	};
}

/** Reads a signed note (copied). Throws `malformed`. */
export function parseNote(crypto: CryptoProvider, document: Uint8Array): Note {
	const { document: own, body } = NOTE.read(document);
	return {
		...parseBody(body),
		id: crypto.sha256(enc(ID_LABEL, body)),
		document: own,
	};
}

function parseBody(body: Uint8Array): NoteBody {
	const fields = BODY.decode(body);
	const code = parseUtf8(fields.currency);
	const [exponent = 0, play = 0] = fields.kind;
	if (!isCurrencyCode(code) || exponent > MAX_EXPONENT || play > 1)
		throw malformed("a note names no currency");
	const issued = parseTimeBytes(fields.issued);
	const expires = parseTimeBytes(fields.expires);
	if (!(issued < expires))
		throw malformed("a note expires before it is issued");
	return {
		issuer: fields.issuer,
		issuerCertificate: fields.issuerCertificate,
		currency: { code, exponent },
		isPlay: play === 1,
		value: parseAmountBytes(fields.value),
		issued,
		expires,
		holder: fields.holder,
		holderKey: parseHolderKey(fields.holderKey),
		serial: fields.serial,
	};
}

/**
 * Checks that `issuer` signed the note under the certificate that it names. Whether that issuer is
 * one whose notes are taken, and whether the note has expired, are for the caller to ask. Throws
 * `payment-refused` for another issuer and `authentication-failed` for a signature that does not fit.
 */
export function verifyNote(
	crypto: CryptoProvider,
	note: Note,
	issuer: CertifiedDevice,
): VerifiedNote {
	if (
		issuer.role !== "module" ||
		!sameBytes(note.issuer, issuer.deviceId) ||
		!sameBytes(note.issuerCertificate, issuer.certificateId)
	)
		throw new TetradError(
			"payment-refused",
			"a note names another issuer, or another certificate of it, than the chain that came with it",
		);
	if (!NOTE.isSigned(crypto, note.document, issuer))
		throw authenticationFailed();
	return new VerifiedNote(minted, note);
}

/** Whether two notes are for the same module under the same key. */
export function sameHolder(
	a: Pick<NoteBody, "holder" | "holderKey">,
	b: Pick<NoteBody, "holder" | "holderKey">,
): boolean {
	return (
		sameBytes(a.holder, b.holder) &&
		a.holderKey.algorithm === b.holderKey.algorithm &&
		sameBytes(a.holderKey.publicKey, b.holderKey.publicKey)
	);
}

const KEY_KINDS: readonly SignatureAlgorithm[] = ["P-256", "Ed25519"];

const KEY_LENGTHS: Readonly<Record<SignatureAlgorithm, number>> = {
	"P-256": 65,
	Ed25519: 32,
};

function holderKeyBytes({ algorithm, publicKey }: HolderKey): Uint8Array {
	return concat(Uint8Array.of(KEY_KINDS.indexOf(algorithm) + 1), publicKey);
}

function parseHolderKey(bytes: Uint8Array): HolderKey {
	const algorithm = KEY_KINDS[(bytes[0] as number) - 1];
	const publicKey = bytes.subarray(1);
	if (algorithm === undefined || publicKey.length !== KEY_LENGTHS[algorithm])
		throw malformed("a note names no key of its holder");
	return { algorithm, publicKey };
}
