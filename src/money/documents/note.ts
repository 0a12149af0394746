import {
	type CryptoProvider,
	HASH_BYTES,
	type SignatureAlgorithm,
} from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import type { CertifiedDevice } from "../../identity/index.ts";
import {
	bytes,
	concat,
	enc,
	type Field,
	malformed,
	mapped,
	mappedStructure,
	SignedDocument,
	type Structure,
	sameBytes,
	structure,
	time,
	utf8,
	type Verified,
} from "../../wire/index.ts";
import {
	amount,
	type Currency,
	currencyCode,
	type MoneyKind,
	moneyKind,
	requireCurrency,
} from "./amount.ts";
import { DEVICE_ID, HOLDER_KEY, MAX_NOTE_BYTES } from "./limits.ts";

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
	/** Milliseconds since the epoch; what is not deposited by then and the issuer's grace can only be claimed by the holder. */
	readonly expires: number;
	/** Device id of the one module that may transfer it. */
	readonly holder: Uint8Array;
	readonly holderKey: HolderKey;
	/** Makes it unlike every other note: 32 bytes, which follow from the request that it answers. */
	readonly serial: Uint8Array;
}

/** A note as its fields have it. */
interface NoteFields extends Omit<NoteBody, "currency" | "isPlay"> {
	readonly currency: string;
	readonly kind: MoneyKind;
}

const KEY_KINDS: readonly SignatureAlgorithm[] = ["P-256", "Ed25519"];

const KEY_LENGTHS: Readonly<Record<SignatureAlgorithm, number>> = {
	"P-256": 65,
	Ed25519: 32,
};

/** 1 for P-256 or 2 for Ed25519, then the raw key. */
const holderKey: Field<HolderKey> = mapped(HOLDER_KEY, {
	from(bytes) {
		const algorithm = KEY_KINDS[(bytes[0] as number) - 1];
		const publicKey = bytes.subarray(1);
		if (algorithm === undefined || publicKey.length !== KEY_LENGTHS[algorithm])
			throw malformed("a note names no key of its holder");
		return { algorithm, publicKey };
	},
	to: ({ algorithm, publicKey }) =>
		concat(Uint8Array.of(KEY_KINDS.indexOf(algorithm) + 1), publicKey),
});

const BODY: Structure<NoteBody> = mappedStructure(
	structure<NoteFields>("a note", {
		issuer: DEVICE_ID,
		issuerCertificate: bytes(HASH_BYTES),
		currency: currencyCode,
		kind: moneyKind,
		value: amount,
		issued: time,
		expires: time,
		holder: DEVICE_ID,
		holderKey,
		serial: bytes(HASH_BYTES),
	}),
	{
		from({ currency: code, kind: { exponent, isPlay }, ...rest }) {
			if (!(rest.issued < rest.expires))
				throw malformed("a note expires before it is issued");
			return { ...rest, currency: { code, exponent }, isPlay };
		},
		to: ({ currency, isPlay, ...rest }) => ({
			...rest,
			currency: currency.code,
			kind: { exponent: currency.exponent, isPlay },
		}),
	},
);

const ID_LABEL: Uint8Array = utf8("tetrad/1 note");

/** A note as it was read: well formed, and not yet verified. */
export interface Note extends NoteBody {
	/** SHA-256(enc("tetrad/1 note", body)), 32 bytes. It does not depend on the signature. */
	readonly id: Uint8Array;
	/** enc(body, signature). */
	readonly document: Uint8Array;
}

/** A note that its issuer signed. Only `verifyNote` makes one. */
export type VerifiedNote = Verified<Note>;

const NOTE: SignedDocument<NoteBody, Note, CertifiedDevice> =
	new SignedDocument({
		name: "a note",
		role: "NO",
		body: BODY,
		maxBytes: MAX_NOTE_BYTES,
		judge(note, issuer) {
			if (
				issuer.role !== "module" ||
				!sameBytes(note.issuer, issuer.deviceId) ||
				!sameBytes(note.issuerCertificate, issuer.certificateId)
			)
				throw new TetradError(
					"payment-refused",
					"a note names another issuer, or another certificate of it, than the chain that came with it",
				);
			return { key: issuer, proves: note };
		},
	});

/** The bytes that an issuer signs for a new note, and how it becomes one. Throws `invalid-argument`, and `malformed` for fields that no note has. */
export function draftNote(body: NoteBody): {
	readonly toSign: Uint8Array;
	readonly sign: (crypto: CryptoProvider, signature: Uint8Array) => Note;
} {
	requireCurrency(body.currency);
	const { toSign, sign } = NOTE.draft(body);
	return {
		toSign,
		sign: (crypto, signature) => parseNote(crypto, sign(signature)),
	};
}

/** What a signed note (copied) says, without its id. Throws `malformed`. */
export function readNote(document: Uint8Array): NoteBody {
	return NOTE.read(document).signed;
}

/** Reads a signed note (copied). Throws `malformed`. */
export function parseNote(crypto: CryptoProvider, document: Uint8Array): Note {
	const { signed, encoded } = NOTE.read(document);
	return { ...signed, id: crypto.sha256(enc(ID_LABEL, encoded)) };
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
	return NOTE.verify(crypto, note, issuer);
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
