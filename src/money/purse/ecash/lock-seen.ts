/* What a mint says of what is locked, to its payer and to its payee. */
import type { CryptoProvider } from "../../../crypto/index.ts";
import { TetradError } from "../../../errors.ts";
import {
	isTakenBackBy,
	type LockState,
	lockState,
	type ProofState,
	parseLock,
	parseProofs,
	parseStates,
	pointsOf,
	refundKeyOf,
	refundPrivateKey,
} from "../../cashu/index.ts";
import type { MintAnswer } from "../ecash-part.ts";
import type { ClaimedRow, LockedRow } from "../ecash-tables.ts";
import type { EcashParts } from "./parts.ts";

export type LockSeen =
	| Exclude<LockState, { readonly kind: "spent-without-key" }>
	/** Spent, and the mint shows no key. Whether it shows that this purse has taken it back, in whichever life. */
	| { readonly kind: "spent-without-key"; readonly isTakenBack: boolean };

/** Y of what is locked, by which its mint is asked. */
export function pointsOfLock(
	{ options }: EcashParts,
	{ lock }: LockedRow,
): readonly Uint8Array[] {
	return pointsOf(options.crypto, parseProofs(lock));
}

/** Throws for what says nothing of it. */
export function lockSeen(
	parts: EcashParts,
	row: LockedRow,
	{ status, body }: MintAnswer,
): LockSeen {
	if (status !== 200)
		throw new TetradError("issuer-refused", "the mint does not answer");
	const { crypto: ecash, seed } = parts.options;
	const { crypto } = parts.core.options.context;
	const states = parseStates(body, pointsOfLock(parts, row));
	const seen = lockState(crypto, states, row.key_hash);
	if (seen.kind !== "spent-without-key") return seen;
	const key = refundPrivateKey(crypto, seed, row.contract);
	const publicKey = ecash.publicKey(key);
	key.fill(0);
	const proofs = parseProofs(row.lock);
	const isTakenBack = isTakenBackBy(ecash, proofs, states, publicKey);
	return { kind: seen.kind, isTakenBack };
}

/** To a payee: whether the mint shows that its payer has taken it back. */
export function isTakenBack(
	{ options }: EcashParts,
	{ lock }: Pick<ClaimedRow, "lock">,
	states: readonly ProofState[] | undefined,
): boolean {
	const proofs = parseLock(lock);
	const key = refundKeyOf(proofs[0]?.secret ?? "");
	return (
		states !== undefined &&
		key !== undefined &&
		isTakenBackBy(options.crypto, proofs, states, key)
	);
}

/** To either: whether the mint shows that it was claimed, by the key. */
export function isClaimed(
	crypto: CryptoProvider,
	states: readonly ProofState[] | undefined,
	keyHash: Uint8Array,
): boolean {
	return (
		states !== undefined &&
		lockState(crypto, states, keyHash).kind === "claimed"
	);
}
