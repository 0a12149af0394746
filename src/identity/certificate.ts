import { SIGNATURE_BYTES, type SignatureAlgorithm } from "../crypto/index.ts";
import { malformed, parseUtf8, sameBytes } from "../wire/index.ts";
import {
	DerReader,
	onlyElement,
	parseNamedBits,
	parseObjectIdentifier,
	parseOctets,
	parseTrue,
	parseUnsigned,
	readTime,
	TAG,
} from "./der.ts";
import {
	COMMON_NAME_OID,
	EXTENSION_OID,
	KEY_IDENTIFIER,
	MAX_CERTIFICATE_BYTES,
	SIGNATURE_IDENTIFIER,
} from "./profile.ts";
import { chainRefused } from "./refusal.ts";

/** One attribute of a name (RFC 5280, 4.1.2.4): `tag` says which kind of string `value` is. */
interface NameAttribute {
	readonly type: string;
	readonly tag: number;
	readonly value: Uint8Array;
}

/** A certificate as it was read, before anybody asked whether to trust it. All bytes are views into `der`. */
export interface Certificate {
	readonly der: Uint8Array;
	/** The part that the issuer signed: the very bytes, not an encoding of what was read. */
	readonly signedPart: Uint8Array;
	/** Without the octet for the sign; 1 to 20 bytes. */
	readonly serial: Uint8Array;
	/** The issuer's name in DER, compared byte by byte. */
	readonly issuer: Uint8Array;
	/** The subject's name in DER. */
	readonly subject: Uint8Array;
	readonly subjectAttributes: readonly NameAttribute[];
	/** SubjectPublicKeyInfo in DER. */
	readonly spki: Uint8Array;
	readonly algorithm: SignatureAlgorithm;
	/** Raw: 65 bytes uncompressed for P-256, 32 for Ed25519. */
	readonly publicKey: Uint8Array;
	/** First moment of validity, in milliseconds since the epoch. */
	readonly notBefore: number;
	/** Last moment of validity, in milliseconds since the epoch. */
	readonly notAfter: number;
	readonly basicConstraints:
		| { readonly ca: boolean; readonly pathLength: number | undefined }
		| undefined;
	/** Bits of `KEY_USAGE`. */
	readonly keyUsage: number | undefined;
	readonly extendedKeyUsage: readonly string[] | undefined;
	readonly subjectKeyIdentifier: Uint8Array | undefined;
	/** Extensions that restrict the certificate in a way that nothing here enforces. */
	readonly unenforced: readonly string[];
	readonly signatureAlgorithm: SignatureAlgorithm;
	/** 64 bytes; ECDSA as r‖s. */
	readonly signature: Uint8Array;
}

const P256_POINT_BYTES = 65;
/** The first byte of an uncompressed point (SEC 1, 2.3.3). */
const UNCOMPRESSED = 4;
const ED25519_KEY_BYTES = 32;
const ECDSA_INTEGER_BYTES = 32;
const MAX_SERIAL_BYTES = 20;
const VERSION_3 = 2;

/**
 * Reads one certificate (RFC 5280, 4.1). It keeps views, so `der` must not change afterwards.
 * Throws `malformed` for anything but DER of exactly one certificate, and `chain-refused` for
 * a version other than 3, an algorithm other than ECDSA with SHA-256 on P-256 and Ed25519, or
 * a signature algorithm that differs inside and outside of the signed part.
 */
export function parseCertificate(der: Uint8Array): Certificate {
	if (der.length > MAX_CERTIFICATE_BYTES)
		throw malformed("a certificate is over the limit");
	const outer = onlyElement(der, TAG.sequence);
	const signed = outer.element(TAG.sequence);
	const outerAlgorithm = outer.content(TAG.sequence);
	const signatureBits = outer.content(TAG.bitString);
	outer.finish();

	const inner = new DerReader(signed.content);
	requireVersion3(inner);
	const serial = readSerial(inner);
	const innerAlgorithm = inner.element(TAG.sequence);
	if (!sameBytes(innerAlgorithm.content, outerAlgorithm))
		throw chainRefused(
			"a certificate names one signature algorithm inside and another outside",
		);
	const signatureAlgorithm = parseSignatureAlgorithm(innerAlgorithm.whole);
	const issuer = inner.element(TAG.sequence).whole;
	const validity = inner.nested(TAG.sequence);
	const notBefore = readTime(validity);
	const notAfter = readTime(validity);
	validity.finish();
	const subject = inner.element(TAG.sequence);
	const spki = inner.element(TAG.sequence);
	const extensions = readExtensions(inner);
	inner.finish();

	return {
		der,
		signedPart: signed.whole,
		serial,
		issuer,
		subject: subject.whole,
		subjectAttributes: parseName(subject.content),
		spki: spki.whole,
		...parsePublicKey(spki.content),
		notBefore,
		notAfter,
		...extensions,
		signatureAlgorithm,
		signature: parseSignature(signatureAlgorithm, signatureBits),
	};
}

