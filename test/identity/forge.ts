import { nodeCrypto, type SignatureAlgorithm } from "../../src/crypto/index.ts";
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
import { ROLE_OID } from "../../src/identity/x509/profile.ts";
import { generateSoftwareKey, type SoftwareKey } from "../../src/keys/index.ts";
import { concat, utf8 } from "../../src/wire/index.ts";
import { DAY, TEST_NOW } from "../support/authority.ts";

// A second way to make certificates, without the library and without our own issuing code, so
// that every field can be wrong on its own.

/** One DER element. */
export function tlv(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
	const content = concat(...parts);
	const { length } = content;
	const header =
		length < 0x80
			? [tag, length]
			: length < 0x100
				? [tag, 0x81, length]
				: length < 0x10000
					? [tag, 0x82, length >> 8, length & 0xff]
					: [tag, 0x83, length >> 16, (length >> 8) & 0xff, length & 0xff];
	return concat(Uint8Array.from(header), content);
}

export const sequence = (...parts: readonly Uint8Array[]): Uint8Array =>
	tlv(0x30, ...parts);

export const bytes = (hex: string): Uint8Array =>
	new Uint8Array(Buffer.from(hex, "hex"));

export function oid(dotted: string): Uint8Array {
	const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
	const content = [first * 40 + second, ...rest].flatMap((arc) => {
		const octets = [arc & 0x7f];
		for (let high = arc >> 7; high > 0; high >>= 7)
			octets.unshift((high & 0x7f) | 0x80);
		return octets;
	});
	return tlv(6, Uint8Array.from(content));
}

export function attribute(type: string, text: string, tag = 12): Uint8Array {
	return tlv(0x31, sequence(oid(type), tlv(tag, utf8(text))));
}

export const commonName = (text: string): Uint8Array =>
	sequence(attribute("2.5.4.3", text));

export function utcTime(time: number): Uint8Array {
	const digits = new Date(time).toISOString().replaceAll(/\D/g, "");
	return tlv(23, utf8(`${digits.slice(2, 14)}Z`));
}

export function extension(
	id: string,
	critical: boolean,
	value: Uint8Array,
): Uint8Array {
	return sequence(
		oid(id),
		...(critical ? [bytes("0101ff")] : []),
		tlv(4, value),
	);
}

export const ECDSA_SHA256: Uint8Array = bytes("300a06082a8648ce3d040302");
export const ED25519: Uint8Array = bytes("300506032b6570");
const P256_KEY = bytes("301306072a8648ce3d020106082a8648ce3d030107");

export const EXTENSIONS: Readonly<
	Record<
		| "notAuthority"
		| "signs"
		| "certifies"
		| "certifiesAndLists"
		| "enciphers"
		| "clientAuthentication",
		Uint8Array
	>
> & {
	readonly authority: (pathLength?: number) => Uint8Array;
	readonly roles: (...roles: readonly DeviceRole[]) => Uint8Array;
	readonly policies: (...oids: readonly string[]) => Uint8Array;
} = {
	authority: (pathLength?: number): Uint8Array =>
		extension(
			"2.5.29.19",
			true,
			sequence(
				bytes("0101ff"),
				...(pathLength === undefined
					? []
					: [tlv(2, Uint8Array.of(pathLength))]),
			),
		),
	notAuthority: extension("2.5.29.19", true, sequence()),
	/** digitalSignature. */
	signs: extension("2.5.29.15", true, bytes("03020780")),
	/** keyCertSign. */
	certifies: extension("2.5.29.15", true, bytes("03020204")),
	/** keyCertSign and cRLSign. */
	certifiesAndLists: extension("2.5.29.15", true, bytes("03020106")),
	/** keyEncipherment. */
	enciphers: extension("2.5.29.15", true, bytes("03020520")),
	roles: (...roles: readonly DeviceRole[]): Uint8Array =>
		extension(
			"2.5.29.37",
			true,
			sequence(...roles.map((role) => oid(ROLE_OID[role]))),
		),
	policies: (...oids: readonly string[]): Uint8Array =>
		extension(
			"2.5.29.32",
			false,
			sequence(...oids.map((id) => sequence(oid(id)))),
		),
	clientAuthentication: extension(
		"2.5.29.37",
		false,
		sequence(oid("1.3.6.1.5.5.7.3.2")),
	),
};

