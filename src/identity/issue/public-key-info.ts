import { AsnConvert } from "@peculiar/asn1-schema";
import { AlgorithmIdentifier, SubjectPublicKeyInfo } from "@peculiar/asn1-x509";
import type { SignatureAlgorithm } from "../../crypto/index.ts";
import { buffer, KEY_IDENTIFIER } from "../x509/index.ts";

/** A public key to certify, raw. That its holder has the private key is proved by a `CertificationRequest`. */
export interface CertifiedKey {
	readonly algorithm: SignatureAlgorithm;
	readonly publicKey: Uint8Array;
}

/** SubjectPublicKeyInfo (RFC 5280, 4.1.2.7). */
export function publicKeyInfo({
	algorithm,
	publicKey,
}: CertifiedKey): SubjectPublicKeyInfo {
	return new SubjectPublicKeyInfo({
		algorithm: identifier(KEY_IDENTIFIER[algorithm]),
		subjectPublicKey: buffer(publicKey),
	});
}

export function identifier(der: Uint8Array): AlgorithmIdentifier {
	return AsnConvert.parse(der, AlgorithmIdentifier);
}
