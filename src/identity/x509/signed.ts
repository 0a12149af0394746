import {
	SIGNATURE_BYTES,
	type SignatureAlgorithm,
} from "../../crypto/index.ts";
import { malformed, parseUtf8, sameBytes } from "../../wire/index.ts";
import {
	DerReader,
	onlyElement,
	parseObjectIdentifier,
	parseOctets,
	parseTrue,
	parseUnsigned,
	TAG,
} from "./der.ts";
import {
	COMMON_NAME_OID,
	KEY_IDENTIFIER,
	MAX_SERIAL_BYTES,
	SIGNATURE_IDENTIFIER,
} from "./profile.ts";
import { chainRefused } from "./refusal.ts";

// What certificates, requests and lists have in common. `what` names the one that is read in
// a refusal: "a certificate".

/** One attribute of a name (RFC 5280, 4.1.2.4): `tag` says which kind of string `value` is. */
export interface NameAttribute {
	readonly type: string;
	readonly tag: number;
	readonly value: Uint8Array;
}

const P256_POINT_BYTES = 65;
/** The first byte of an uncompressed point (SEC 1, 2.3.3). */
const UNCOMPRESSED = 4;
const ED25519_KEY_BYTES = 32;
const ECDSA_INTEGER_BYTES = 32;

/** SEQUENCE { signed part, AlgorithmIdentifier, BIT STRING }, of which `der` consists. */
export function openSigned(der: Uint8Array): {
	/** The very bytes that were signed. */
	signedPart: Uint8Array;
	/** What is inside of the signed part. */
	inner: DerReader;
	/** Whole, in DER. */
	algorithm: Uint8Array;
	signatureBits: Uint8Array;
} {
	const outer = onlyElement(der, TAG.sequence);
	const signed = outer.element(TAG.sequence);
	const algorithm = outer.element(TAG.sequence).whole;
	const signatureBits = outer.content(TAG.bitString);
	outer.finish();
	return {
		signedPart: signed.whole,
		inner: new DerReader(signed.content),
		algorithm,
		signatureBits,
	};
}

/** The algorithm that the signed part names, which must be the one outside of it (RFC 5280, 4.1.1.2). */
export function readInnerAlgorithm(
	reader: DerReader,
	outer: Uint8Array,
	what: string,
): SignatureAlgorithm {
	const inner = reader.element(TAG.sequence).whole;
	if (!sameBytes(inner, outer))
		throw chainRefused(
			`${what} names one signature algorithm inside and another outside`,
		);
	return parseSignatureAlgorithm(inner, what);
}

/** The next INTEGER as a serial number, without the octet for the sign: 1 to 20 bytes, and not zero. */
export function readSerial(reader: DerReader, what: string): Uint8Array {
	const serial = parseUnsigned(reader.content(TAG.integer));
	if (serial.length > MAX_SERIAL_BYTES || serial[0] === 0)
		throw malformed(`the serial number of ${what} is zero or too long`);
	return serial;
}

export function parseSignatureAlgorithm(
	identifier: Uint8Array,
	what: string,
): SignatureAlgorithm {
	if (sameBytes(identifier, SIGNATURE_IDENTIFIER["P-256"])) return "P-256";
	if (sameBytes(identifier, SIGNATURE_IDENTIFIER.Ed25519)) return "Ed25519";
	throw chainRefused(
		`${what} is signed with ${algorithmText(identifier)}; only ECDSA with SHA-256 and Ed25519 are accepted`,
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

/** The content of a SubjectPublicKeyInfo; the key is raw. */
export function parsePublicKey(
	spki: Uint8Array,
	what: string,
): {
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
					? `a P-256 key in ${what} is not an uncompressed point of 65 bytes`
					: `an Ed25519 key in ${what} does not have 32 bytes`,
			);
		}
	throw chainRefused(
		`${what} is for a key of ${algorithmText(identifier)}; only P-256 and Ed25519 are accepted`,
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

/** The content of the BIT STRING as 64 bytes; ECDSA as r‖s. */
export function parseSignature(
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
export function parseName(content: Uint8Array): NameAttribute[] {
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

/** Reads each extension once. Throws `malformed` for one that comes twice, and for a list without any. */
export function readExtensionList(
	list: DerReader,
	what: string,
	visit: (oid: string, critical: boolean, value: Uint8Array) => void,
): void {
	const seen = new Set<string>();
	do {
		const extension = list.nested(TAG.sequence);
		const oid = parseObjectIdentifier(extension.content(TAG.objectIdentifier));
		const critical =
			extension.nextTag === TAG.boolean &&
			parseTrue(extension.content(TAG.boolean));
		if (seen.has(oid)) throw malformed(`${what} has extension ${oid} twice`);
		seen.add(oid);
		const value = extension.content(TAG.octetString);
		extension.finish();
		visit(oid, critical, value);
	} while (!list.done);
}

/** The common name, when the name is that and nothing else. */
export function onlyCommonNameText(
	attributes: readonly NameAttribute[],
): string | undefined {
	const [attribute, ...others] = attributes;
	return attribute?.type === COMMON_NAME_OID && others.length === 0
		? attributeText(attribute)
		: undefined;
}

/** The common name in quotes, for a message to the owner, with whatever could upset a terminal replaced. */
export function commonNameText(
	attributes: readonly NameAttribute[],
): string | undefined {
	const commonName = attributes.find(({ type }) => type === COMMON_NAME_OID);
	const text = commonName && attributeText(commonName);
	return text === undefined
		? undefined
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
