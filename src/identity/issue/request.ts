import type { CryptoProvider, SignatureAlgorithm } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import { copy, malformed } from "../../wire/index.ts";
import {
	ANY_POLICY_OID,
	type AuthorityKind,
	authorityExtension,
	chainRefused,
	commonName,
	type DerReader,
	type DeviceRole,
	EXTENSION_REQUEST_OID,
	element,
	integer,
	invalid,
	isAuthorityName,
	isCertifiedName,
	KIND_OF_ROLE,
	LEVEL_OID,
	levelExtensions,
	MAX_REQUEST_BYTES,
	objectIdentifier,
	onlyCommonNameText,
	onlyElement,
	openSigned,
	parseExtensions,
	parseName,
	parseObjectIdentifier,
	parsePublicKey,
	parseSignature,
	parseSignatureAlgorithm,
	parseUnsigned,
	ROLE_OF_KIND,
	ROLE_OID,
	roleExtension,
	type Signer,
	sign,
	TAG,
	TAMPER_RESISTANCE,
	type TamperResistance,
	type Extensions as Wishes,
	wrongSignature,
} from "../x509/index.ts";
import { publicKeyInfo } from "./public-key-info.ts";

/** What a device asks to be certified as. Only its name and key count; the rest are wishes. */
export interface NewDeviceRequest {
	readonly role: DeviceRole;
	/** The certified name, as `isCertifiedName` has it. */
	readonly name: string;
	/** The key to certify, which signs the request and stays where it is. */
	readonly signer: Signer;
	/** The level that it wishes to have attested; `software` unless given. */
	readonly tamperResistance?: TamperResistance;
}

/** What an intermediate asks to be certified as. */
export interface NewAuthorityRequest {
	readonly kind: AuthorityKind;
	/** 1 to 64 printable ASCII characters. */
	readonly name: string;
	/** The key to certify, which signs the request and stays where it is. */
	readonly signer: Signer;
	/** The levels that it wishes to attest; `software` alone unless given. */
	readonly attests?: readonly TamperResistance[];
}

const minted: unique symbol = Symbol();

/**
 * A certification request that was read, and whose key signed it. Only `parseRequest` makes one.
 * It proves that its sender has the private key, and nothing about who that is.
 */
export class CertificationRequest {
	/** SHA-256 of the request, 32 bytes; what an owner compares, and what a renewal signs. */
	readonly hash: Uint8Array;
	/** A certified name, or the name of an authority. */
	readonly name: string;
	readonly algorithm: SignatureAlgorithm;
	/** Raw: 65 bytes uncompressed for P-256, 32 for Ed25519. */
	readonly publicKey: Uint8Array;
	/** What it wishes to be. */
	readonly subject: "device" | "authority";
	/** The role that it wishes for, if it says so. */
	readonly role: DeviceRole | undefined;
	/** The levels that it wishes to have attested, or to attest; for a device one at most. */
	readonly levels: readonly TamperResistance[];
	readonly #der: Uint8Array;

	constructor(
		proof: typeof minted,
		crypto: CryptoProvider,
		der: Uint8Array,
		content: Content,
	) {
		if (proof !== minted)
			throw new TetradError("internal", "only a check can make this value");
		this.#der = der;
		this.hash = crypto.sha256(der);
		this.name = content.name;
		this.algorithm = content.algorithm;
		this.publicKey = content.publicKey;
		this.subject = content.subject;
		this.role = content.role;
		this.levels = content.levels;
	}

	get der(): Uint8Array {
		return this.#der;
	}

	/** Throws `chain-refused` when it wishes to be something else. */
	requireFor(subject: "device" | "authority", role: DeviceRole): void {
		const who = `the request of "${this.name}"`;
		if (this.subject !== subject)
			throw chainRefused(
				subject === "device"
					? `${who} asks for the certificate of an authority and not of a device`
					: `${who} asks for the certificate of a device and not of an authority`,
			);
		if (this.role !== undefined && this.role !== role)
			throw chainRefused(
				`${who} asks for the role "${this.role}", and the issuer certifies for "${role}"`,
			);
	}
}

interface Content {
	readonly name: string;
	readonly algorithm: SignatureAlgorithm;
	readonly publicKey: Uint8Array;
	readonly subject: "device" | "authority";
	readonly role: DeviceRole | undefined;
	readonly levels: readonly TamperResistance[];
}

/** What a refusal says that was wrong. */
const WHAT = "a request";

/**
 * A PKCS#10 request (RFC 2986) in DER by which a device asks to be certified. The private key
 * stays with its signer. Rejects with `invalid-argument` for a name that is not one,
 * `key-store-failed` when the key signs wrongly, and with whatever the signer rejects.
 *
 * @example
 * ```ts
 * import { nodeCrypto } from "tetrad/crypto";
 * import { makeRequest, parseRequest, printPemBlock } from "tetrad/identity";
 * import { generateSoftwareKey } from "tetrad/keys";
 *
 * const signer = generateSoftwareKey("Ed25519");
 * const der = await makeRequest(nodeCrypto, { role: "agent", name: "alice", signer });
 * console.log(parseRequest(nodeCrypto, der).name, printPemBlock("CERTIFICATE REQUEST", der));
 * ```
 */
export async function makeRequest(
	crypto: CryptoProvider,
	request: NewDeviceRequest,
): Promise<Uint8Array> {
	const { role, name, signer, tamperResistance = "software" } = request;
	if (!isCertifiedName(name))
		throw invalid(
			'the name of a device has 1 to 64 characters from a–z, 0–9, "." and "-", the first one a letter or a digit',
		);
	return make(crypto, name, signer, [
		roleExtension(role),
		...levelExtensions([tamperResistance]),
	]);
}