/** The version stands in [0], and version 1 is said by leaving it out. */
function requireVersion3(reader: DerReader): void {
	if (reader.nextTag === TAG.explicit0) {
		const tagged = reader.nested(TAG.explicit0);
		const version = parseUnsigned(tagged.content(TAG.integer));
		tagged.finish();
		if (version.length === 1 && version[0] === VERSION_3) return;
	}
	throw chainRefused("a certificate is not of X.509 version 3");
}

function readSerial(reader: DerReader): Uint8Array {
	const serial = parseUnsigned(reader.content(TAG.integer));
	if (serial.length > MAX_SERIAL_BYTES || serial[0] === 0)
		throw malformed("the serial number of a certificate is zero or too long");
	return serial;
}

function parseSignatureAlgorithm(identifier: Uint8Array): SignatureAlgorithm {
	if (sameBytes(identifier, SIGNATURE_IDENTIFIER["P-256"])) return "P-256";
	if (sameBytes(identifier, SIGNATURE_IDENTIFIER.Ed25519)) return "Ed25519";
	throw chainRefused(
		`a certificate is signed with ${algorithmText(identifier)}; only ECDSA with SHA-256 and Ed25519 are accepted`,
	);
}

/** Names the algorithm for a refusal; for ECDSA keys the parameters say which curve, so they are told apart too. */
function algorithmText(identifier: Uint8Array): string {
	const reader = onlyElement(identifier, TAG.sequence);
	const oid = parseObjectIdentifier(reader.content(TAG.objectIdentifier));
	if (reader.nextTag !== TAG.objectIdentifier) return `algorithm ${oid}`;
	const curve = parseObjectIdentifier(reader.content(TAG.objectIdentifier));
	return `algorithm ${oid} on curve ${curve}`;
}

function parsePublicKey(spki: Uint8Array): {
	algorithm: SignatureAlgorithm;
	publicKey: Uint8Array;
} {
	const reader = new DerReader(spki);
	const identifier = reader.element(TAG.sequence).whole;
	const publicKey = parseOctets(reader.content(TAG.bitString));
	reader.finish();
	for (const algorithm of ["P-256", "Ed25519"] as const)
		if (sameBytes(identifier, KEY_IDENTIFIER[algorithm])) {
			if (isPublicKey(algorithm, publicKey)) return { algorithm, publicKey };
			throw chainRefused(
				algorithm === "P-256"
					? "a P-256 key in a certificate is not an uncompressed point of 65 bytes"
					: "an Ed25519 key in a certificate does not have 32 bytes",
			);
		}
	throw chainRefused(
		`a certificate is for a key of ${algorithmText(identifier)}; only P-256 and Ed25519 are accepted`,
	);
}

/** Whether the bytes have the form of a raw public key. Whether the point is on the curve comes out when a signature is verified. */
export function isPublicKey(
	algorithm: SignatureAlgorithm,
	bytes: Uint8Array,
): boolean {
	return algorithm === "P-256"
		? bytes.length === P256_POINT_BYTES && bytes[0] === UNCOMPRESSED
		: bytes.length === ED25519_KEY_BYTES;
}

function parseSignature(
	algorithm: SignatureAlgorithm,
	bits: Uint8Array,
): Uint8Array {
	const signature = parseOctets(bits);
	if (algorithm === "P-256") return parseEcdsaSignature(signature);
	if (signature.length !== SIGNATURE_BYTES)
		throw malformed("an Ed25519 signature does not have 64 bytes");
	return signature;
}

/** ECDSA-Sig-Value (RFC 3279, 2.2.3) as r‖s. Each is a positive integer in its shortest form, of 32 bytes at most. */
function parseEcdsaSignature(value: Uint8Array): Uint8Array {
	const reader = onlyElement(value, TAG.sequence);
	const signature = new Uint8Array(SIGNATURE_BYTES);
	for (const end of [ECDSA_INTEGER_BYTES, SIGNATURE_BYTES]) {
		const integer = parseUnsigned(reader.content(TAG.integer));
		if (integer.length > ECDSA_INTEGER_BYTES || integer[0] === 0)
			throw malformed("an ECDSA signature is out of range");
		signature.set(integer, end - integer.length);
	}
	reader.finish();
	return signature;
}

/** One attribute to a set: sets of several are rare, and their order in DER is one more thing to get wrong. */
function parseName(content: Uint8Array): NameAttribute[] {
	const sets = new DerReader(content);
	const attributes: NameAttribute[] = [];
	while (!sets.done) {
		const set = sets.nested(TAG.set);
		const attribute = set.nested(TAG.sequence);
		set.finish();
		const type = parseObjectIdentifier(attribute.content(TAG.objectIdentifier));
		const tag = attribute.nextTag ?? TAG.utf8String;
		attributes.push({ type, tag, value: attribute.content(tag) });
		attribute.finish();
	}
	return attributes;
}

