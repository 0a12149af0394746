import type { SignatureAlgorithm } from "../../crypto/index.ts";
import { malformed } from "../../wire/index.ts";
import {
	DerReader,
	onlyElement,
	parseNamedBits,
	parseObjectIdentifier,
	parseTrue,
	parseUnsigned,
	readTime,
	TAG,
} from "./der.ts";
import { EXTENSION_OID, LEVEL_OID, MAX_CERTIFICATE_BYTES } from "./profile.ts";
import { chainRefused } from "./refusal.ts";
import {
	commonNameText,
	type NameAttribute,
	onlyCommonNameText,
	openSigned,
	parseName,
	parsePublicKey,
	parseSignature,
	readExtensionList,
	readInnerAlgorithm,
	readSerial,
} from "./signed.ts";

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
	/** Certificate policies, of which those in `LEVEL_OID` mean something here. */
	readonly policies: readonly string[] | undefined;
	readonly subjectKeyIdentifier: Uint8Array | undefined;
	/** Extensions that restrict the certificate in a way that nothing here enforces. */
	readonly unenforced: readonly string[];
	readonly signatureAlgorithm: SignatureAlgorithm;
	/** 64 bytes; ECDSA as r‖s. */
	readonly signature: Uint8Array;
}

/** What a refusal says that was wrong. */
const WHAT = "a certificate";
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
	const { signedPart, inner, algorithm, signatureBits } = openSigned(der);
	requireVersion3(inner);
	const serial = readSerial(inner, WHAT);
	const signatureAlgorithm = readInnerAlgorithm(inner, algorithm, WHAT);
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
		signedPart,
		serial,
		issuer,
		subject: subject.whole,
		subjectAttributes: parseName(subject.content),
		spki: spki.whole,
		...parsePublicKey(spki.content, WHAT),
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

/** What the extensions say; those that are not there are `undefined`. */
export type Extensions = Pick<
	Certificate,
	| "basicConstraints"
	| "keyUsage"
	| "extendedKeyUsage"
	| "policies"
	| "subjectKeyIdentifier"
	| "unenforced"
>;

function readExtensions(reader: DerReader): Extensions {
	if (reader.done) return parseExtensions(undefined, WHAT);
	const tagged = reader.nested(TAG.explicit3);
	const list = tagged.nested(TAG.sequence);
	tagged.finish();
	return parseExtensions(list, WHAT);
}

/** Reads a list of extensions, in a certificate or in what a request wishes for. */
export function parseExtensions(
	list: DerReader | undefined,
	what: string,
): Extensions {
	const values = new Map<string, Uint8Array>();
	const unenforced: string[] = [];
	if (list !== undefined)
		readExtensionList(list, what, (oid, critical, value) => {
			values.set(oid, value);
			if (isUnenforced(oid, critical, value)) unenforced.push(oid);
		});
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
		policies: read(
			EXTENSION_OID.certificatePolicies,
			(value) => parsePolicies(value).policies,
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
function isUnenforced(
	oid: string,
	critical: boolean,
	value: Uint8Array,
): boolean {
	if (oid === EXTENSION_OID.nameConstraints) return true;
	if (!critical || ENFORCED.has(oid)) return false;
	return (
		oid !== EXTENSION_OID.certificatePolicies || !parsePolicies(value).onlyOurs
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

const LEVELS: ReadonlySet<string> = new Set(Object.values(LEVEL_OID));

/** Qualifiers are passed over; a critical extension may have none, and no policy but ours (RFC 5280, 4.2.1.4). */
function parsePolicies(value: Uint8Array): {
	policies: string[];
	onlyOurs: boolean;
} {
	const reader = onlyElement(value, TAG.sequence);
	const policies: string[] = [];
	let onlyOurs = true;
	do {
		const policy = reader.nested(TAG.sequence);
		const oid = parseObjectIdentifier(policy.content(TAG.objectIdentifier));
		if (policies.includes(oid))
			throw malformed(`a certificate has policy ${oid} twice`);
		policies.push(oid);
		if (!LEVELS.has(oid) || !policy.done) onlyOurs = false;
		if (!policy.done) policy.element(TAG.sequence);
		policy.finish();
	} while (!reader.done);
	return { policies, onlyOurs };
}

function parseKeyIdentifier(value: Uint8Array): Uint8Array {
	const reader = new DerReader(value);
	const identifier = reader.content(TAG.octetString);
	reader.finish();
	return identifier;
}

/** The common name, when the subject is that and nothing else. It may still be no certified name. */
export function onlyCommonName(certificate: Certificate): string | undefined {
	return onlyCommonNameText(certificate.subjectAttributes);
}

/** The common name for a message to the owner, with whatever could upset a terminal replaced. */
export function subjectText(certificate: Certificate): string {
	return (
		commonNameText(certificate.subjectAttributes) ??
		"a certificate without a name"
	);
}
