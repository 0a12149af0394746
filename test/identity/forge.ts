import {
	bytes,
	type Change,
	commonName,
	ECDSA_SHA256,
	ED25519,
	EXTENSIONS,
	ecdsaValue,
	extension,
	type Forged,
	forge,
	oid,
	sequence,
	spkiOf,
	tlv,
	utcTime,
} from "../../src/attack/certificates/forge.ts";
import { nodeCrypto } from "../../src/crypto/index.ts";
import type { ErrorCode } from "../../src/errors.ts";
import {
	type AuthorityKind,
	type DeviceRole,
	encodeChain,
	parseTrustAnchor,
	ROLE_OF_KIND,
	type TrustAnchor,
	validateChain,
} from "../../src/identity/index.ts";
import type { SoftwareKey } from "../../src/keys/index.ts";
import { utf8 } from "../../src/wire/index.ts";
import { DAY, TEST_NOW } from "../support/authority.ts";

// What is forged here is valid when all tests are.

export * from "../../src/attack/certificates/forge.ts";

const VALID = { notBefore: TEST_NOW - 30 * DAY, notAfter: TEST_NOW + 30 * DAY };

export function forgeRoot(
	kind: AuthorityKind = "agency",
	change: Change = {},
	key?: SoftwareKey,
): Promise<Forged> {
	const defaults = {
		name: `${kind} root`,
		extensions: [
			EXTENSIONS.authority(),
			EXTENSIONS.certifies,
			EXTENSIONS.roles(ROLE_OF_KIND[kind]),
		],
	};
	return forge(defaults, undefined, { ...VALID, ...change }, key);
}

export function forgeIntermediate(
	issuer: Forged,
	change: Change = {},
	key?: SoftwareKey,
): Promise<Forged> {
	const defaults = {
		name: "intermediate",
		extensions: [
			EXTENSIONS.authority(),
			EXTENSIONS.certifies,
			EXTENSIONS.roles("agent"),
		],
	};
	return forge(defaults, issuer, { ...VALID, ...change }, key);
}

export function forgeLeaf(
	issuer: Forged,
	change: Change = {},
	key?: SoftwareKey,
): Promise<Forged> {
	const defaults = {
		name: "shop.example",
		extensions: [EXTENSIONS.signs, EXTENSIONS.roles("agent")],
	};
	return forge(defaults, issuer, { ...VALID, ...change }, key);
}

export function anchorOf(...roots: readonly Forged[]): TrustAnchor[] {
	return roots.map(({ der }) => parseTrustAnchor(nodeCrypto, der));
}

/** Judges a chain of forged certificates for an agent. */
export function judge(
	chain: readonly Forged[],
	anchors: readonly TrustAnchor[],
	now: number = TEST_NOW,
	role: DeviceRole = "agent",
): ReturnType<typeof validateChain> {
	const encoded = encodeChain(chain.map(({ der }) => der));
	return validateChain(nodeCrypto, encoded, role, anchors, now);
}

/** For `assert.throws`: a refusal for this very reason. */
export function refusal(
	code: ErrorCode,
	gist: RegExp,
): { name: string; code: string; message: RegExp } {
	return { name: "TetradError", code, message: gist };
}

export function generalizedTime(time: number): Uint8Array {
	const digits = new Date(time).toISOString().replaceAll(/\D/g, "");
	return tlv(24, utf8(`${digits.slice(0, 14)}Z`));
}

/** An untrusted list field by field, in DER, each of which a test can replace. */
export interface ListFields {
	version: Uint8Array;
	innerAlgorithm: Uint8Array;
	issuer: Uint8Array;
	thisUpdate: Uint8Array;
	nextUpdate: Uint8Array;
	/** Each entry in DER; none leaves the field out. */
	entries: readonly Uint8Array[];
	/** The CRL number's INTEGER. */
	number: Uint8Array;
	/** What the authority key identifier holds. */
	key: Uint8Array;
	/** Each extension in DER, besides the number and the key, unless it replaces them. */
	more: readonly Uint8Array[];
	extensions: readonly Uint8Array[];
	trailer: Uint8Array;
	outerAlgorithm: Uint8Array;
	/** From 64 bytes to what goes into the bit string. */
	encodeSignature(signature: Uint8Array): Uint8Array;
}