type Extensions = Pick<
	Certificate,
	| "basicConstraints"
	| "keyUsage"
	| "extendedKeyUsage"
	| "subjectKeyIdentifier"
	| "unenforced"
>;

function readExtensions(reader: DerReader): Extensions {
	const values = new Map<string, Uint8Array>();
	const unenforced: string[] = [];
	if (!reader.done) {
		const tagged = reader.nested(TAG.explicit3);
		const list = tagged.nested(TAG.sequence);
		tagged.finish();
		do {
			const extension = list.nested(TAG.sequence);
			const oid = parseObjectIdentifier(
				extension.content(TAG.objectIdentifier),
			);
			const critical =
				extension.nextTag === TAG.boolean &&
				parseTrue(extension.content(TAG.boolean));
			if (values.has(oid))
				throw malformed(`a certificate has extension ${oid} twice`);
			values.set(oid, extension.content(TAG.octetString));
			extension.finish();
			if (isUnenforced(oid, critical)) unenforced.push(oid);
		} while (!list.done);
	}
	const read = <T>(oid: string, parse: (value: Uint8Array) => T) => {
		const value = values.get(oid);
		return value === undefined ? undefined : parse(value);
	};
	return {
		basicConstraints: read(
			EXTENSION_OID.basicConstraints,
			parseBasicConstraints,
		),
		keyUsage: read(EXTENSION_OID.keyUsage, parseKeyUsage),
		extendedKeyUsage: read(
			EXTENSION_OID.extendedKeyUsage,
			parseExtendedKeyUsage,
		),
		subjectKeyIdentifier: read(
			EXTENSION_OID.subjectKeyIdentifier,
			parseKeyIdentifier,
		),
		unenforced,
	};
}

/** Those whose every restriction `validateChain` enforces. */
const ENFORCED: ReadonlySet<string> = new Set([
	EXTENSION_OID.basicConstraints,
	EXTENSION_OID.keyUsage,
	EXTENSION_OID.extendedKeyUsage,
]);

/** Name constraints count even when they are not marked critical: a CA that has them was not trusted with every name. */
function isUnenforced(oid: string, critical: boolean): boolean {
	return (
		oid === EXTENSION_OID.nameConstraints || (critical && !ENFORCED.has(oid))
	);
}

function parseBasicConstraints(value: Uint8Array): {
	ca: boolean;
	pathLength: number | undefined;
} {
	const reader = onlyElement(value, TAG.sequence);
	const ca =
		reader.nextTag === TAG.boolean && parseTrue(reader.content(TAG.boolean));
	const length = reader.done
		? undefined
		: parseUnsigned(reader.content(TAG.integer));
	reader.finish();
	if (length === undefined) return { ca, pathLength: undefined };
	if (!ca || length.length !== 1)
		throw malformed("the path length of a certificate makes no sense");
	return { ca, pathLength: length[0] };
}

function parseKeyUsage(value: Uint8Array): number {
	const reader = new DerReader(value);
	const bits = parseNamedBits(reader.content(TAG.bitString));
	reader.finish();
	return bits;
}

function parseExtendedKeyUsage(value: Uint8Array): string[] {
	const reader = onlyElement(value, TAG.sequence);
	const usages: string[] = [];
	do usages.push(parseObjectIdentifier(reader.content(TAG.objectIdentifier)));
	while (!reader.done);
	return usages;
}

function parseKeyIdentifier(value: Uint8Array): Uint8Array {
	const reader = new DerReader(value);
	const identifier = reader.content(TAG.octetString);
	reader.finish();
	return identifier;
}

/** The common name, when the subject is that and nothing else. It may still be no certified name. */
export function onlyCommonName(certificate: Certificate): string | undefined {
	const [attribute, ...others] = certificate.subjectAttributes;
	return attribute?.type === COMMON_NAME_OID && others.length === 0
		? attributeText(attribute)
		: undefined;
}

/** The common name for a message to the owner, with whatever could upset a terminal replaced. */
export function subjectText(certificate: Certificate): string {
	const commonName = certificate.subjectAttributes.find(
		({ type }) => type === COMMON_NAME_OID,
	);
	const text = commonName && attributeText(commonName);
	return text === undefined
		? "a certificate without a name"
		: `"${text.slice(0, 64).replaceAll(/[^ -~]|"/g, "?")}"`;
}

function attributeText({ tag, value }: NameAttribute): string | undefined {
	if (tag !== TAG.utf8String && tag !== TAG.printableString) return undefined;
	try {
		return parseUtf8(value);
	} catch {
		return undefined;
	}
}
