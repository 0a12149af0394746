import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import {
	AlgorithmIdentifier,
	AttributeTypeAndValue,
	AttributeValue,
	AuthorityKeyIdentifier,
	BasicConstraints,
	Certificate as CertificateAsn,
	ExtendedKeyUsage,
	Extension,
	Extensions,
	id_ce_authorityKeyIdentifier,
	KeyIdentifier,
	KeyUsage,
	Name,
	RelativeDistinguishedName,
	SubjectKeyIdentifier,
	SubjectPublicKeyInfo,
	TBSCertificate,
	Validity as ValidityAsn,
	Version,
} from "@peculiar/asn1-x509";
import {
	type CryptoProvider,
	SIGNATURE_BYTES,
	type SignatureAlgorithm,
} from "../crypto/index.ts";
import { TetradError } from "../errors.ts";
import { concat, copy, sameBytes } from "../wire/index.ts";
import {
	type Certificate,
	onlyCommonName,
	parseCertificate,
	subjectText,
} from "./certificate.ts";
import {
	type AuthorityKind,
	COMMON_NAME_OID,
	type DeviceRole,
	EXTENSION_OID,
	isCertifiedName,
	KEY_IDENTIFIER,
	KEY_USAGE,
	KIND_OF_ROLE,
	MAX_CERTIFICATES,
	ROLE_OF_KIND,
	ROLE_OID,
	SIGNATURE_IDENTIFIER,
} from "./profile.ts";
import { isPublicKey } from "./signed.ts";
import type { Signer } from "./signer.ts";
import { isSignedBy, requireAuthority, requireOneRole } from "./validate.ts";

/** When a certificate is valid, in milliseconds since the epoch, both ends included. Parts of a second are cut off. */
export interface Validity {
	readonly notBefore: number;
	readonly notAfter: number;
}

/** An authority that issues: its certificate in DER and the key that it certifies. */
export interface Issuer {
	readonly certificate: Uint8Array;
	readonly signer: Signer;
}

/** A public key to certify, raw. That its holder has the private key is for the caller to establish. */
export interface CertifiedKey {
	readonly algorithm: SignatureAlgorithm;
	readonly publicKey: Uint8Array;
}

export interface RootRequest extends Validity {
	/** An agency only ever certifies agents, and a bank modules. */
	readonly kind: AuthorityKind;
	/** 1 to 64 printable ASCII characters. */
	readonly name: string;
	readonly signer: Signer;
	/** Intermediates allowed between this root and a device: 0 to 3, by default 1. */
	readonly pathLength?: number;
}

export interface IntermediateRequest extends Validity, CertifiedKey {
	/** 1 to 64 printable ASCII characters. */
	readonly name: string;
	readonly issuer: Issuer;
	/** Intermediates allowed between this one and a device, by default 0; fewer than the issuer allows. */
	readonly pathLength?: number;
}

export interface DeviceRequest extends Validity, CertifiedKey {
	readonly role: DeviceRole;
	/** The certified name, as `isCertifiedName` has it. */
	readonly name: string;
	readonly issuer: Issuer;
}

const AUTHORITY_NAME = /^[ -~]{1,64}$/;
const MAX_PATH_LENGTH: number = MAX_CERTIFICATES - 1;
const SERIAL_BYTES = 16;
const KEY_IDENTIFIER_BYTES = 20;

/**
 * Issues the root of an agency or a bank and returns it in DER. The root carries the role that
 * it may certify, and all below it too, which validation enforces. Rejects with
 * `invalid-argument` for a request that makes no valid root, `key-store-failed` when the key
 * signs wrongly, and with whatever the signer rejects.
 */
export async function issueRoot(
	crypto: CryptoProvider,
	request: RootRequest,
): Promise<Uint8Array> {
	const { kind, signer, pathLength = 1 } = request;
	requireAuthorityName(request.name);
	requirePathLength(pathLength, MAX_PATH_LENGTH);
	return issue(crypto, {
		...request,
		algorithm: signer.algorithm,
		publicKey: signer.publicKey,
		role: ROLE_OF_KIND[kind],
		pathLength,
		issuer: undefined,
	});
}

/**
 * Issues an intermediate of the same kind as its issuer and returns it in DER. Rejects with
 * `invalid-argument` for a request that makes no valid path, `chain-refused` or `malformed`
 * for an issuer that is no authority, `key-store-failed` when the issuer's key signs wrongly,
 * and with whatever its signer rejects.
 */
export async function issueIntermediate(
	crypto: CryptoProvider,
	request: IntermediateRequest,
): Promise<Uint8Array> {
	const { certificate, role } = readIssuer(request.issuer);
	const { pathLength = 0 } = request;
	const above = certificate.basicConstraints?.pathLength ?? MAX_PATH_LENGTH;
	requireAuthorityName(request.name);
	requirePathLength(pathLength, above - 1);
	return issue(crypto, {
		...request,
		role,
		pathLength,
		issuer: certificate,
		signer: request.issuer.signer,
	});
}

