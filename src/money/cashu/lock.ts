/*
 * The lock of a purchase (NUT-10, NUT-14): money that the payee's key and the goods key together
 * can claim, and the payer's key after a deadline. The same terms and nonce have one text only, so
 * that a payee need not know how a mint reads others.
 */
import { hex } from "../../wire/index.ts";

/** What all proofs of one lock have in common. */
export interface LockTerms {
	/** SHA-256 of the goods key, 32 bytes. */
	readonly keyHash: Uint8Array;
	/** The payee's key for this contract, 33 bytes. */
	readonly payee: Uint8Array;
	/** From when on the payer can take it back, in seconds since 1970. */
	readonly deadline: number;
	/** The payer's key for this contract, 33 bytes. */
	readonly refund: Uint8Array;
	/** The contract's hash, 32 bytes. */
	readonly contract: Uint8Array;
	/** Of the tetrad of the contract, 32 bytes. */
	readonly binding: Uint8Array;
}

/** Names of the tags that are ours, which mints leave alone. */
const CONTRACT_TAG = "tetrad_contract";
const BINDING_TAG = "tetrad_binding";

/** The deadline of the lock of a contract, in seconds: when it can be booked no more, rounded down. `bookBy` is in milliseconds. */
export function lockDeadline(bookBy: number): number {
	return Math.floor(bookBy / 1000);
}

/**
 * The secret of one proof of a lock. `nonce` is 64 characters in lower-case hexadecimal, another for
 * each proof. There is no `sigflag`: a signature is over the secret alone (SIG_INPUTS), which all
 * mints check in the same way, and not over outputs, which they do not.
 */
export function lockSecret(terms: LockTerms, nonce: string): string {
	return JSON.stringify([
		"HTLC",
		{ nonce, data: hex(terms.keyHash), tags: lockTags(terms) },
	]);
}

/** Its tags in their order. */
export function lockTags(terms: LockTerms): readonly (readonly string[])[] {
	return [
		["pubkeys", hex(terms.payee)],
		["locktime", `${terms.deadline}`],
		["refund", hex(terms.refund)],
		[CONTRACT_TAG, hex(terms.contract)],
		[BINDING_TAG, hex(terms.binding)],
	];
}
