/*
 * Outputs: what a mint is asked to sign. Each follows from the seed of a purse, its keyset and a
 * counter (NUT-13), so that it can be made again when nothing but those is left. A counter is used
 * for one output only: the purse writes how far it has come before anything is sent. Those of a lock
 * count from zero, and follow from a seed of its contract alone: whoever restores finds none of them
 * signed, and would take many in a row for the end of the purse's own.
 */

import { TetradError } from "../../errors.ts";
import { hex, utf8 } from "../../wire/index.ts";
import type { EcashCrypto } from "./ecash-crypto.ts";
import { type LockTerms, lockSecret } from "./lock.ts";

/** What is needed to ask for one signature, and to make a proof of it. */
export interface Output {
	readonly keyset: Uint8Array;
	/** Of a blank one, which the mint gives an amount, 1 (NUT-08). */
	readonly amount: bigint;
	readonly counter: number;
	/** Whose counter that is: one of the purse's own, or one of a lock. */
	readonly countedBy: "purse" | "lock";
	/** What will be the secret of the proof. */
	readonly secret: string;
	/** r, 32 bytes. */
	readonly factor: Uint8Array;
	/** B_, 33 bytes. */
	readonly blinded: Uint8Array;
}

/** From which seed, for which keyset, and from which counter on outputs are made. */
export interface OutputPlace {
	/** Of the purse, or for a lock `lockSeed`; `ECASH_SEED_BYTES`. */
	readonly seed: Uint8Array;
	readonly keyset: Uint8Array;
	/** Of the first output; each further one has the next. */
	readonly counter: number;
}

/** Beyond it a keyset of version 00 has no secret (BIP 32). */
const MAX_COUNTER: number = 2 ** 31 - 1;

/** Outputs of money that is nobody else's, as many as there are amounts. Throws `limit-exceeded` where a keyset has been used 2^31 times. */
export function makeOutputs(
	ecash: EcashCrypto,
	place: OutputPlace,
	amounts: readonly bigint[],
): Output[] {
	return amounts.map((amount, i) =>
		makeOutput(ecash, place, i, amount, "purse", (nonce) => nonce),
	);
}

/** The same of money that is locked by these terms. What NUT-13 derives is the nonce of each. */
export function makeLockOutputs(
	ecash: EcashCrypto,
	place: OutputPlace,
	amounts: readonly bigint[],
	terms: LockTerms,
): Output[] {
	return amounts.map((amount, i) =>
		makeOutput(ecash, place, i, amount, "lock", (nonce) =>
			lockSecret(terms, nonce),
		),
	);
}

/** Outputs in which a mint gives back what it reserved for fees and did not need: as many as its powers of two can be (NUT-08). */
export function makeBlankOutputs(
	ecash: EcashCrypto,
	place: OutputPlace,
	feeReserve: bigint,
): Output[] {
	return makeOutputs(
		ecash,
		place,
		Array.from({ length: blankCount(feeReserve) }, () => 1n),
	);
}

/** How many blank outputs give any part of a fee reserve back. */
export function blankCount(feeReserve: bigint): number {
	if (feeReserve === 0n) return 0;
	return Math.max((feeReserve - 1n).toString(2).length, 1);
}

/** By amount, so that a mint does not see which of them are locked and which are change (NUT-03). */
export function inOrder(outputs: readonly Output[]): Output[] {
	return outputs.toSorted((a, b) =>
		a.amount === b.amount ? 0 : a.amount < b.amount ? -1 : 1,
	);
}

function makeOutput(
	ecash: EcashCrypto,
	{ seed, keyset, counter: first }: OutputPlace,
	offset: number,
	amount: bigint,
	countedBy: Output["countedBy"],
	secretOf: (nonce: string) => string,
): Output {
	const counter = first + offset;
	if (counter > MAX_COUNTER)
		throw new TetradError(
			"limit-exceeded",
			`the keyset ${hex(keyset)} has been used up: the mint has to make a new one`,
		);
	const { secret: nonce, factor } = ecash.derive(seed, keyset, counter);
	const secret = secretOf(hex(nonce));
	const blinded = ecash.blind(utf8(secret), factor);
	return { keyset, amount, counter, countedBy, secret, factor, blinded };
}
