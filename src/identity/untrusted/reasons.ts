/** Why a certificate is on a list (RFC 5280, 5.3.1), by its code there. */
export const REASON = {
	0: "unspecified",
	1: "keyCompromise",
	2: "cACompromise",
	3: "affiliationChanged",
	4: "superseded",
	5: "cessationOfOperation",
	6: "certificateHold",
	9: "privilegeWithdrawn",
	10: "aACompromise",
} as const;

/** Why a certificate is on an untrusted list: a reason code of RFC 5280, 5.3.1, by name. */
export type UntrustedReason = (typeof REASON)[keyof typeof REASON];

/** Every reason that an authority may give. */
export const UNTRUSTED_REASONS: readonly UntrustedReason[] =
	Object.values(REASON);

export const REASON_CODE: ReadonlyMap<UntrustedReason, number> = new Map(
	Object.entries(REASON).map(([code, reason]) => [reason, Number(code)]),
);