/**
 * Issues the certificate of a device and returns it in DER. Rejects like `issueIntermediate`,
 * and with `invalid-argument` for a role that the issuer does not certify.
 */
export async function issueDevice(
	crypto: CryptoProvider,
	request: DeviceRequest,
): Promise<Uint8Array> {
	const { certificate, role } = readIssuer(request.issuer);
	if (!isCertifiedName(request.name))
		throw invalid(
			'the name of a device has 1 to 64 characters from a–z, 0–9, "." and "-", the first one a letter or a digit',
		);
	if (request.role !== role)
		throw invalid(
			`the ${KIND_OF_ROLE[role]} ${subjectText(certificate)} certifies no ${request.role}`,
		);
	return issue(crypto, {
		...request,
		pathLength: undefined,
		issuer: certificate,
		signer: request.issuer.signer,
	});
}

function readIssuer({ certificate: der, signer }: Issuer): {
	certificate: Certificate;
	role: DeviceRole;
} {
	const certificate = parseCertificate(copy(der));
	const who = `the issuer ${subjectText(certificate)}`;
	requireAuthority(certificate, who);
	const role = requireOneRole(certificate, who);
	if (
		signer.algorithm !== certificate.algorithm ||
		!sameBytes(signer.publicKey, certificate.publicKey)
	)
		throw invalid(`the key to sign with is not the key of ${who}`);
	return { certificate, role };
}

interface Content extends Validity, CertifiedKey {
	readonly role: DeviceRole;
	readonly name: string;
	/** An authority has one, and a device has none. */
	readonly pathLength: number | undefined;
	/** A root has none. */
	readonly issuer: Certificate | undefined;
	readonly signer: Signer;
}

async function issue(
	crypto: CryptoProvider,
	request: Content,
): Promise<Uint8Array> {
	const content: Content = {
		...request,
		notBefore: wholeSecond(request.notBefore),
		notAfter: wholeSecond(request.notAfter),
	};
	requireValidity(content);
	requirePublicKey(content);
	requireOtherName(content);
	const signed = signedPart(crypto, content);
	const signature = await content.signer.sign(
		new Uint8Array(AsnConvert.serialize(signed)),
	);
	if (signature.length !== SIGNATURE_BYTES) throw wrongSignature(content);
	const certificate = new CertificateAsn({
		tbsCertificate: signed,
		signatureAlgorithm: signed.signature,
		signatureValue: buffer(
			content.signer.algorithm === "P-256"
				? encodeEcdsaSignature(signature)
				: signature,
		),
	});
	const der = new Uint8Array(AsnConvert.serialize(certificate));
	// A key store can fail silently, so the certificate is verified before anybody relies on it.
	const issued = parseCertificate(der);
	if (!isSignedBy(crypto, issued, content.issuer ?? issued))
		throw wrongSignature(content);
	return der;
}

function signedPart(crypto: CryptoProvider, content: Content): TBSCertificate {
	const { algorithm, publicKey, issuer, signer } = content;
	const subject = commonName(content.name);
	return new TBSCertificate({
		version: Version.v3,
		serialNumber: buffer(serial(crypto)),
		signature: identifier(SIGNATURE_IDENTIFIER[signer.algorithm]),
		issuer: issuer ? repeatableName(issuer) : subject,
		validity: new ValidityAsn({
			notBefore: new Date(content.notBefore),
			notAfter: new Date(content.notAfter),
		}),
		subject,
		subjectPublicKeyInfo: new SubjectPublicKeyInfo({
			algorithm: identifier(KEY_IDENTIFIER[algorithm]),
			subjectPublicKey: buffer(publicKey),
		}),
		extensions: extensions(content, keyIdentifier(crypto, publicKey)),
	});
}

function wrongSignature({ issuer, name }: Content): TetradError {
	const who = issuer ? subjectText(issuer) : `"${name}"`;
	return new TetradError(
		"key-store-failed",
		`the key of ${who} made a wrong signature, and nothing was issued; check its key store`,
	);
}

function extensions(
	{ role, pathLength, issuer }: Content,
	subjectKeyIdentifier: Uint8Array,
): Extensions {
	const isAuthority = pathLength !== undefined;
	const usage = isAuthority
		? KEY_USAGE.keyCertSign | KEY_USAGE.crlSign
		: KEY_USAGE.digitalSignature;
	const list = new Extensions([
		extension(EXTENSION_OID.keyUsage, true, new KeyUsage(usage)),
		// Critical, so that nobody takes the certificate for anything else, a TLS server say.
		extension(
			EXTENSION_OID.extendedKeyUsage,
			true,
			new ExtendedKeyUsage([ROLE_OID[role]]),
		),
		extension(
			EXTENSION_OID.subjectKeyIdentifier,
			false,
			new SubjectKeyIdentifier(buffer(subjectKeyIdentifier)),
		),
	]);
	if (isAuthority)
		list.push(
			extension(
				EXTENSION_OID.basicConstraints,
				true,
				new BasicConstraints({
					cA: true,
					pathLenConstraint: pathLength,
				}),
			),
		);
	const authorityKey = issuer?.subjectKeyIdentifier;
	if (authorityKey)
		list.push(
			extension(
				id_ce_authorityKeyIdentifier,
				false,
				new AuthorityKeyIdentifier({
					keyIdentifier: new KeyIdentifier(buffer(authorityKey)),
				}),
			),
		);
	return list;
}

