import { type CryptoProvider, HASH_BYTES } from "../../crypto/index.ts";
import { authenticationFailed, TetradError } from "../../errors.ts";
import type { CertifiedDevice } from "../../identity/index.ts";
import { DEVICE_ID } from "../../money/documents/index.ts";
import {
	bytes,
	type Draft,
	type Signed,
	SignedDocument,
	sameBytes,
	structure,
	time,
	u32,
	type Verified,
} from "../../wire/index.ts";
import { MAX_CERTIFICATE_BYTES } from "./limits.ts";

/** An issuer's word about the secret that it shares with a merchant's module: which hash it has, and behind which agent the module stands. */
export interface SellingCertificateBody {
	/** Device id of the issuer's module. */
	readonly issuer: Uint8Array;
	/** Certificate id under which it signed, 32 bytes. */
	readonly issuerCertificate: Uint8Array;
	/** Device id of the merchant's module. */
	readonly module: Uint8Array;
	/** Device id of the merchant's agent. */
	readonly agent: Uint8Array;
	/** From 1; an input of the derivation and nothing else. */
	readonly generation: number;
	/** `secretHash` of the secret, 32 bytes. */
	readonly secretHash: Uint8Array;
	/** By the issuer's clock; milliseconds since the epoch. */
	readonly issued: number;
}

/** A selling certificate as it was read: well formed, and not yet verified. */
export type SellingCertificate = Signed<SellingCertificateBody>;

/** A selling certificate that its issuer signed. Only `verifySellingCertificate` makes one. */
export type VerifiedSellingCertificate = Verified<SellingCertificate>;

const CERTIFICATE: SignedDocument<
	SellingCertificateBody,
	SellingCertificate,
	CertifiedDevice
> = new SignedDocument({
	name: "a selling certificate",
	role: "SC",
	body: structure<SellingCertificateBody>("a selling certificate", {
		issuer: DEVICE_ID,
		issuerCertificate: bytes(HASH_BYTES),
		module: DEVICE_ID,
		agent: DEVICE_ID,
		generation: u32,
		secretHash: bytes(HASH_BYTES),
		issued: time,
	}),
	maxBytes: MAX_CERTIFICATE_BYTES,
	judge(certificate, issuer) {
		if (
			issuer.role !== "module" ||
			!sameBytes(certificate.issuer, issuer.deviceId) ||
			!sameBytes(certificate.issuerCertificate, issuer.certificateId)
		)
			throw authenticationFailed();
		return { key: issuer, proves: certificate };
	},
});

/** The bytes that an issuer signs, and how they become the document. Throws `invalid-argument`, also for generation 0. */
export function draftSellingCertificate(body: SellingCertificateBody): Draft {
	if (body.generation < 1)
		throw new TetradError(
			"invalid-argument",
			"the first generation of selling secrets is 1",
		);
	return CERTIFICATE.draft(body);
}

/** Reads a selling certificate (copied). Throws `malformed`. */
export function parseSellingCertificate(
	document: Uint8Array,
): SellingCertificate {
	return CERTIFICATE.read(document).signed;
}

/** Checks that `issuer` signed it under the certificate that it names. Throws `authentication-failed`. */
export function verifySellingCertificate(
	crypto: CryptoProvider,
	certificate: SellingCertificate,
	issuer: CertifiedDevice,
): VerifiedSellingCertificate {
	return CERTIFICATE.verify(crypto, certificate, issuer);
}