export const KEY_ID: Uint8Array = bytes(
	"00112233445566778899aabbccddeeff00112233",
);

export function listEntry(
	serial: string,
	...more: readonly Uint8Array[]
): Uint8Array {
	return sequence(tlv(2, bytes(serial)), utcTime(TEST_NOW - DAY), ...more);
}

export const reasonExtension = (code: number): Uint8Array =>
	extension("2.5.29.21", false, tlv(10, Uint8Array.of(code)));

/** A CRL with `change` applied, signed by `issuer`. */
export async function forgeList(
	issuer: Forged,
	change: Partial<ListFields> = {},
): Promise<Uint8Array> {
	const algorithm = issuer.key.algorithm === "P-256" ? ECDSA_SHA256 : ED25519;
	const number = change.number ?? bytes("020101");
	const key = change.key ?? tlv(0x80, KEY_ID);
	const extensions = change.extensions ?? [
		extension("2.5.29.20", false, number),
		extension("2.5.29.35", false, sequence(key)),
		...(change.more ?? []),
	];
	const entries = change.entries ?? [];
	const signed = sequence(
		change.version ?? bytes("020101"),
		change.innerAlgorithm ?? algorithm,
		change.issuer ?? issuer.subject,
		change.thisUpdate ?? utcTime(TEST_NOW - DAY),
		change.nextUpdate ?? utcTime(TEST_NOW + DAY),
		...(entries.length === 0 ? [] : [sequence(...entries)]),
		...(extensions.length === 0 ? [] : [tlv(0xa0, sequence(...extensions))]),
		change.trailer ?? new Uint8Array(),
	);
	return sequence(
		signed,
		change.outerAlgorithm ?? change.innerAlgorithm ?? algorithm,
		tlv(3, Uint8Array.of(0), await signatureOf(issuer.key, signed, change)),
	);
}

/** A PKCS#10 request field by field, in DER. */
export interface RequestFields {
	version: Uint8Array;
	subject: Uint8Array;
	spki: Uint8Array;
	/** The whole of field [0]. */
	attributes: Uint8Array;
	trailer: Uint8Array;
	algorithm: Uint8Array;
	/** Signs in the place of the key that is asked for. */
	signer: SoftwareKey;
	/** From 64 bytes to what goes into the bit string. */
	encodeSignature(signature: Uint8Array): Uint8Array;
}

/** The attribute that wishes for these extensions. */
export const wishFor = (...extensions: readonly Uint8Array[]): Uint8Array =>
	sequence(oid("1.2.840.113549.1.9.14"), tlv(0x31, sequence(...extensions)));

export async function forgeRequest(
	key: SoftwareKey,
	change: Partial<RequestFields> = {},
): Promise<Uint8Array> {
	const signer = change.signer ?? key;
	const signed = sequence(
		change.version ?? bytes("020100"),
		change.subject ?? commonName("shop.example"),
		change.spki ?? spkiOf(key),
		change.attributes ?? tlv(0xa0),
		change.trailer ?? new Uint8Array(),
	);
	return sequence(
		signed,
		change.algorithm ?? (signer.algorithm === "P-256" ? ECDSA_SHA256 : ED25519),
		tlv(3, Uint8Array.of(0), await signatureOf(signer, signed, change)),
	);
}

async function signatureOf(
	key: SoftwareKey,
	signed: Uint8Array,
	change: Pick<Partial<ListFields>, "encodeSignature">,
): Promise<Uint8Array> {
	const encode =
		change.encodeSignature ??
		(key.algorithm === "P-256" ? ecdsaValue : (raw: Uint8Array) => raw);
	return encode(await key.sign(signed));
}
