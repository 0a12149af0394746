import type { CryptoProvider, SignatureAlgorithm } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import { copy, sameBytes } from "../../wire/index.ts";
import {
	type Certificate,
	onlyCommonName,
	parseCertificate,
	subjectText,
} from "./certificate.ts";
import { certificateId, chainHash, deviceId, parseChain } from "./chain.ts";
import { attestedLevel, levelsOf, requireMayAttest } from "./levels.ts";
import {
	type AuthorityKind,
	type DeviceRole,
	isCertifiedName,
	KEY_USAGE,
	KIND_OF_ROLE,
	ROLE_OID,
} from "./profile.ts";
import { chainRefused, timeText } from "./refusal.ts";
import type { TamperResistance } from "./tamper-resistance.ts";

const minted: unique symbol = Symbol();

/** A root that may be trusted: a CA for one role, self-issued and self-signed. Only `parseTrustAnchor` makes one. */
export class TrustAnchor {
	/** An object of the same form is none: only the check makes one. */
	declare protected readonly minted: true;
	readonly certificate: Certificate;
	readonly kind: AuthorityKind;
	/** The role that it certifies. */
	readonly role: DeviceRole;

	constructor(
		proof: typeof minted,
		certificate: Certificate,
		role: DeviceRole,
	) {
		requireMinted(proof);
		this.certificate = certificate;
		this.kind = KIND_OF_ROLE[role];
		this.role = role;
	}
}

/** A device whose chain was validated. Only `validateChain` makes one. Its bytes are not to be changed. */
export class CertifiedDevice {
	readonly role: DeviceRole;
	/** The certified name. */
	readonly name: string;
	/** enc(SHA-256 of the anchor's SPKI, name). */
	readonly deviceId: Uint8Array;
	/** SHA-256 of the leaf, 32 bytes. */
	readonly certificateId: Uint8Array;
	/** SHA-256 of the encoded chain, 32 bytes. */
	readonly chainHash: Uint8Array;
	readonly encodedChain: Uint8Array;
	readonly algorithm: SignatureAlgorithm;
	/** Raw: 65 bytes uncompressed for P-256, 32 for Ed25519. */
	readonly publicKey: Uint8Array;
	/** What its certificate attests, and every authority above it may attest. */
	readonly tamperResistance: TamperResistance;
	/** When the last certificate of the path, anchor included, becomes valid; milliseconds since the epoch. */
	readonly notBefore: number;
	/** When the first certificate of the path, anchor included, expires; milliseconds since the epoch. */
	readonly notAfter: number;
	readonly #path: Path;

	constructor(
		proof: typeof minted,
		crypto: CryptoProvider,
		encodedChain: Uint8Array,
		role: DeviceRole,
		subject: Subject,
		path: Path,
		anchor: TrustAnchor,
	) {
		requireMinted(proof);
		const [leaf] = path;
		this.role = role;
		this.name = subject.name;
		this.tamperResistance = subject.tamperResistance;
		this.deviceId = deviceId(crypto, anchor.certificate.spki, subject.name);
		this.certificateId = certificateId(crypto, leaf.der);
		this.chainHash = chainHash(crypto, encodedChain);
		this.encodedChain = encodedChain;
		this.algorithm = leaf.algorithm;
		this.publicKey = leaf.publicKey;
		this.notBefore = Math.max(...path.map(({ notBefore }) => notBefore));
		this.notAfter = Math.min(...path.map(({ notAfter }) => notAfter));
		this.#path = path;
	}

	/** The leaf first, then the intermediates, and the anchor last. */
	get path(): Path {
		return this.#path;
	}

	/** Throws `chain-refused` unless every certificate of the path, anchor included, is valid at `now`. */
	requireValid(now: number): void {
		for (const certificate of this.#path) requireValidAt(certificate, now);
	}
}

/** Certificates, each issued by the one after it, and the trust anchor last. */
export type Path = readonly [Certificate, ...Certificate[]];

/** What the leaf certifies. */
interface Subject {
	readonly name: string;
	readonly tamperResistance: TamperResistance;
}

/** An authority whose path to a trusted root was validated. Only `validateAuthority` makes one. */
export class CertifiedAuthority {
	readonly certificate: Certificate;
	/** When the first certificate of the path, anchor included, expires; milliseconds since the epoch. */
	readonly notAfter: number;
	readonly #path: Path;

	constructor(proof: typeof minted, path: Path) {
		requireMinted(proof);
		this.certificate = path[0];
		this.#path = path;
		this.notAfter = Math.min(...path.map(({ notAfter }) => notAfter));
	}

