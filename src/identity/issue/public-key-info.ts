import type { SignatureAlgorithm } from "../../crypto/index.ts";
import { bitString, element, KEY_IDENTIFIER, TAG } from "../x509/index.ts";

/** A public key to certify, raw. That its holder has the private key is proved by a `CertificationRequest`. */
export interface CertifiedKey {
	readonly algorithm: SignatureAlgorithm;
	readonly publicKey: Uint8Array;
}

/** SubjectPublicKeyInfo (RFC 5280, 4.1.2.7), in DER. */
export function publicKeyInfo({
	algorithm,
	publicKey,
}: CertifiedKey): Uint8Array {
	return element(TAG.sequence, KEY_IDENTIFIER[algorithm], bitString(publicKey));
}