/** A certificate field by field, in DER, each of which a test can replace. */
interface Fields {
	version: Uint8Array;
	serial: Uint8Array;
	innerAlgorithm: Uint8Array;
	issuer: Uint8Array;
	validity: Uint8Array;
	subject: Uint8Array;
	spki: Uint8Array;
	/** The whole of field [3]. */
	extensions: Uint8Array;
	/** What follows field [3], where nothing may. */
	trailer: Uint8Array;
	outerAlgorithm: Uint8Array;
	/** From 64 bytes to what goes into the bit string. */
	encodeSignature(signature: Uint8Array): Uint8Array;
}

export type Change = Partial<
	Omit<Fields, "extensions"> & {
		/** Each extension in DER; none leaves the field out. */
		extensions: readonly Uint8Array[];
		name: string;
		notBefore: number;
		notAfter: number;
	}
>;

export interface Forged {
	readonly der: Uint8Array;
	readonly key: SoftwareKey;
	readonly subject: Uint8Array;
}

export function spkiOf(key: {
	algorithm: SignatureAlgorithm;
	publicKey: Uint8Array;
}): Uint8Array {
	return sequence(
		key.algorithm === "P-256" ? P256_KEY : ED25519,
		tlv(3, Uint8Array.of(0), key.publicKey),
	);
}

export function ecdsaValue(signature: Uint8Array): Uint8Array {
	const integer = (part: Uint8Array) => {
		const digits = bytes(
			BigInt(`0x${Buffer.from(part).toString("hex")}`)
				.toString(16)
				.padStart(64, "0")
				.replace(/^(00)+(?=..)/, ""),
		);
		return tlv(
			2,
			(digits[0] ?? 0) < 0x80 ? digits : concat(Uint8Array.of(0), digits),
		);
	};
	return sequence(
		integer(signature.subarray(0, 32)),
		integer(signature.subarray(32)),
	);
}

/** A certificate with `change` applied, signed by `issuer`, or by its own key if there is none. */
async function forge(
	defaults: { name: string; extensions: readonly Uint8Array[] },
	issuer: Forged | undefined,
	change: Change = {},
	key: SoftwareKey = generateSoftwareKey("P-256"),
): Promise<Forged> {
	const signer = issuer?.key ?? key;
	const algorithm = signer.algorithm === "P-256" ? ECDSA_SHA256 : ED25519;
	const subject = change.subject ?? commonName(change.name ?? defaults.name);
	const extensions = change.extensions ?? defaults.extensions;
	const fields: Fields = {
		version: bytes("a003020102"),
		serial: bytes("02014d"),
		innerAlgorithm: algorithm,
		issuer: issuer?.subject ?? subject,
		validity: sequence(
			utcTime(change.notBefore ?? TEST_NOW - 30 * DAY),
			utcTime(change.notAfter ?? TEST_NOW + 30 * DAY),
		),
		spki: spkiOf(key),
		trailer: new Uint8Array(),
		outerAlgorithm: change.innerAlgorithm ?? algorithm,
		encodeSignature: signer.algorithm === "P-256" ? ecdsaValue : (s) => s,
		...change,
		subject,
		extensions:
			extensions.length === 0
				? new Uint8Array()
				: tlv(0xa3, sequence(...extensions)),
	};
	const signed = sequence(
		fields.version,
		fields.serial,
		fields.innerAlgorithm,
		fields.issuer,
		fields.validity,
		fields.subject,
		fields.spki,
		fields.extensions,
		fields.trailer,
	);
	const signature = fields.encodeSignature(await signer.sign(signed));
	return {
		der: sequence(
			signed,
			fields.outerAlgorithm,
			tlv(3, Uint8Array.of(0), signature),
		),
		key,
		subject,
	};
}

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
	return forge(defaults, undefined, change, key);
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
	return forge(defaults, issuer, change, key);
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
	return forge(defaults, issuer, change, key);
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