	/** The authority first, then those above it, and the anchor last; for a root it is the anchor alone. */
	get path(): Path {
		return this.#path;
	}
}

function requireMinted(proof: typeof minted): void {
	if (proof !== minted)
		throw new TetradError("internal", "only a check can make this value");
}

/**
 * Reads a root (DER, copied) that the owner wants to trust. Throws `malformed` or
 * `chain-refused` unless it is a self-issued and self-signed CA for exactly one role. When it
 * is valid is asked each time that a chain leads to it.
 */
export function parseTrustAnchor(
	crypto: CryptoProvider,
	der: Uint8Array,
): TrustAnchor {
	const certificate = parseCertificate(copy(der));
	const who = `the root ${subjectText(certificate)}`;
	if (!sameBytes(certificate.issuer, certificate.subject))
		throw chainRefused(`${who} is not a root: another authority issued it`);
	requireEnforceable(certificate, who);
	requireAuthority(certificate, who);
	levelsOf(certificate, who);
	const role = requireOneRole(certificate, who);
	if (!isSignedBy(crypto, certificate, certificate))
		throw chainRefused(`${who} is not signed by its own key`);
	return new TrustAnchor(minted, certificate, role);
}

/**
 * Decides whether `encodedChain` certifies a device of `role` at `now` (milliseconds since the
 * epoch) under one of `anchors`, which are the roots that the caller trusts for that role.
 *
 * This is our own path policy, stricter than RFC 5280, 6: the chain is the path, in order and
 * without the root; every authority on it is a CA for exactly this role; names are compared
 * byte by byte; nothing that we do not understand is passed over when it is critical.
 * Signatures come last and from the anchor downwards, so that a chain that somebody made up
 * costs one of them. For a chain that was accepted before, `now` is left out, and when it is
 * valid is not asked.
 *
 * Throws `malformed` for undecodable bytes and `chain-refused` with the reason.
 */
export function validateChain(
	crypto: CryptoProvider,
	encodedChain: Uint8Array,
	role: DeviceRole,
	anchors: readonly TrustAnchor[],
	now: number | undefined,
): CertifiedDevice {
	if (anchors.length === 0)
		throw chainRefused(
			`this device trusts no ${KIND_OF_ROLE[role]} yet, so it talks to no ${role}: name one to trust first`,
		);
	const encoded = copy(encodedChain);
	const chain = parseChain(encoded).map(parseCertificate);
	const [leaf, ...intermediates] = chain as [Certificate, ...Certificate[]];

	requireNoRoot(chain, anchors);
	requireNoLoop(chain);
	const subject = requireDevice(leaf, role);
	for (const [below, certificate] of intermediates.entries())
		requireIntermediate(certificate, role, below);
	const anchor = requirePath(
		crypto,
		chain,
		role,
		anchors,
		intermediates.length,
		now,
	);
	const root = anchor.certificate;
	requireLevel(subject, leaf, intermediates, root);
	requireSignatures(crypto, chain);
	const path: Path = [leaf, ...intermediates, root];
	return new CertifiedDevice(
		minted,
		crypto,
		encoded,
		role,
		subject,
		path,
		anchor,
	);
}

/**
 * Decides whether `chain`, the certificate of an authority in DER and then those above it
 * without the root, leads to one of `anchors`, by the same rules as `validateChain`. For a chain
 * that was accepted before, `now` is left out, and when it is valid is not asked.
 *
 * Throws `malformed` for undecodable bytes and `chain-refused` with the reason.
 */
export function validateAuthority(
	crypto: CryptoProvider,
	encodedChain: Uint8Array,
	anchors: readonly TrustAnchor[],
	now: number | undefined,
): CertifiedAuthority {
	const chain = parseChain(copy(encodedChain)).map(parseCertificate);
	const [authority] = chain as [Certificate, ...Certificate[]];
	const role = requireOneRole(
		authority,
		`the intermediate ${subjectText(authority)}`,
	);
	requireNoRoot(chain, anchors);
	requireNoLoop(chain);
	for (const [below, certificate] of chain.entries())
		requireIntermediate(certificate, role, below);
	const ofRole = anchors.filter((anchor) => anchor.role === role);
	const anchor = requirePath(crypto, chain, role, ofRole, chain.length, now);
	requireSignatures(crypto, chain);
	return new CertifiedAuthority(minted, [
		authority,
		...chain.slice(1),
		anchor.certificate,
	]);
}

/** A root as an authority. Its validity is asked like that of an intermediate. */
export function anchorAuthority(
	{ certificate }: TrustAnchor,
	now: number | undefined,
): CertifiedAuthority {
	if (now !== undefined) requireValidAt(certificate, now);
	return new CertifiedAuthority(minted, [certificate]);
}

/** That the chain is in order up to an anchor, save for the signatures below the last of the chain. */
function requirePath(
	crypto: CryptoProvider,
	chain: readonly Certificate[],
	role: DeviceRole,
	anchors: readonly TrustAnchor[],
	intermediates: number,
	now: number | undefined,
): TrustAnchor {
	requireLinked(chain);
	if (now !== undefined)
		for (const certificate of chain) requireValidAt(certificate, now);
	const top = chain.at(-1) as Certificate;
	const anchor = findAnchor(crypto, top, anchors, now);
	const root = anchor.certificate;
	if (anchor.role !== role)
		throw chainRefused(
			`the root ${subjectText(root)} belongs to a ${anchor.kind}, which certifies no ${role}`,
		);
	requirePathLength(root, `the root ${subjectText(root)}`, intermediates);
	requireNoLoop([...chain, root]);
	if (now !== undefined) requireValidAt(root, now);
	return anchor;
}

/** Every authority on the path, root included, must be one that may attest what the leaf attests. */
function requireLevel(
	{ tamperResistance }: Subject,
	leaf: Certificate,
	intermediates: readonly Certificate[],
	root: Certificate,
): void {
	const leafText = `the certificate of ${subjectText(leaf)}`;
	for (const certificate of intermediates)
		requireMayAttest(
			certificate,
			`the intermediate ${subjectText(certificate)}`,
			tamperResistance,
			leafText,
		);
	requireMayAttest(
		root,
		`the root ${subjectText(root)}`,
		tamperResistance,
		leafText,
	);
}

function requireNoRoot(
	chain: readonly Certificate[],
	anchors: readonly TrustAnchor[],
): void {
	for (const [i, { der }] of chain.entries()) {
		if (!anchors.some((anchor) => sameBytes(anchor.certificate.der, der)))
			continue;
		throw chainRefused(
			i === 0
				? "the chain certifies no device: its leaf is the trusted root itself"
				: "the chain holds the trusted root, which must be left out",
		);
	}
}

/** A subject that comes twice would let one path be written in many ways, or go round in circles. */
function requireNoLoop(path: readonly Certificate[]): void {
	for (const [i, certificate] of path.entries())
		for (const other of path.slice(i + 1)) {
			if (sameBytes(certificate.der, other.der))
				throw chainRefused(
					`the certificate of ${subjectText(certificate)} is in the chain twice`,
				);
			if (sameBytes(certificate.subject, other.subject))
				throw chainRefused(
					`two certificates on the path are for the same name, ${subjectText(certificate)}`,
				);
		}
}

function requireDevice(leaf: Certificate, role: DeviceRole): Subject {
	const name = onlyCommonName(leaf);
	const who = `the certificate of ${subjectText(leaf)}`;
	if (name === undefined || !isCertifiedName(name))
		throw chainRefused(
			`${who} does not name its subject by one common name of 1 to 64 characters from a–z, 0–9, "." and "-"`,
		);
	requireEnforceable(leaf, who);
	if (leaf.basicConstraints?.ca)
		throw chainRefused(`${who} is an authority's and not a device's`);
	if (!allows(leaf, KEY_USAGE.digitalSignature))
		throw chainRefused(`${who} does not allow its key to make signatures`);
	requireRole(leaf, who, role);
	return { name, tamperResistance: attestedLevel(leaf, who) };
}

function requireIntermediate(
	certificate: Certificate,
	role: DeviceRole,
	intermediatesBelow: number,
): void {
	const who = `the intermediate ${subjectText(certificate)}`;
	requireEnforceable(certificate, who);
	requireAuthority(certificate, who);
	requireRole(certificate, who, role);
	requirePathLength(certificate, who, intermediatesBelow);
}

function requireEnforceable({ unenforced }: Certificate, who: string): void {
	if (unenforced.length > 0)
		throw chainRefused(
			`${who} has an extension that is not understood here and must not be ignored: ${unenforced[0]}`,
		);
}

/** Throws `chain-refused` unless the certificate is a CA's and its key may sign certificates. */
export function requireAuthority(certificate: Certificate, who: string): void {
	if (certificate.basicConstraints === undefined)
		throw chainRefused(
			`${who} does not say that it is an authority: it has no basic constraints`,
		);
	if (!certificate.basicConstraints.ca)
		throw chainRefused(`${who} is not an authority`);
	if (certificate.keyUsage === undefined)
		throw chainRefused(
			`${who} does not say what its key is for: it has no key usage`,
		);
	if (!allows(certificate, KEY_USAGE.keyCertSign))
		throw chainRefused(`${who} does not allow its key to sign certificates`);
}

function allows({ keyUsage }: Certificate, usage: number): boolean {
	return keyUsage !== undefined && (keyUsage & usage) !== 0;
}

function requireRole(
	certificate: Certificate,
	who: string,
	role: DeviceRole,
): void {
	const actual = requireOneRole(certificate, who);
	if (actual !== role)
		throw chainRefused(
			`${who} is for the role "${actual}" and not for "${role}"`,
		);
}

/** The role that a certificate is for. Throws `chain-refused` unless it is exactly one. */
export function requireOneRole(
	{ extendedKeyUsage }: Certificate,
	who: string,
): DeviceRole {
	if (extendedKeyUsage === undefined)
		throw chainRefused(
			`${who} does not say for which role it is: it has no extended key usage`,
		);
	const agent = extendedKeyUsage.includes(ROLE_OID.agent);
	const module = extendedKeyUsage.includes(ROLE_OID.module);
	if (agent && module)
		throw chainRefused(`${who} is for an agent and a module at once`);
	if (!agent && !module) throw chainRefused(`${who} is for no role of Tetrad`);
	return agent ? "agent" : "module";
}

function requirePathLength(
	{ basicConstraints }: Certificate,
	who: string,
	intermediatesBelow: number,
): void {
	const limit = basicConstraints?.pathLength;
	if (limit !== undefined && intermediatesBelow > limit)
		throw chainRefused(
			`${who} allows ${limit} intermediates below it, and there are ${intermediatesBelow}`,
		);
}

function requireLinked(chain: readonly Certificate[]): void {
	for (const [i, issuer] of chain.slice(1).entries()) {
		const issued = chain[i] as Certificate;
		if (!sameBytes(issued.issuer, issuer.subject))
			throw chainRefused(
				`the certificate of ${subjectText(issued)} was not issued by ${subjectText(issuer)}, which follows it in the chain`,
			);
	}
}

/** An authority that renews its root keeps name and key, so several anchors may fit; one that is valid goes first. */
function findAnchor(
	crypto: CryptoProvider,
	top: Certificate,
	anchors: readonly TrustAnchor[],
	now: number | undefined,
): TrustAnchor {
	const named = anchors.filter(({ certificate }) =>
		sameBytes(certificate.subject, top.issuer),
	);
	if (named.length === 0)
		throw chainRefused(
			`the certificate of ${subjectText(top)} leads to no root that is trusted here`,
		);
	const signers = named.filter(({ certificate }) =>
		isSignedBy(crypto, top, certificate),
	);
	const anchor =
		signers.find(
			({ certificate }) => now !== undefined && isValidAt(certificate, now),
		) ?? signers[0];
	if (anchor === undefined) throw wrongSignature(top);
	return anchor;
}

/** From the top down; the anchor's own signature on the last of the chain is checked in finding it. */
function requireSignatures(
	crypto: CryptoProvider,
	chain: readonly Certificate[],
): void {
	for (let i = chain.length - 2; i >= 0; i--) {
		const issued = chain[i] as Certificate;
		if (!isSignedBy(crypto, issued, chain[i + 1] as Certificate))
			throw wrongSignature(issued);
	}
}

/** Whether the key of the second certificate made the signature of the first. */
export function isSignedBy(
	crypto: CryptoProvider,
	{ signatureAlgorithm, signedPart, signature }: Certificate,
	{ algorithm, publicKey }: Certificate,
): boolean {
	return (
		signatureAlgorithm === algorithm &&
		crypto.verify(algorithm, publicKey, signedPart, signature)
	);
}

function wrongSignature(certificate: Certificate): TetradError {
	return chainRefused(
		`the certificate of ${subjectText(certificate)} is not signed by the authority that it names`,
	);
}

/** Both ends belong to the validity (RFC 5280, 4.1.2.5). */
function isValidAt({ notBefore, notAfter }: Certificate, now: number): boolean {
	return now >= notBefore && now <= notAfter;
}

function requireValidAt(certificate: Certificate, now: number): void {
	if (isValidAt(certificate, now)) return;
	if (Number.isNaN(now))
		throw new TetradError("invalid-argument", "the time is not a number");
	const { notBefore, notAfter } = certificate;
	const who = `the certificate of ${subjectText(certificate)}`;
	throw chainRefused(
		now < notBefore
			? `${who} is not valid before ${timeText(notBefore)}`
			: `${who} expired on ${timeText(notAfter)}`,
	);
}
