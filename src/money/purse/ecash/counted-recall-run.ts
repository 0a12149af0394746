/*
 * The proofs of a lock that was made as locks were at first, with counters of its purse's: found at
 * its mint by the seed and the contract. Each counter of each keyset is asked for as what the lock
 * would have made of it (NUT-09), and as an ordinary output, which says where the counters end. Many
 * locks in a row look as such an end does, so what is not found was not made with a counter before it,
 * and nothing more. Nothing of it changes anything at the mint.
 */
import { asTetradError, TetradError } from "../../../errors.ts";
import { hex } from "../../../wire/index.ts";
import {
	type EcashCrypto,
	type KnownKeysets,
	type LockTerms,
	MAX_LOCK_PROOFS,
	type MintRequest,
	makeLockOutputs,
	makeOutputs,
	type Output,
	type Proof,
	type RestoredSignature,
	restoreRequest,
	sumOf,
	unblindRestored,
} from "../../cashu/index.ts";
import type { MintAnswer } from "../ecash-part.ts";
import { byAmount, type FoundLock, signedAt } from "./found-lock.ts";
import type { MintRun, RunStep } from "./mint-run.ts";
import { COUNTERS_AT_ONCE, EMPTY_WITH_LOCKS, LIMITS } from "./restore-run.ts";
import type { MadeOutput } from "./stored-swap.ts";

/** A keyset, and the first counter that is not known to be used. */
export interface CountedKeyset {
	readonly keyset: Uint8Array;
	readonly next: number;
}

export class CountedRecallRun implements MintRun<FoundLock> {
	readonly #ecash: EcashCrypto;
	readonly #seed: Uint8Array;
	readonly #keysets: readonly CountedKeyset[];
	readonly #terms: LockTerms;
	readonly #amount: bigint;
	readonly #beyond: number;
	/** Where it is: which keyset, and which counter is asked for. */
	#at = 0;
	#counter = 0;
	/** How many counters before it were empty, in a row. */
	#empty = 0;
	#found: readonly Proof[] = [];
	#begins: MadeOutput | undefined;
	#asked: { readonly locked: readonly Output[]; readonly all: Output[] };

	/** `keysets` are of the mint, one at least; `amount` is what is locked at least. So many counters `beyond` those that are used end a keyset, whatever the mint says it has signed. */
	constructor(
		ecash: EcashCrypto,
		seed: Uint8Array,
		keysets: readonly CountedKeyset[],
		terms: LockTerms,
		amount: bigint,
		beyond: number = LIMITS.counters,
	) {
		this.#ecash = ecash;
		this.#seed = seed;
		this.#keysets = keysets;
		this.#terms = terms;
		this.#amount = amount;
		this.#beyond = beyond;
		this.#asked = this.#batch();
	}

	get next(): MintRequest {
		return restoreRequest(this.#asked.all);
	}

	unanswered(): void {
		// The same is asked again: it changes nothing.
	}

	answered(keysets: KnownKeysets, answer: MintAnswer): RunStep<FoundLock> {
		try {
			return this.#answered(keysets, signedAt(answer));
		} catch (thrown) {
			return { kind: "later", error: asTetradError(thrown) };
		}
	}

	#answered(
		keysets: KnownKeysets,
		restored: readonly RestoredSignature[],
	): RunStep<FoundLock> {
		const { locked, all } = this.#asked;
		const signedOf = (outputs: readonly Output[]) => {
			const names = new Set(outputs.map(({ blinded }) => hex(blinded)));
			return restored.filter(({ blinded }) => names.has(hex(blinded)));
		};
		// By which key an ordinary one was signed says nothing of where the counters end.
		const isEmpty = signedOf(all).length === 0;
		const ofLock = unblindRestored(
			this.#ecash,
			keysets,
			locked,
			signedOf(locked),
			"blanks",
		);
		const found = ofLock.filter((proof) => proof !== undefined);
		if (found.length > 0 && this.#begins === undefined) {
			const first = locked[ofLock.findIndex((proof) => proof !== undefined)];
			if (first !== undefined) this.#begins = first;
		}
		this.#found = [...this.#found, ...found];
		if (this.#found.length > MAX_LOCK_PROOFS)
			throw this.#anew("the mint shows more proofs than any lock has");
		// Its counters follow one another: it ends in these, or in the next.
		const goesOn = ofLock.at(-1) !== undefined;
		if (this.#begins !== undefined && !goesOn) return this.#over();
		this.#empty = isEmpty ? this.#empty + locked.length : 0;
		this.#counter += COUNTERS_AT_ONCE;
		if (this.#isKeysetOver()) {
			this.#at++;
			this.#counter = 0;
			this.#empty = 0;
			if (this.#at >= this.#keysets.length) return this.#over();
		}
		this.#asked = this.#batch();
		return { kind: "on" };
	}

	#isKeysetOver(): boolean {
		const next = this.#keysets[this.#at]?.next ?? 0;
		return (
			this.#counter >= next + this.#beyond ||
			(this.#counter >= next && this.#empty >= EMPTY_WITH_LOCKS)
		);
	}

	/** Throws where the mint shows a part of it. */
	#over(): RunStep<FoundLock> {
		const proofs = byAmount(this.#found);
		const begins = this.#begins;
		if (begins === undefined)
			return {
				kind: "over",
				outcome: { kind: "not-within", empty: EMPTY_WITH_LOCKS },
			};
		if (sumOf(proofs) >= this.#amount)
			return { kind: "over", outcome: { kind: "found", proofs, begins } };
		throw this.#anew("the mint shows only a part of what was locked");
	}

	/** It begins anew, since what the mint says cannot be. */
	#anew(why: string): TetradError {
		this.#at = 0;
		this.#counter = 0;
		this.#empty = 0;
		this.#found = [];
		this.#begins = undefined;
		this.#asked = this.#batch();
		return new TetradError("issuer-refused", why);
	}

	#batch(): { readonly locked: readonly Output[]; readonly all: Output[] } {
		const { keyset } = this.#keysets[this.#at] ?? {};
		if (keyset === undefined)
			throw new TetradError("internal", "a keyset is asked for that is not");
		const place = { seed: this.#seed, keyset, counter: this.#counter };
		const amounts = Array.from({ length: COUNTERS_AT_ONCE }, () => 1n);
		const locked = makeLockOutputs(this.#ecash, place, amounts, this.#terms);
		const plain = makeOutputs(this.#ecash, place, amounts);
		return { locked, all: [...locked, ...plain] };
	}
}
