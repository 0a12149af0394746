import type { CryptoProvider, SignatureAlgorithm } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import { copy, enc, malformed, sameBytes } from "../../wire/index.ts";
import {
	type Certificate,
	DerReader,
	ENTRY_EXTENSION_OID,
	KEY_USAGE,
	LIST_EXTENSION_OID,
	listRefused,
	MAX_LIST_BYTES,
	MAX_LIST_ENTRIES,
	MAX_LIST_ENTRY_BYTES,
	MAX_LIST_NUMBER,
	onlyElement,
	openSigned,
	parseGeneralizedTime,
	parseSignature,
	parseUnsigned,
	readExtensionList,
	readInnerAlgorithm,
	readSerial,
	readTime,
	requireAuthority,
	subjectText,
	TAG,
	timeAt,
} from "../x509/index.ts";
import { REASON, type UntrustedReason } from "./reasons.ts";
import { SerialIndex } from "./serial-index.ts";

/** A certificate that its authority no longer stands for. */
export interface UntrustedEntry {
	/** Without the octet for the sign; 1 to 20 bytes. */
	readonly serial: Uint8Array;
	/** Since when, in milliseconds since the epoch. Whatever it says, the certificate is refused. */
	readonly instant: number;
	readonly reason?: UntrustedReason | undefined;
}

/** What a list says about itself, before anybody verified it. */
export interface ListHeader {
	readonly der: Uint8Array;
	readonly signedPart: Uint8Array;
	/** The issuer's name in DER. */
	readonly issuer: Uint8Array;
	readonly issuerKeyIdentifier: Uint8Array;
	/** 1 to 2⁶⁴ − 1. */
	readonly number: bigint;
	/** When it was issued, in milliseconds since the epoch. */
	readonly thisUpdate: number;
	/** When the authority means to issue the next one, in milliseconds since the epoch. A policy decides how old a list may be. */
	readonly nextUpdate: number;
	/** Certificates that became valid before it are no longer enough; milliseconds since the epoch. */
	readonly recertifyBefore: number | undefined;
	/** One after another; not read yet. */
	readonly entries: Uint8Array;
	readonly signatureAlgorithm: SignatureAlgorithm;
	readonly signature: Uint8Array;
}

const minted: unique symbol = Symbol();

/** An untrusted list that its issuer signed. Only `openUntrustedList` makes one. Its bytes are not to be changed. */
export class UntrustedList {
	readonly der: Uint8Array;
	/** The part that the issuer signed. */
	readonly signedPart: Uint8Array;
	/** `authorityId` of the issuer, 32 bytes. */
	readonly authority: Uint8Array;
	/** The issuer's name in quotes, for the owner. */
	readonly issuerText: string;
	/** 1 to 2⁶⁴ − 1; it only grows. */
	readonly number: bigint;
	/** When it was issued, in milliseconds since the epoch. */
	readonly thisUpdate: number;
	/** When the authority means to issue the next one, in milliseconds since the epoch. */
	readonly nextUpdate: number;
	/** Certificates that became valid before it are no longer enough; milliseconds since the epoch. */
	readonly recertifyBefore: number | undefined;
	readonly #entries: Uint8Array;
	readonly #index: SerialIndex;

	constructor(
		proof: typeof minted,
		header: ListHeader,
		authority: Uint8Array,
		issuerText: string,
		index: SerialIndex,
	) {
		if (proof !== minted)
			throw new TetradError("internal", "only a check can make this value");
		this.der = header.der;
		this.signedPart = header.signedPart;
		this.authority = authority;
		this.issuerText = issuerText;
		this.number = header.number;
		this.thisUpdate = header.thisUpdate;
		this.nextUpdate = header.nextUpdate;
		this.recertifyBefore = header.recertifyBefore;
		this.#entries = header.entries;
		this.#index = index;
	}

	/** How many certificates are on it. */
	get size(): number {
		return this.#index.size;
	}

	/** The entry of a certificate of this issuer, in constant time. `serial` has no octet for the sign. */
	find(serial: Uint8Array): UntrustedEntry | undefined {
		const at = this.#index.find(serial);
		return at === undefined ? undefined : this.#entryAt(at);
	}