/** As `makeRequest`, for an intermediate that asks the authority above it. */
export async function makeAuthorityRequest(
	crypto: CryptoProvider,
	request: NewAuthorityRequest,
): Promise<Uint8Array> {
	const { kind, name, signer, attests = [] } = request;
	if (!isAuthorityName(name))
		throw invalid(
			"the name of an authority has 1 to 64 printable ASCII characters",
		);
	return make(crypto, name, signer, [
		authorityExtension(),
		roleExtension(ROLE_OF_KIND[kind]),
		...levelExtensions(attests),
	]);
}

async function make(
	crypto: CryptoProvider,
	name: string,
	signer: Signer,
	wishes: readonly Uint8Array[],
): Promise<Uint8Array> {
	const attribute = element(
		TAG.sequence,
		objectIdentifier(EXTENSION_REQUEST_OID),
		element(TAG.set, element(TAG.sequence, ...wishes)),
	);
	const info = element(
		TAG.sequence,
		integer(Uint8Array.of(0)),
		commonName(name),
		publicKeyInfo(signer),
		element(TAG.explicit0, attribute),
	);
	const who = `"${name}"`;
	const der = await sign(signer, info, who);
	if (readRequest(crypto, der) === undefined) throw wrongSignature(who);
	return der;
}

/**
 * Reads a PKCS#10 request (DER, copied) and verifies that its key signed it. Throws `malformed`
 * for anything but DER of exactly one request, and `chain-refused` for another algorithm than
 * ECDSA with SHA-256 on P-256 and Ed25519, a name that cannot be certified, an attribute that is
 * not understood, or a signature that is not of the key that it asks for.
 */
export function parseRequest(
	crypto: CryptoProvider,
	der: Uint8Array,
): CertificationRequest {
	if (der.length > MAX_REQUEST_BYTES)
		throw malformed("a request is over the limit");
	const request = readRequest(crypto, copy(der));
	if (request === undefined)
		throw chainRefused(
			"a request is not signed by the key that it asks to have certified",
		);
	return request;
}

/** `undefined` when the key did not sign it. */
function readRequest(
	crypto: CryptoProvider,
	der: Uint8Array,
): CertificationRequest | undefined {
	const { signedPart, inner, algorithm, signatureBits } = openSigned(der);
	const version = parseUnsigned(inner.content(TAG.integer));
	if (version.length !== 1 || version[0] !== 0)
		throw chainRefused("a request is not of version 1");
	const attributes = parseName(inner.content(TAG.sequence));
	const key = parsePublicKey(inner.content(TAG.sequence), WHAT);
	const wishes = readWishes(inner.nested(TAG.explicit0));
	inner.finish();
	const signatureAlgorithm = parseSignatureAlgorithm(algorithm, WHAT);
	const signature = parseSignature(signatureAlgorithm, signatureBits);
	const content: Content = {
		...key,
		...readSubject(onlyCommonNameText(attributes), wishes),
	};
	if (
		signatureAlgorithm !== key.algorithm ||
		!crypto.verify(key.algorithm, key.publicKey, signedPart, signature)
	)
		return undefined;
	return new CertificationRequest(minted, crypto, der, content);
}

/** [0] SET OF Attribute, of which only the wish for extensions is understood, once (RFC 2985, 5.4.2). */
function readWishes(attributes: DerReader): Wishes {
	if (attributes.done) return parseExtensions(undefined, WHAT);
	const attribute = attributes.nested(TAG.sequence);
	const oid = parseObjectIdentifier(attribute.content(TAG.objectIdentifier));
	if (oid !== EXTENSION_REQUEST_OID)
		throw chainRefused(
			`a request has the attribute ${oid}, which is not understood here; make it with a wish for extensions and nothing else`,
		);
	const list = onlyElement(attribute.content(TAG.set), TAG.sequence);
	attribute.finish();
	attributes.finish();
	return parseExtensions(list, WHAT);
}

function readSubject(
	name: string | undefined,
	wishes: Wishes,
): Pick<Content, "name" | "subject" | "role" | "levels"> {
	const { basicConstraints, extendedKeyUsage = [], policies = [] } = wishes;
	const [unknown] = wishes.unenforced;
	if (unknown !== undefined)
		throw chainRefused(
			`a request wishes for an extension that nobody may have here: ${unknown}`,
		);
	const subject = basicConstraints?.ca ? "authority" : "device";
	if (name === undefined)
		throw chainRefused(
			"a request does not name its subject by one common name",
		);
	if (subject === "device" && !isCertifiedName(name))
		throw chainRefused(
			'the name in a request is not one of 1 to 64 characters from a–z, 0–9, "." and "-"',
		);
	if (subject === "authority" && !isAuthorityName(name))
		throw chainRefused(
			"the name in a request is not one of 1 to 64 printable ASCII characters",
		);
	const roles = Object.keys(KIND_OF_ROLE) as DeviceRole[];
	const [role, second] = roles.filter((role) =>
		extendedKeyUsage.includes(ROLE_OID[role]),
	);
	if (second !== undefined)
		throw chainRefused("a request asks to be an agent and a module at once");
	if (policies.includes(ANY_POLICY_OID))
		throw chainRefused(
			'a request wishes for the policy "any policy", where it must name the levels of tamper resistance one by one',
		);
	const levels = TAMPER_RESISTANCE.filter((level) =>
		policies.includes(LEVEL_OID[level]),
	);
	if (subject === "device" && levels.length > 1)
		throw chainRefused(
			"a request asks for two levels of tamper resistance at once",
		);
	return { name, subject, role, levels };
}
