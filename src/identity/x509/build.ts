import { SIGNATURE_BYTES } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import { utf8 } from "../../wire/index.ts";
import { TAG } from "./der.ts";
import {
	bitString,
	element,
	integer,
	objectIdentifier,
	signatureValue,
	TRUE,
} from "./der-write.ts";
import {
	COMMON_NAME_OID,
	type DeviceRole,
	EXTENSION_OID,
	LEVEL_OID,
	LIST_EXTENSION_OID,
	ROLE_OID,
	SIGNATURE_IDENTIFIER,
} from "./profile.ts";
import type { Signer } from "./signer.ts";
import {
	TAMPER_RESISTANCE,
	type TamperResistance,
} from "./tamper-resistance.ts";

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

/** An extension (RFC 5280, 4.1); `value` in DER. */
export function extension(
	oid: string,
	critical: boolean,
	value: Uint8Array,
): Uint8Array {
	return element(
		TAG.sequence,
		objectIdentifier(oid),
		...(critical ? [TRUE] : []),
		element(TAG.octetString, value),
	);
}

/** Critical, so that nobody takes the certificate for anything else, a TLS server say. */
export function roleExtension(role: DeviceRole): Uint8Array {
	return extension(
		EXTENSION_OID.extendedKeyUsage,
		true,
		element(TAG.sequence, objectIdentifier(ROLE_OID[role])),
	);
}

/** That the subject is an authority, with how many intermediates below it, if that is bounded. */
export function authorityExtension(pathLength?: number): Uint8Array {
	return extension(
		EXTENSION_OID.basicConstraints,
		true,
		element(
			TAG.sequence,
			TRUE,
			...(pathLength === undefined ? [] : [integer(Uint8Array.of(pathLength))]),
		),
	);
}

/** Not critical: whoever does not know the levels may still use the certificate. None for `software` alone, which attests nothing. */
export function levelExtensions(
	levels: readonly TamperResistance[],
): Uint8Array[] {
	if (levels.every((level) => level === "software")) return [];
	const policies = TAMPER_RESISTANCE.filter((level) =>
		levels.includes(level),
	).map((level) => element(TAG.sequence, objectIdentifier(LEVEL_OID[level])));
	return [
		extension(
			EXTENSION_OID.certificatePolicies,
			false,
			element(TAG.sequence, ...policies),
		),
	];
}

/** None when the issuer's certificate names no identifier of its key. */
export function authorityKeyExtensions(
	issuerKeyIdentifier: Uint8Array | undefined,
): Uint8Array[] {
	if (issuerKeyIdentifier === undefined) return [];
	return [
		extension(
			LIST_EXTENSION_OID.authorityKeyIdentifier,
			false,
			element(TAG.sequence, element(TAG.implicit0, issuerKeyIdentifier)),
		),
	];
}

/** A Name that is one common name in UTF-8. */
export function commonName(name: string): Uint8Array {
	const attribute = element(
		TAG.sequence,
		objectIdentifier(COMMON_NAME_OID),
		element(TAG.utf8String, utf8(name)),
	);
	return element(TAG.sequence, element(TAG.set, attribute));
}

/** Parts of a second are cut off: no certificate, request or list can say them. */
export function wholeSecond(time: number): number {
	return Math.floor(time / 1000) * 1000;
}

/** 9999-12-31T23:59:59Z, the last second that a certificate can name. */
export const MAX_TIME = 253_402_300_799_000;