	/** All entries, in the order of the list. */
	*entries(): Generator<UntrustedEntry, void> {
		for (const at of this.#index.positions()) yield this.#entryAt(at);
	}

	#entryAt(at: number): UntrustedEntry {
		return readEntry(new DerReader(this.#entries.subarray(at)));
	}
}

/**
 * An authority under which lists are kept: SHA-256(enc(SubjectPublicKeyInfo, name)), both in
 * DER. It stays the same when the authority's certificate is renewed for the same key.
 */
export function authorityId(
	crypto: CryptoProvider,
	{ spki, subject }: Certificate,
): Uint8Array {
	return crypto.sha256(enc(spki, subject));
}

/**
 * Reads an untrusted list (DER, copied) and verifies it against the certificate of its issuer,
 * which the caller has reason to trust. Throws `malformed` for anything but DER of exactly one
 * list with valid entries, and `list-refused` for a list that is another authority's, is not
 * signed by it, covers only a part of its certificates or others than its own, or has a critical
 * extension that is not understood.
 */
export function openUntrustedList(
	crypto: CryptoProvider,
	der: Uint8Array,
	issuer: Certificate,
): UntrustedList {
	return verifyList(crypto, readListHeader(copy(der)), issuer);
}

/** As `openUntrustedList`, for a list whose header was read. */
export function verifyList(
	crypto: CryptoProvider,
	header: ListHeader,
	issuer: Certificate,
): UntrustedList {
	requireSignature(crypto, header, issuer);
	return new UntrustedList(
		minted,
		header,
		authorityId(crypto, issuer),
		subjectText(issuer),
		readEntries(crypto, header.entries),
	);
}

/** Throws unless the list is signed by that authority, which may sign lists. The entries are not read. */
export function requireSignature(
	crypto: CryptoProvider,
	header: ListHeader,
	issuer: Certificate,
): void {
	const who = subjectText(issuer);
	if (!sameBytes(header.issuer, issuer.subject))
		throw listRefused(`the untrusted list is of another authority than ${who}`);
	const key = issuer.subjectKeyIdentifier;
	if (key !== undefined && !sameBytes(header.issuerKeyIdentifier, key))
		throw listRefused(
			`the untrusted list names another key than that of ${who}`,
		);
	requireAuthority(issuer, `the authority ${who}`);
	if (((issuer.keyUsage ?? 0) & KEY_USAGE.crlSign) === 0)
		throw listRefused(
			`the authority ${who} may not sign untrusted lists: its certificate's key usage lacks cRLSign`,
		);
	if (!isListSignedBy(crypto, header, issuer))
		throw listRefused(
			`the untrusted list is not signed by ${who}, which it names`,
		);
}

/** Whether the key of that certificate made the signature of the list. */
export function isListSignedBy(
	crypto: CryptoProvider,
	{ signatureAlgorithm, signedPart, signature }: ListHeader,
	{ algorithm, publicKey }: Certificate,
): boolean {
	return (
		signatureAlgorithm === algorithm &&
		crypto.verify(algorithm, publicKey, signedPart, signature)
	);
}

/** What a refusal says that was wrong. */
const WHAT = "an untrusted list";
const VERSION_2 = 1;

/**
 * Reads a CRL of X.509 version 2 (RFC 5280, 5.1) up to its entries, which are only cut out, so
 * that a list which nobody wants costs little. It keeps views, so `der` must not change.
 */
export function readListHeader(der: Uint8Array): ListHeader {
	if (der.length > MAX_LIST_BYTES)
		throw malformed(
			`an untrusted list has ${der.length} bytes, and ${MAX_LIST_BYTES} is the limit`,
		);
	const { signedPart, inner, algorithm, signatureBits } = openSigned(der);
	requireVersion2(inner);
	const signatureAlgorithm = readInnerAlgorithm(inner, algorithm, WHAT);
	const issuer = inner.element(TAG.sequence).whole;
	const thisUpdate = readTime(inner);
	const next = inner.nextTag;
	if (next !== TAG.utcTime && next !== TAG.generalizedTime)
		throw listRefused(
			"an untrusted list does not say when the next one is due",
		);
	const nextUpdate = readTime(inner);
	if (nextUpdate <= thisUpdate)
		throw malformed("an untrusted list is due again before it was issued");
	// The list of entries is left out when there is none (RFC 5280, 5.1.2.6).
	const hasEntries = inner.nextTag === TAG.sequence;
	const entries = hasEntries ? inner.content(TAG.sequence) : new Uint8Array();
	if (hasEntries && entries.length === 0)
		throw malformed("an untrusted list has an empty list of entries");
	const extensions = readExtensions(inner);
	inner.finish();
	const { recertifyBefore } = extensions;
	if (recertifyBefore !== undefined && recertifyBefore > thisUpdate)
		throw malformed(
			"an untrusted list asks for recertification from a time after its own",
		);
	return {
		der,
		signedPart,
		issuer,
		thisUpdate,
		nextUpdate,
		...extensions,
		entries,
		signatureAlgorithm,
		signature: parseSignature(signatureAlgorithm, signatureBits),
	};
}

/** Version 1 is said by leaving it out. */
function requireVersion2(reader: DerReader): void {
	if (reader.nextTag === TAG.integer) {
		const version = parseUnsigned(reader.content(TAG.integer));
		if (version.length === 1 && version[0] === VERSION_2) return;
	}
	throw listRefused("an untrusted list is not an X.509 CRL of version 2");
}

function readExtensions(
	reader: DerReader,
): Pick<ListHeader, "number" | "issuerKeyIdentifier" | "recertifyBefore"> {
	let number: bigint | undefined;
	let issuerKeyIdentifier: Uint8Array | undefined;
	let recertifyBefore: number | undefined;
	if (!reader.done) {
		const tagged = reader.nested(TAG.explicit0);
		const list = tagged.nested(TAG.sequence);
		tagged.finish();
		readExtensionList(list, WHAT, (oid, critical, value) => {
			switch (oid) {
				case LIST_EXTENSION_OID.number:
					number = parseNumber(value);
					return;
				case LIST_EXTENSION_OID.authorityKeyIdentifier:
					issuerKeyIdentifier = parseAuthorityKey(value);
					return;
				case LIST_EXTENSION_OID.recertifyBefore:
					recertifyBefore = parseInstant(value);
					return;
				case LIST_EXTENSION_OID.deltaIndicator:
					throw listRefused(
						"an untrusted list has only the changes since another one; a whole one is needed",
					);
				case LIST_EXTENSION_OID.issuingDistributionPoint:
					throw listRefused(
						"an untrusted list covers only a part of an authority's certificates, or those of others; a whole one is needed",
					);
				default:
					if (critical)
						throw listRefused(
							`an untrusted list has an extension that is not understood here and must not be ignored: ${oid}`,
						);
			}
		});
	}
	if (number === undefined)
		throw listRefused("an untrusted list has no number");
	if (issuerKeyIdentifier === undefined)
		throw listRefused(
			"an untrusted list does not name the key of its authority",
		);
	return { number, issuerKeyIdentifier, recertifyBefore };
}

/** CRLNumber (RFC 5280, 5.2.3). Zero stands for "no list" where devices tell each other what they hold. */
function parseNumber(value: Uint8Array): bigint {
	const reader = new DerReader(value);
	const digits = parseUnsigned(reader.content(TAG.integer));
	reader.finish();
	let number = 0n;
	if (digits.length <= 8)
		for (const digit of digits) number = (number << 8n) | BigInt(digit);
	if (number === 0n)
		throw listRefused(
			`the number of an untrusted list is not one from 1 to ${MAX_LIST_NUMBER}`,
		);
	return number;
}

/** AuthorityKeyIdentifier (RFC 5280, 4.2.1.1) with the key alone, as lists must have it. */
function parseAuthorityKey(value: Uint8Array): Uint8Array {
	const reader = onlyElement(value, TAG.sequence);
	const identifier = reader.content(TAG.implicit0);
	reader.finish();
	return identifier;
}

function parseInstant(value: Uint8Array): number {
	const reader = new DerReader(value);
	const instant = parseGeneralizedTime(reader.content(TAG.generalizedTime));
	reader.finish();
	return instant;
}

/** Reads every entry once, strictly; lists are long, so it goes by offsets and makes no object for an entry. */
function readEntries(crypto: CryptoProvider, bytes: Uint8Array): SerialIndex {
	const index = new SerialIndex(crypto, bytes, countEntries(bytes));
	for (let at = 0; at < bytes.length; ) {
		const end = checkEntry(bytes, at);
		if (!index.add(at))
			throw malformed("an untrusted list has a serial number twice");
		at = end;
	}
	return index;
}

function countEntries(bytes: Uint8Array): number {
	let count = 0;
	for (let at = 0; at < bytes.length; count++)
		at = endOf(bytes, at, TAG.sequence, bytes.length);
	if (count > MAX_LIST_ENTRIES)
		throw malformed(
			`an untrusted list has ${count} entries, and ${MAX_LIST_ENTRIES} is the limit`,
		);
	return count;
}

/** SEQUENCE { serial INTEGER, Time, extensions OPTIONAL }. Returns where it ends. */
function checkEntry(bytes: Uint8Array, at: number): number {
	const end = endOf(bytes, at, TAG.sequence, bytes.length);
	const serialEnd = endOf(bytes, at + 2, TAG.integer, end);
	checkSerial(bytes, at + 4, serialEnd);
	const tag =
		bytes[serialEnd] === TAG.utcTime ? TAG.utcTime : TAG.generalizedTime;
	const timeEnd = endOf(bytes, serialEnd, tag, end);
	timeAt(bytes, tag, serialEnd + 2, timeEnd);
	if (timeEnd < end && !isOnlyReason(bytes, timeEnd, end))
		readEntryExtensions(new DerReader(bytes.subarray(timeEnd, end)));
	return end;
}

/** Where an element in the short form of its length ends, which must be within `limit`. */
function endOf(
	bytes: Uint8Array,
	at: number,
	tag: number,
	limit: number,
): number {
	const length = bytes[at + 1] ?? 0xff;
	if (bytes[at] !== tag || length > MAX_LIST_ENTRY_BYTES)
		throw malformed("an entry of an untrusted list is not one, or too long");
	const end = at + 2 + length;
	if (end > limit) throw malformed("an ASN.1 element is cut short");
	return end;
}

/** As `readSerial` has it. */
function checkSerial(bytes: Uint8Array, start: number, end: number): void {
	const length = end - start;
	const first = bytes[start] ?? 0;
	if (length < 1 || length > 20 || first === 0 || first >= 0x80)
		readSerial(new DerReader(bytes.subarray(start - 2, end)), WHAT);
}

/** SEQUENCE { SEQUENCE { reason, OCTET STRING { ENUMERATED } } } up to the code, the one form that nearly every entry has. */
export const ONLY_REASON: Uint8Array = Uint8Array.of(
	...[0x30, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x1d, 0x15, 0x04, 0x03],
	...[0x0a, 0x01],
);

function isOnlyReason(bytes: Uint8Array, start: number, end: number): boolean {
	if (end - start !== ONLY_REASON.length + 1) return false;
	for (let i = 0; i < ONLY_REASON.length; i++)
		if (bytes[start + i] !== ONLY_REASON[i]) return false;
	return (bytes[end - 1] ?? 0xff) in REASON;
}

/** An entry that `checkEntry` took, and what follows it. */
function readEntry(reader: DerReader): UntrustedEntry {
	const entry = reader.nested(TAG.sequence);
	const serial = readSerial(entry, WHAT);
	const instant = readTime(entry);
	return {
		serial,
		instant,
		reason: entry.done ? undefined : readEntryExtensions(entry),
	};
}

function readEntryExtensions(reader: DerReader): UntrustedReason | undefined {
	const list = reader.nested(TAG.sequence);
	reader.finish();
	let reason: UntrustedReason | undefined;
	readExtensionList(
		list,
		"an entry of an untrusted list",
		(oid, critical, value) => {
			if (oid === ENTRY_EXTENSION_OID.reason) reason = parseReason(value);
			else if (oid === ENTRY_EXTENSION_OID.certificateIssuer)
				throw listRefused(
					"an untrusted list has entries of other authorities; each authority must sign its own",
				);
			else if (critical)
				throw listRefused(
					`an entry of an untrusted list has an extension that is not understood here and must not be ignored: ${oid}`,
				);
		},
	);
	return reason;
}

/** CRLReason (RFC 5280, 5.3.1). Code 8 takes an entry back, which only a list of changes can do. */
function parseReason(value: Uint8Array): UntrustedReason {
	const reader = new DerReader(value);
	const [code = 0xff, ...more] = reader.content(TAG.enumerated);
	reader.finish();
	if (more.length > 0 || !(code in REASON))
		throw malformed("the reason of an entry of an untrusted list is none");
	return REASON[code as keyof typeof REASON];
}
