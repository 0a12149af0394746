import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import {
	AttributeTypeAndValue,
	AttributeValue,
	AuthorityKeyIdentifier,
	CertificatePolicies,
	ExtendedKeyUsage,
	Extension,
	KeyIdentifier,
	Name,
	PolicyInformation,
	RelativeDistinguishedName,
} from "@peculiar/asn1-x509";
import { SIGNATURE_BYTES } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import { TAG } from "./der.ts";
import { bitString, element, signatureValue } from "./der-write.ts";
import {
	COMMON_NAME_OID,
	type DeviceRole,
	EXTENSION_OID,
	LEVEL_OID,
	LIST_EXTENSION_OID,
	ROLE_OID,
	SIGNATURE_IDENTIFIER,
	TAMPER_RESISTANCE,
	type TamperResistance,
} from "./profile.ts";
import type { Signer } from "./signer.ts";

// What is put together for certificates, requests and lists alike.

/**
 * SEQUENCE { signed part, algorithm, signature }. Rejects with `key-store-failed` for a
 * signature of a wrong length, and with whatever the signer rejects. The caller reads back
 * what it made, because a key store can also fail silently.
 */
export async function sign(
	signer: Signer,
	signedPart: Uint8Array,
	who: string,
): Promise<Uint8Array> {
	const signature = await signer.sign(signedPart);
	if (signature.length !== SIGNATURE_BYTES) throw wrongSignature(who);
	return element(
		TAG.sequence,
		signedPart,
		SIGNATURE_IDENTIFIER[signer.algorithm],
		bitString(signatureValue(signer.algorithm, signature)),
	);
}

export function wrongSignature(who: string): TetradError {
	return new TetradError(
		"key-store-failed",
		`the key of ${who} made a wrong signature, and nothing was issued; check its key store`,
	);
}

/** For a caller's mistake. */
export function invalid(what: string): TetradError {
	return new TetradError("invalid-argument", what);
}

/** An extension whose value is a structure of the encoder, or stands in DER already. */
export function extension(
	oid: string,
	critical: boolean,
	value: object,
): Extension {
	return new Extension({
		extnID: oid,
		critical,
		extnValue: new OctetString(
			value instanceof Uint8Array ? buffer(value) : AsnConvert.serialize(value),
		),
	});
}

/** Critical, so that nobody takes the certificate for anything else, a TLS server say. */
export function roleExtension(role: DeviceRole): Extension {
	return extension(
		EXTENSION_OID.extendedKeyUsage,
		true,
		new ExtendedKeyUsage([ROLE_OID[role]]),
	);
}

/** Not critical: whoever does not know the levels may still use the certificate. None for `software` alone, which attests nothing. */
export function levelExtensions(
	levels: readonly TamperResistance[],
): Extension[] {
	if (levels.every((level) => level === "software")) return [];
	const policies = TAMPER_RESISTANCE.filter((level) =>
		levels.includes(level),
	).map(
		(level) => new PolicyInformation({ policyIdentifier: LEVEL_OID[level] }),
	);
	return [
		extension(
			EXTENSION_OID.certificatePolicies,
			false,
			new CertificatePolicies(policies),
		),
	];
}

/** None when the issuer's certificate names no identifier of its key. */
export function authorityKeyExtensions(
	issuerKeyIdentifier: Uint8Array | undefined,
): Extension[] {
	if (issuerKeyIdentifier === undefined) return [];
	return [
		extension(
			LIST_EXTENSION_OID.authorityKeyIdentifier,
			false,
			new AuthorityKeyIdentifier({
				keyIdentifier: new KeyIdentifier(buffer(issuerKeyIdentifier)),
			}),
		),
	];
}

/** In DER. */
export function serialize(value: object): Uint8Array {
	return new Uint8Array(AsnConvert.serialize(value));
}

/** A name that is one common name in UTF-8. */
export function commonName(name: string): Name {
	return new Name([
		new RelativeDistinguishedName([
			new AttributeTypeAndValue({
				type: COMMON_NAME_OID,
				value: new AttributeValue({ utf8String: name }),
			}),
		]),
	]);
}

/** The encoder wants buffers of exactly the bytes. */
export function buffer(bytes: Uint8Array): ArrayBuffer {
	return new Uint8Array(bytes).buffer;
}

/** Parts of a second are cut off: no certificate, request or list can say them. */
export function wholeSecond(time: number): number {
	return Math.floor(time / 1000) * 1000;
}

/** 9999-12-31T23:59:59Z, the last second that a certificate can name. */
export const MAX_TIME = 253_402_300_799_000;
