/* What the row of a sale that was paid with ecash says. */
import { TetradError } from "../../../errors.ts";
import {
	encodeLock,
	encodeProofs,
	isProven,
	lockDeadline,
	type Proof,
	parseProofs,
	sumOf,
} from "../../cashu/index.ts";
import type { LockedRow } from "../ecash-tables.ts";
import type { AskedPayment, AskedSale } from "../payment-state.ts";
import type { OpenMeeting } from "../purse-core.ts";
import { type LogEntry, NO_CHAIN, NO_KEY } from "../purse-tables.ts";
import type { AtMint, SaleEvent } from "../sale-part.ts";
import { encodeSwap, type StoredSwap } from "./stored-swap.ts";

export const NOTHING: Uint8Array = new Uint8Array();

/** A sale on which both modules agree, at a mint and in a tetrad. */
export interface AgreedSale {
	readonly asked: AskedPayment & { readonly sale: AskedSale };
	readonly at: AtMint;
	readonly meeting: OpenMeeting;
}

/** As it is committed. */
export function lockingRow(
	{ asked, at, meeting }: AgreedSale,
	swap: StoredSwap,
	counted: number,
	now: number,
): LockedRow {
	const { contract, issuer: mint, currency, amount, payee, what } = asked;
	const { fee } = asked;
	const { terms, keyHash, payBy } = asked.sale;
	const { parties } = meeting;
	return {
		...{ contract, mint, currency, amount, payee, parties, terms, what },
		fee,
		key_hash: keyHash,
		pay_by: BigInt(payBy),
		deadline: BigInt(lockDeadline(at.bookBy)),
		committed: BigInt(now),
		lock_swap: encodeSwap(swap),
		spends: sumOf(swap.spends),
		back_swap: NOTHING,
		lock: NOTHING,
		returned: 0n,
		state: "locking",
		key: NO_KEY,
		receipt: NOTHING,
		receipt_chain: NO_CHAIN,
		counted: BigInt(counted),
	};
}

/** The lock as it is given to its payee; nothing where a proof does not show that the mint has signed it, so that nobody would take it, and it comes back after the deadline. */
export function shownLock({ lock }: LockedRow): Uint8Array | undefined {
	const proofs = lock.length === 0 ? [] : parseProofs(lock);
	return proofs.length > 0 && proofs.every(isProven)
		? encodeLock(proofs)
		: undefined;
}

export function lockedIn(row: LockedRow, lock: readonly Proof[]): LockedRow {
	return {
		...row,
		state: "locked",
		lock: encodeProofs(lock),
		back_swap: NOTHING,
	};
}

export function deadlineOf({ deadline }: LockedRow): number {
	return Number(deadline) * 1000;
}

/** It is over, and so much has come back of what it took. What is more than the amount was of the fee, and is not gone. */
export function refundedIn(row: LockedRow, back: bigint): LockedRow {
	const { amount, fee } = row;
	const came = back > 0n ? back : 0n;
	const returned = came < amount ? came : amount;
	const gone = fee - (came - returned);
	return {
		...row,
		...{ state: "refunded", returned, fee: gone > 0n ? gone : 0n },
	};
}

/** What of all that it took counts no more once it is as it is then. */
export function backBetween(before: LockedRow, after: LockedRow): bigint {
	return before.fee - after.fee + after.returned;
}

/** What is gone of one that was refunded. */
export function goneOf({ amount, fee, returned }: LockedRow): bigint {
	return amount + fee - returned;
}

/** For the log: what the mint has taken, if it takes anything. */
export function feeTaken(
	subject: Uint8Array,
	peer: Uint8Array,
	amount: bigint,
): LogEntry[] {
	return amount > 0n ? [{ what: "fee", subject, amount, peer }] : [];
}

/** What became of one that is over; `chain` is the encoded one under which its receipt was signed. */
export function whatBecame(row: LockedRow, chain: Uint8Array): SaleEvent {
	const { contract, state, key, receipt, returned: amount, fee } = row;
	switch (state) {
		case "keyed":
			return { kind: "keyed", contract, key, receipt, chain, fee };
		case "refunded":
			return { kind: "refunded", contract, amount, by: "mint", fee };
		default:
			return { kind: "declined", contract, error: spentBefore() };
	}
}

function spentBefore(): TetradError {
	return new TetradError(
		"double-spent",
		"what it was paid with had been spent before, by another copy of this purse",
	);
}
