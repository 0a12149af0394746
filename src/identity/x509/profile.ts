import { hex } from "@scure/base";
import type { SignatureAlgorithm } from "../../crypto/index.ts";
import type { TamperResistance } from "./tamper-resistance.ts";

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

/** The certificate policies that stand for the levels (RFC 5280, 4.2.1.4), in the same arc as the roles. */
export const LEVEL_OID: Readonly<Record<TamperResistance, string>> = {
	software: "1.3.6.1.4.1.32473.5703949.2.1",
	token: "1.3.6.1.4.1.32473.5703949.2.2",
	tpm: "1.3.6.1.4.1.32473.5703949.2.3",
};

/** The policy that stands for every other one, and that nobody may have here. */
export const ANY_POLICY_OID = "2.5.29.32.0";

/** Extensions of RFC 5280, 4.2.1, that are read in a certificate. */
export const EXTENSION_OID = {
	keyUsage: "2.5.29.15",
	basicConstraints: "2.5.29.19",
	nameConstraints: "2.5.29.30",
	certificatePolicies: "2.5.29.32",
	extendedKeyUsage: "2.5.29.37",
	subjectKeyIdentifier: "2.5.29.14",
} as const;

/** Extensions of an untrusted list (RFC 5280, 5.2), and our own. */
export const LIST_EXTENSION_OID = {
	number: "2.5.29.20",
	deltaIndicator: "2.5.29.27",
	issuingDistributionPoint: "2.5.29.28",
	authorityKeyIdentifier: "2.5.29.35",
	/** A GeneralizedTime: certificates issued before it are no longer enough. Not critical. */
	recertifyBefore: "1.3.6.1.4.1.32473.5703949.3.1",
} as const;

/** Extensions of an entry of a list (RFC 5280, 5.3). */
export const ENTRY_EXTENSION_OID = {
	reason: "2.5.29.21",
	certificateIssuer: "2.5.29.29",
} as const;

/** The attribute of a request that wishes for extensions (RFC 2985, 5.4.2). */
export const EXTENSION_REQUEST_OID = "1.2.840.113549.1.9.14";

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

const AUTHORITY_NAME = /^[ -~]{1,64}$/;

/** Whether `name` has 1 to 64 printable ASCII characters, as the authorities that are issued here are called. */
export function isAuthorityName(name: string): boolean {
	return AUTHORITY_NAME.test(name);
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

/** Roots that one policy may name, agencies and banks together. */
export const MAX_ANCHORS = 64;

/** One certification request in DER, in bytes. */
export const MAX_REQUEST_BYTES = 4096;

/** How long a device's statement that it wants to be recertified counts, in milliseconds: seven days. */
export const MAX_RENEWAL_AGE_MS: number = 7 * 86_400_000;

/** How far ahead of ours the clock may be that a list or a statement was dated by, in milliseconds: ten minutes. */
export const MAX_CLOCK_SKEW_MS = 600_000;

/** Entries of one untrusted list. */
export const MAX_LIST_ENTRIES = 200_000;

/** The longest serial number, in bytes, without the octet for the sign (RFC 5280, 4.1.2.2). */
export const MAX_SERIAL_BYTES = 20;

/** One entry of a list without its two-byte header, in bytes. A serial, a time and a reason need 54. */
export const MAX_LIST_ENTRY_BYTES = 127;

/** One untrusted list in DER, in bytes: room for the most entries with the longest serials and a reason each. */
export const MAX_LIST_BYTES: number = 11 * 2 ** 20;

/** The number of a list fits into 64 bits; RFC 5280, 5.2.3, would allow 20 octets. */
export const MAX_LIST_NUMBER: bigint = 2n ** 64n - 1n;

/** Lists of intermediates that are held under one root, besides its own. Nobody can take the room of another root's. */
export const MAX_LISTS_PER_ROOT = 16;

/** Their bundles together, in bytes. */
export const MAX_LIST_BYTES_PER_ROOT: number = 32 * 2 ** 20;

/** Authorities in what two devices tell each other about the lists that they hold. */
export const MAX_LIST_NUMBERS: number = MAX_ANCHORS * (MAX_LISTS_PER_ROOT + 1);
