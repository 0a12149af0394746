import { hex } from "@scure/base";
import type { SignatureAlgorithm } from "../crypto/index.ts";

/** What a certified device is: a trusted agent or a money module. */
export type DeviceRole = "agent" | "module";

/** Who certifies: an agency certifies agents, a bank certifies modules. */
export type AuthorityKind = "agency" | "bank";

export const ROLE_OF_KIND: Readonly<Record<AuthorityKind, DeviceRole>> = {
	agency: "agent",
	bank: "module",
};

export const KIND_OF_ROLE: Readonly<Record<DeviceRole, AuthorityKind>> = {
	agent: "agency",
	module: "bank",
};

// Specification constants: a change makes another protocol.

/**
 * The extended key usage that a device of each role must have, and every authority above it.
 * 32473 is the enterprise number that RFC 5612 reserves for examples, so no registered arc is
 * taken; a deployment with a number of its own puts it here.
 */
export const ROLE_OID: Readonly<Record<DeviceRole, string>> = {
	agent: "1.3.6.1.4.1.32473.5703949.1.1",
	module: "1.3.6.1.4.1.32473.5703949.1.2",
};

/** Extensions of RFC 5280, 4.2.1, that are read. */
export const EXTENSION_OID = {
	keyUsage: "2.5.29.15",
	basicConstraints: "2.5.29.19",
	nameConstraints: "2.5.29.30",
	extendedKeyUsage: "2.5.29.37",
	subjectKeyIdentifier: "2.5.29.14",
} as const;

export const COMMON_NAME_OID = "2.5.4.3";

/** Bits of the key usage extension (RFC 5280, 4.2.1.3): bit n of the extension is `1 << n`. */
export const KEY_USAGE = {
	digitalSignature: 0x01,
	keyCertSign: 0x20,
	crlSign: 0x40,
} as const;

/** The AlgorithmIdentifier of a signature, whole and in DER (RFC 5758, 3.2; RFC 8410, 3). */
export const SIGNATURE_IDENTIFIER: Readonly<
	Record<SignatureAlgorithm, Uint8Array>
> = {
	"P-256": hex.decode("300a06082a8648ce3d040302"),
	Ed25519: hex.decode("300506032b6570"),
};

/** The AlgorithmIdentifier of a public key, whole and in DER (RFC 5480, 2.1.1; RFC 8410, 4). */
export const KEY_IDENTIFIER: Readonly<Record<SignatureAlgorithm, Uint8Array>> =
	{
		"P-256": hex.decode("301306072a8648ce3d020106082a8648ce3d030107"),
		Ed25519: hex.decode("300506032b6570"),
	};

/** What a certificate may call a device: lower case, so that two names never look alike by case. */
const CERTIFIED_NAME = /^[a-z0-9][a-z0-9.-]{0,63}$/;

/** Whether `name` is 1 to 64 characters from a–z, 0–9, "." and "-", the first one a letter or a digit. */
export function isCertifiedName(name: string): boolean {
	return CERTIFIED_NAME.test(name);
}

// Implementation limits.

/** Certificates in a chain: a leaf and up to three intermediates. The root is left out. */
export const MAX_CERTIFICATES = 4;

/** One certificate in DER, in bytes. */
export const MAX_CERTIFICATE_BYTES = 4096;

/** enc(leaf, intermediates) at its largest: each certificate with its 4-byte length. */
export const MAX_CHAIN_BYTES: number =
	MAX_CERTIFICATES * (4 + MAX_CERTIFICATE_BYTES);

/** Chains whose verdict is remembered at a time. */
export const MAX_VERDICTS = 1024;
