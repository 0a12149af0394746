import type { CryptoProvider } from "../../crypto/index.ts";
import { copy, sameBytes } from "../../wire/index.ts";
import {
	type AuthorityKind,
	authorityExtension,
	authorityKeyExtensions,
	type Certificate,
	commonName,
	type DeviceRole,
	EXTENSION_OID,
	element,
	extension,
	integer,
	invalid,
	isAuthorityName,
	isCertifiedName,
	isPublicKey,
	isSignedBy,
	KEY_USAGE,
	KIND_OF_ROLE,
	levelExtensions,
	levelsOf,
	MAX_CERTIFICATES,
	MAX_TIME,
	namedBits,
	onlyCommonName,
	parseCertificate,
	ROLE_OF_KIND,
	requireAuthority,
	requireOneRole,
	roleExtension,
	SIGNATURE_IDENTIFIER,
	type Signer,
	sign,
	subjectText,
	TAG,
	type TamperResistance,
	time,
	wholeSecond,
	wrongSignature,
} from "../x509/index.ts";
import { type CertifiedKey, publicKeyInfo } from "./public-key-info.ts";
import type { CertificationRequest } from "./request.ts";

/** When a certificate is valid, in milliseconds since the epoch, both ends included. Parts of a second are cut off. */
export interface Validity {
	readonly notBefore: number;
	readonly notAfter: number;
}

/** An authority that issues: its certificate in DER and the key that it certifies. */
export interface IssuingAuthority {
	readonly certificate: Uint8Array;
	readonly signer: Signer;
}

/** What an authority may attest. */
interface Attesting {
	/**
	 * The levels of tamper resistance that it may attest to devices, and let the authorities
	 * below it attest. Not given, it is `software` alone, which attests nothing.
	 */
	readonly attests?: readonly TamperResistance[];
}

/** What an authority below another one must keep to. */
interface Issued extends Validity {
	readonly issuer: IssuingAuthority;
	/**
	 * The instant in the issuer's untrusted list before which certificates are no longer enough;
	 * `notBefore` is moved up to it, so that nothing is issued which would be refused at once.
	 */
	readonly recertifyBefore?: number | undefined;
}

/** What a root certificate says. It signs itself. */
export interface NewRoot extends Validity, Attesting {
	/** An agency only ever certifies agents, and a bank modules. */
	readonly kind: AuthorityKind;
	/** 1 to 64 printable ASCII characters. */
	readonly name: string;
	readonly signer: Signer;
	/** Intermediates allowed between this root and a device: 0 to 3, by default 1. */
	readonly pathLength?: number;
}

/** What an authority decides when it answers the request of an intermediate. */
export interface IntermediateGrant extends Issued, Attesting {
	/** Intermediates allowed between this one and a device, by default 0; fewer than the issuer allows. */
	readonly pathLength?: number;
}

/** What the certificate of an intermediate says whose key the authority was handed. */
export interface NewIntermediate extends IntermediateGrant, CertifiedKey {
	/** 1 to 64 printable ASCII characters. */
	readonly name: string;
}

/** What an authority decides when it answers the request of a device. */
export interface DeviceGrant extends Issued {
	/** What is attested of the place where the key lives; `software`, which is nothing, unless given. The issuer must have established it. */
	readonly tamperResistance?: TamperResistance;
}

