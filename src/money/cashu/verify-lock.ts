/*
 * Whether a lock is the one that a contract asks for: judged by its payee alone, without the mint,
 * before it shows anything. What only the mint can say, that no proof of it was spent, is left for
 * the claim, which is made before the key is given.
 */
import { TetradError } from "../../errors.ts";
import { hex, sameBytes, utf8 } from "../../wire/index.ts";
import { feeOf } from "./amounts.ts";
import type { EcashCrypto } from "./ecash-crypto.ts";
import type { Keyset, KnownKeysets } from "./keyset.ts";
import { MAX_LOCK_PROOFS } from "./limits.ts";
import type { LockTerms } from "./lock.ts";
import { type ProvenProof, sumOf } from "./proof.ts";
import { type ExpectedTerms, readLockSecret } from "./read-lock.ts";

/** What a contract asks for. */
export interface ExpectedLock {
	readonly terms: ExpectedTerms;
	readonly unit: string;
	/** What the payee gets, after what the claim costs. */
	readonly price: bigint;
	/** Of the contract's mint, as the payee knows them. */
	readonly keysets: KnownKeysets;
	/** Milliseconds since 1970; `undefined` for a lock that was verified before and was read from the own store, which may be claimed late. */
	readonly now: number | undefined;
}

const minted: unique symbol = Symbol();

/** A lock that is what its contract asks for. Only `verifyLock` makes one. */
export class VerifiedLock {
	/** An object of the same form is none: only the check makes one. */
	declare protected readonly minted: true;
	readonly terms: LockTerms;
	readonly proofs: readonly ProvenProof[];
	readonly unit: string;
	readonly price: bigint;
	/** What claiming it costs, which is in it beside the price. */
	readonly fee: bigint;

	constructor(
		proof: typeof minted,
		{ terms, proofs, unit, price, fee }: Omit<VerifiedLock, "minted">,
	) {
		if (proof !== minted)
			throw new TetradError("internal", "only a check can make this value");
		this.terms = terms;
		this.proofs = proofs;
		this.unit = unit;
		this.price = price;
		this.fee = fee;
	}
}

/** Throws `payment-refused`, with what is wrong, unless the lock is what was expected. */
export function verifyLock(
	ecash: EcashCrypto,
	proofs: readonly ProvenProof[],
	expected: ExpectedLock,
): VerifiedLock {
	if (proofs.length === 0 || proofs.length > MAX_LOCK_PROOFS)
		throw refused(
			`it has ${proofs.length} proofs, and not 1 to ${MAX_LOCK_PROOFS}`,
		);
	const refund = requireTerms(ecash, proofs, expected.terms);
	requireTime(expected);
	requireDistinct(proofs);
	const keysets = proofs.map((proof) => requireKeyset(proof, expected));
	const fee = feeOf(keysets);
	const sum = sumOf(proofs);
	if (sum !== expected.price + fee)
		throw refused(
			`it is worth ${sum}, and not ${expected.price} and ${fee} for the claim`,
		);
	for (const [i, proof] of proofs.entries())
		requireSigned(ecash, proof, keysets[i] as Keyset);
	return new VerifiedLock(minted, {
		terms: { ...expected.terms, refund },
		proofs,
		unit: expected.unit,
		price: expected.price,
		fee,
	});
}

/** The payer's key, which all of its proofs have. */
function requireTerms(
	ecash: EcashCrypto,
	proofs: readonly ProvenProof[],
	terms: ExpectedTerms,
): Uint8Array {
	let payer: Uint8Array | undefined;
	for (const { secret } of proofs) {
		const read = readLockSecret(secret, terms);
		if (read.kind === "wrong") throw refused(read.why);
		payer ??= read.refund;
		if (!sameBytes(payer, read.refund))
			throw refused("its proofs go back to different keys");
	}
	if (payer === undefined || !ecash.isPoint(payer))
		throw refused("the payer's key in it is no point");
	return payer;
}

function requireTime({ terms, now }: ExpectedLock): void {
	if (now !== undefined && terms.deadline * 1000 <= now)
		throw refused("its deadline is over");
}

/** One proof twice, or two that hold one secret, are worth one. */
function requireDistinct(proofs: readonly ProvenProof[]): void {
	const secrets = new Set(proofs.map(({ secret }) => secret));
	const signatures = new Set(proofs.map(({ signature }) => hex(signature)));
	if (secrets.size < proofs.length || signatures.size < proofs.length)
		throw refused("it has one proof twice");
}

function requireKeyset(
	proof: ProvenProof,
	{ keysets, unit, terms }: ExpectedLock,
): Keyset {
	const keyset = keysets.get(proof.keyset);
	if (keyset === undefined)
		throw refused(
			`a proof of it is of a keyset ${hex(proof.keyset)} that its mint is not known to have`,
		);
	if (keyset.unit !== unit)
		throw refused("a proof of it is in another unit than the contract");
	if (keyset.finalExpiry !== undefined && keyset.finalExpiry <= terms.deadline)
		throw refused(
			"the mint owes nothing for a proof of it before its deadline",
		);
	if (!keyset.keys.has(proof.amount))
		throw refused(`its mint has no proofs of ${proof.amount}`);
	return keyset;
}

function requireSigned(
	ecash: EcashCrypto,
	{ dleq, secret, signature, amount }: ProvenProof,
	keyset: Keyset,
): void {
	const key = keyset.keys.get(amount);
	if (
		key === undefined ||
		!ecash.verifyCarriedDleq(dleq, utf8(secret), signature, key)
	)
		throw refused("a proof of it does not show that its mint signed it");
}

function refused(why: string): TetradError {
	return new TetradError("payment-refused", `the lock is refused: ${why}`);
}
