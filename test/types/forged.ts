/* A value that proves a check comes from that check alone: neither `new` nor an object of the same form makes one. */
import type { CryptoProvider } from "../../src/entry/crypto.ts";
import {
	CertificationRequest,
	CertifiedAuthority,
	CertifiedDevice,
	Renewal,
	TrustAnchor,
	UntrustedList,
} from "../../src/entry/identity.ts";
import {
	DoubleSpending,
	type Note,
	Receipt,
	type Transfer,
	VerifiedNote,
	VerifiedTransfer,
} from "../../src/entry/money.ts";
import { AuthenticatedDevice } from "../../src/entry/session.ts";

declare const crypto: CryptoProvider;
declare const der: Uint8Array;
declare const note: Note;
declare const transfer: Transfer;
declare const device: CertifiedDevice;

// @ts-expect-error: the constructor wants a proof that only `verifyNote` has.
new VerifiedNote(Symbol(), note);
// @ts-expect-error: only `verifyTransfer` has the proof.
new VerifiedTransfer(Symbol(), transfer);
// @ts-expect-error: only `openReceipt` has the proof.
new Receipt(Symbol(), crypto, der);
// @ts-expect-error: only `openEvidence` has the proof.
new DoubleSpending(Symbol(), crypto, der);
// @ts-expect-error: only `authenticate` has the proof.
new AuthenticatedDevice(Symbol(), device, "A");
// @ts-expect-error: only `validateChain` has the proof.
new CertifiedDevice(Symbol(), crypto, der, "agent");
// @ts-expect-error: only `validateAuthority` has the proof.
new CertifiedAuthority(Symbol(), []);
// @ts-expect-error: only `parseTrustAnchor` has the proof.
new TrustAnchor(Symbol(), crypto, der);
// @ts-expect-error: only `parseRequest` has the proof.
new CertificationRequest(Symbol(), crypto, der);
// @ts-expect-error: only `openRenewal` has the proof.
new Renewal(Symbol(), crypto, der);
// @ts-expect-error: only `openUntrustedList` has the proof.
new UntrustedList(Symbol(), crypto, der);

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
