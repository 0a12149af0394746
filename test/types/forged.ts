/* A value that proves a check comes from that check alone: neither `new` nor an object of the same form makes one. */
import type {
	CertificationRequest,
	CertifiedAuthority,
	CertifiedDevice,
	Renewal,
	TrustAnchor,
	UntrustedList,
} from "../../src/entry/identity.ts";
import type {
	DoubleSpending,
	Receipt,
	Verified,
	VerifiedNote,
	VerifiedTransfer,
} from "../../src/entry/money.ts";
import type { AuthenticatedDevice } from "../../src/entry/session.ts";

/** What a constructor wants first. */
type Proof<Class extends abstract new (...input: never) => unknown> =
	ConstructorParameters<Class>[0];

export const proofs: readonly unknown[] = [
	// @ts-expect-error: only `verifyNote`, `verifyTransfer` and `openReceipt` have this proof.
	Symbol() satisfies Proof<typeof Verified>,
	// @ts-expect-error: only `openEvidence` has this proof.
	Symbol() satisfies Proof<typeof DoubleSpending>,
	// @ts-expect-error: only `authenticate` has this proof.
	Symbol() satisfies Proof<typeof AuthenticatedDevice>,
	// @ts-expect-error: only `validateChain` has this proof.
	Symbol() satisfies Proof<typeof CertifiedDevice>,
	// @ts-expect-error: only `validateAuthority` has this proof.
	Symbol() satisfies Proof<typeof CertifiedAuthority>,
	// @ts-expect-error: only `parseTrustAnchor` has this proof.
	Symbol() satisfies Proof<typeof TrustAnchor>,
	// @ts-expect-error: only `parseRequest` has this proof.
	Symbol() satisfies Proof<typeof CertificationRequest>,
	// @ts-expect-error: only `openRenewal` has this proof.
	Symbol() satisfies Proof<typeof Renewal>,
	// @ts-expect-error: only `openUntrustedList` has this proof.
	Symbol() satisfies Proof<typeof UntrustedList>,
];

/** All that can be read of a value, without the value. */
type Form<Value> = { [Name in keyof Value]: Value[Name] };
declare const forms: {
	readonly note: Form<VerifiedNote>;
	readonly transfer: Form<VerifiedTransfer>;
	readonly receipt: Form<Receipt>;
	readonly evidence: Form<DoubleSpending>;
	readonly authenticated: Form<AuthenticatedDevice>;
	readonly device: Form<CertifiedDevice>;
	readonly authority: Form<CertifiedAuthority>;
	readonly anchor: Form<TrustAnchor>;
	readonly request: Form<CertificationRequest>;
	readonly renewal: Form<Renewal>;
	readonly list: Form<UntrustedList>;
};

export const forged: readonly unknown[] = [
	// @ts-expect-error: a note that looks verified is not.
	forms.note satisfies VerifiedNote,
	// @ts-expect-error: a transfer that looks verified is not.
	forms.transfer satisfies VerifiedTransfer,
	// @ts-expect-error: a receipt that looks opened is not.
	forms.receipt satisfies Receipt,
	// @ts-expect-error: evidence that looks opened is not.
	forms.evidence satisfies DoubleSpending,
	// @ts-expect-error: a device that looks authenticated is not.
	forms.authenticated satisfies AuthenticatedDevice,
	// @ts-expect-error: a device that looks certified is not.
	forms.device satisfies CertifiedDevice,
	// @ts-expect-error: an authority that looks certified is not.
	forms.authority satisfies CertifiedAuthority,
	// @ts-expect-error: a root that looks trusted is not.
	forms.anchor satisfies TrustAnchor,
	// @ts-expect-error: a request that looks signed is not.
	forms.request satisfies CertificationRequest,
	// @ts-expect-error: a renewal that looks signed is not.
	forms.renewal satisfies Renewal,
	// @ts-expect-error: a list that looks signed is not.
	forms.list satisfies UntrustedList,
];
