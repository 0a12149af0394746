/*
 * Certificates made field by field, without the library and without our own issuing code, so that
 * each of them can be wrong on its own.
 */
import type { SignatureAlgorithm } from "../../crypto/index.ts";
import {
	type DeviceRole,
	ROLE_OID,
	type Signer,
} from "../../identity/index.ts";
import { generateSoftwareKey, type SoftwareKey } from "../../keys/index.ts";
import { concat, utf8 } from "../../wire/index.ts";

const DAY = 86_400_000;

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

/** A certificate field by field, in DER, each of which can be replaced. */
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

/** Whoever signs a forged certificate. */
export type ForgingIssuer = Pick<Forged, "subject"> & { readonly key: Signer };

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
export async function forge(
	defaults: { name: string; extensions: readonly Uint8Array[] },
	issuer: ForgingIssuer | undefined,
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
			utcTime(change.notBefore ?? Date.now() - 30 * DAY),
			utcTime(change.notAfter ?? Date.now() + 30 * DAY),
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