function extension(oid: string, critical: boolean, value: object): Extension {
	return new Extension({
		extnID: oid,
		critical,
		extnValue: new OctetString(AsnConvert.serialize(value)),
	});
}

/** The leftmost 160 bits of SHA-256 of the key (RFC 7093, 2, method 1). */
function keyIdentifier(
	crypto: CryptoProvider,
	publicKey: Uint8Array,
): Uint8Array {
	return crypto.sha256(publicKey).subarray(0, KEY_IDENTIFIER_BYTES);
}

/** The two highest bits are 01: positive, and always of the same length in its shortest form. */
function serial(crypto: CryptoProvider): Uint8Array {
	const [first = 0, ...rest] = crypto.random(SERIAL_BYTES);
	return Uint8Array.of((first & 0x3f) | 0x40, ...rest);
}

function commonName(name: string): Name {
	return new Name([
		new RelativeDistinguishedName([
			new AttributeTypeAndValue({
				type: COMMON_NAME_OID,
				value: new AttributeValue({ utf8String: name }),
			}),
		]),
	]);
}

/** The issuer's name, if the encoder can say it again byte for byte; it stumbles over rare kinds of strings. */
function repeatableName(issuer: Certificate): Name {
	try {
		const name = AsnConvert.parse(issuer.subject, Name);
		const again = new Uint8Array(AsnConvert.serialize(name));
		if (sameBytes(again, issuer.subject)) return name;
	} catch {
		// Refused below, together with a name that reads back as another one.
	}
	throw invalid(
		`the name of the issuer ${subjectText(issuer)} is encoded in a way that cannot be repeated here; use an authority whose name is in UTF-8`,
	);
}

function identifier(der: Uint8Array): AlgorithmIdentifier {
	return AsnConvert.parse(der, AlgorithmIdentifier);
}

/** ECDSA-Sig-Value (RFC 3279, 2.2.3). Both integers are below 2²⁵⁶, so every length is one octet. */
function encodeEcdsaSignature(signature: Uint8Array): Uint8Array {
	const half = signature.length / 2;
	const integers = concat(
		encodeInteger(signature.subarray(0, half)),
		encodeInteger(signature.subarray(half)),
	);
	return concat(Uint8Array.of(0x30, integers.length), integers);
}

function encodeInteger(bytes: Uint8Array): Uint8Array {
	const start = bytes.findIndex((byte) => byte !== 0);
	const digits = bytes.subarray(start === -1 ? bytes.length : start);
	const sign = (digits[0] ?? 0xff) >= 0x80 ? [0] : [];
	return Uint8Array.of(2, sign.length + digits.length, ...sign, ...digits);
}

/** The encoder wants buffers of exactly the bytes. */
function buffer(bytes: Uint8Array): ArrayBuffer {
	return new Uint8Array(bytes).buffer;
}

function wholeSecond(time: number): number {
	return Math.floor(time / 1000) * 1000;
}

/** A path is valid only while all of it is, so a certificate that outlives its issuer would promise too much. */
function requireValidity({ notBefore, notAfter, issuer }: Content): void {
	if (!(notBefore < notAfter) || notBefore < 0 || notAfter > MAX_TIME)
		throw invalid("a certificate must become valid before it expires");
	if (issuer && (notBefore < issuer.notBefore || notAfter > issuer.notAfter))
		throw invalid(
			`the validity must lie within that of the issuer ${subjectText(issuer)}`,
		);
}

function requirePublicKey({ algorithm, publicKey }: Content): void {
	if (!isPublicKey(algorithm, publicKey))
		throw invalid(
			"a public key must be raw: 65 bytes uncompressed for P-256, 32 bytes for Ed25519",
		);
}

/** Validation refuses a path on which a name comes twice. */
function requireOtherName({ issuer, name }: Content): void {
	if (issuer && onlyCommonName(issuer) === name)
		throw invalid(`"${name}" is its issuer's name too; choose another`);
}

/** 9999-12-31T23:59:59Z, the last second that a certificate can name. */
const MAX_TIME = 253_402_300_799_000;

function requireAuthorityName(name: string): void {
	if (!AUTHORITY_NAME.test(name))
		throw invalid(
			"the name of an authority has 1 to 64 printable ASCII characters",
		);
}

function requirePathLength(pathLength: number, limit: number): void {
	if (limit < 0)
		throw invalid("the issuer may issue to devices only, not to intermediates");
	if (!Number.isInteger(pathLength) || pathLength < 0 || pathLength > limit)
		throw invalid(`the path length must be 0 to ${limit}, not ${pathLength}`);
}

function invalid(what: string): TetradError {
	return new TetradError("invalid-argument", what);
}