/** What the certificate of a device says whose key the authority was handed. */
export interface NewDevice extends DeviceGrant, CertifiedKey {
	readonly role: DeviceRole;
	/** The certified name, as `isCertifiedName` has it. */
	readonly name: string;
}

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
	request: NewRoot,
): Promise<Uint8Array> {
	const { kind, signer, pathLength = 1, attests = [] } = request;
	requireAuthorityName(request.name);
	requirePathLength(pathLength, MAX_PATH_LENGTH);
	return issue(crypto, {
		...request,
		algorithm: signer.algorithm,
		publicKey: signer.publicKey,
		role: ROLE_OF_KIND[kind],
		pathLength,
		levels: attests,
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
	request: NewIntermediate,
): Promise<Uint8Array> {
	const { certificate, role } = readIssuer(request.issuer);
	const { pathLength = 0, attests = [] } = request;
	const above = certificate.basicConstraints?.pathLength ?? MAX_PATH_LENGTH;
	requireAuthorityName(request.name);
	requirePathLength(pathLength, above - 1);
	requireLevels(certificate, attests);
	return issue(crypto, {
		...request,
		role,
		pathLength,
		levels: attests,
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
	request: NewDevice,
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
	const { tamperResistance = "software" } = request;
	requireLevels(certificate, [tamperResistance]);
	return issue(crypto, {
		...request,
		pathLength: undefined,
		levels: [tamperResistance],
		issuer: certificate,
		signer: request.issuer.signer,
	});
}

/**
 * Answers the request of a device: issues a certificate for its name and key, in DER. The role
 * is the issuer's, and the level is the grant's; what the request wishes for decides nothing.
 * Rejects like `issueDevice`, and with `chain-refused` for a request that wants to be an
 * authority or has another role.
 */
export async function grantDevice(
	crypto: CryptoProvider,
	request: CertificationRequest,
	grant: DeviceGrant,
): Promise<Uint8Array> {
	const { role } = readIssuer(grant.issuer);
	request.requireFor("device", role);
	const { name, algorithm, publicKey } = request;
	return issueDevice(crypto, { ...grant, role, name, algorithm, publicKey });
}

/** Answers the request of an intermediate, in the manner of `grantDevice`. */
export async function grantIntermediate(
	crypto: CryptoProvider,
	request: CertificationRequest,
	grant: IntermediateGrant,
): Promise<Uint8Array> {
	const { role } = readIssuer(grant.issuer);
	request.requireFor("authority", role);
	const { name, algorithm, publicKey } = request;
	return issueIntermediate(crypto, { ...grant, name, algorithm, publicKey });
}

/** The issuer's certificate and role. Throws unless it is an authority and the signer has its key. */
export function readIssuer({ certificate: der, signer }: IssuingAuthority): {
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
	readonly levels: readonly TamperResistance[];
	/** A root has none. */
	readonly issuer: Certificate | undefined;
	readonly signer: Signer;
	readonly recertifyBefore?: number | undefined;
}

async function issue(
	crypto: CryptoProvider,
	request: Content,
): Promise<Uint8Array> {
	const { recertifyBefore = request.notBefore } = request;
	const content: Content = {
		...request,
		notBefore: wholeSecond(Math.max(request.notBefore, recertifyBefore)),
		notAfter: wholeSecond(request.notAfter),
	};
	requireValidity(content);
	requirePublicKey(content);
	requireOtherName(content);
	const { issuer, signer, name } = content;
	const who = issuer ? subjectText(issuer) : `"${name}"`;
	const der = await sign(signer, signedPart(crypto, content), who);
	// A key store can fail silently, so the certificate is verified before anybody relies on it.
	const issued = parseCertificate(der);
	if (!isSignedBy(crypto, issued, issuer ?? issued)) throw wrongSignature(who);
	return der;
}

/** INTEGER 2: version 3 of X.509. */
const VERSION: Uint8Array = element(TAG.explicit0, integer(Uint8Array.of(2)));

/** TBSCertificate (RFC 5280, 4.1). */
function signedPart(crypto: CryptoProvider, content: Content): Uint8Array {
	const { publicKey, issuer, signer } = content;
	const subject = commonName(content.name);
	return element(
		TAG.sequence,
		VERSION,
		integer(serial(crypto)),
		SIGNATURE_IDENTIFIER[signer.algorithm],
		// Byte for byte, since that is how a path compares names.
		issuer?.subject ?? subject,
		element(TAG.sequence, time(content.notBefore), time(content.notAfter)),
		subject,
		publicKeyInfo(content),
		element(
			TAG.explicit3,
			extensions(content, keyIdentifier(crypto, publicKey)),
		),
	);
}

function extensions(
	{ role, pathLength, levels, issuer }: Content,
	subjectKeyIdentifier: Uint8Array,
): Uint8Array {
	const isAuthority = pathLength !== undefined;
	const usage = isAuthority
		? KEY_USAGE.keyCertSign | KEY_USAGE.crlSign
		: KEY_USAGE.digitalSignature;
	return element(
		TAG.sequence,
		extension(EXTENSION_OID.keyUsage, true, namedBits(usage)),
		roleExtension(role),
		extension(
			EXTENSION_OID.subjectKeyIdentifier,
			false,
			element(TAG.octetString, subjectKeyIdentifier),
		),
		...(isAuthority ? [authorityExtension(pathLength)] : []),
		...authorityKeyExtensions(issuer?.subjectKeyIdentifier),
		...levelExtensions(isAuthority ? withSoftware(levels) : levels),
	);
}

/** An authority that may attest more may attest nothing too; other tools take the list of its policies to the letter. */
function withSoftware(
	levels: readonly TamperResistance[],
): readonly TamperResistance[] {
	return ["software", ...levels];
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

function requireAuthorityName(name: string): void {
	if (!isAuthorityName(name))
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

/** Nobody passes on what it does not have. */
function requireLevels(
	issuer: Certificate,
	levels: readonly TamperResistance[],
): void {
	const own = levelsOf(issuer, `the issuer ${subjectText(issuer)}`);
	for (const level of levels)
		if (level !== "software" && !own.includes(level))
			throw invalid(
				`the issuer ${subjectText(issuer)} may not attest the tamper resistance "${level}"`,
			);
}
