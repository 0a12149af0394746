/*
 * The proofs of a lock that a purse may have made in a life that it has forgotten, found at its mint
 * by what is left: its seed, and the contract. Its outputs follow from these alone, so that for each
 * keyset the mint is asked once which of them it has signed (NUT-09). A seed that is older than such
 * outputs may have made the lock with counters of its own, and those are looked at after that
 * (counted-recall-run.ts). Nothing of it changes anything at the mint.
 */
import { asTetradError, TetradError } from "../../../errors.ts";
import {
	type EcashCrypto,
	type KnownKeysets,
	type LockTerms,
	MAX_LOCK_PROOFS,
	type MintRequest,
	makeLockOutputs,
	type Output,
	type RestoredSignature,
	restoreRequest,
	sumOf,
	unblindRestored,
} from "../../cashu/index.ts";
import type { MintAnswer } from "../ecash-part.ts";
import type { CountedRecallRun } from "./counted-recall-run.ts";
import { byAmount, type FoundLock, signedAt } from "./found-lock.ts";
import type { MintRun, RunStep } from "./mint-run.ts";

/** What a lock is looked for with. */
export interface SoughtLock {
	readonly terms: LockTerms;
	/** As `lockSeed`. */
	readonly seed: Uint8Array;
	/** What is locked at least. */
	readonly amount: bigint;
}

/** One more than a lock has: a mint that says that it has signed everything is found out. */
const ASKED = MAX_LOCK_PROOFS + 1;

export class RecallRun implements MintRun<FoundLock> {
	readonly #ecash: EcashCrypto;
	readonly #keysets: readonly Uint8Array[];
	readonly #lock: SoughtLock;
	readonly #older: CountedRecallRun | undefined;
	/** Which keyset is asked about; behind the last it goes on with what is older. */
	#at = 0;
	#asked: readonly Output[];

	/** `keysets` are ids of the mint's, one at least; `older` looks for what the seed may have locked with counters of the purse's. */
	constructor(
		ecash: EcashCrypto,
		keysets: readonly Uint8Array[],
		lock: SoughtLock,
		older?: CountedRecallRun,
	) {
		this.#ecash = ecash;
		this.#keysets = keysets;
		this.#lock = lock;
		this.#older = older;
		this.#asked = this.#outputs();
	}

	get next(): MintRequest {
		return this.#following?.next ?? restoreRequest(this.#asked);
	}

	unanswered(): void {
		// The same is asked again: it changes nothing.
	}

	answered(keysets: KnownKeysets, answer: MintAnswer): RunStep<FoundLock> {
		const older = this.#following;
		if (older !== undefined) return older.answered(keysets, answer);
		try {
			return this.#answered(keysets, signedAt(answer));
		} catch (thrown) {
			return { kind: "later", error: asTetradError(thrown) };
		}
	}

	get #following(): CountedRecallRun | undefined {
		return this.#at < this.#keysets.length ? undefined : this.#older;
	}

	#answered(
		keysets: KnownKeysets,
		signed: readonly RestoredSignature[],
	): RunStep<FoundLock> {
		const all = unblindRestored(
			this.#ecash,
			keysets,
			this.#asked,
			signed,
			"blanks",
		);
		const proofs = all.filter((proof) => proof !== undefined);
		if (proofs.length === 0) return this.#nextKeyset();
		const isWhole =
			proofs.length <= MAX_LOCK_PROOFS &&
			all.slice(0, proofs.length).every((proof) => proof !== undefined) &&
			sumOf(proofs) >= this.#lock.amount;
		if (!isWhole) return this.#anew();
		const outcome = { kind: "found", proofs: byAmount(proofs) } as const;
		return { kind: "over", outcome: { ...outcome, begins: undefined } };
	}

	#nextKeyset(): RunStep<FoundLock> {
		this.#at++;
		if (this.#at < this.#keysets.length) this.#asked = this.#outputs();
		else if (this.#older === undefined)
			return { kind: "over", outcome: { kind: "none" } };
		return { kind: "on" };
	}

	/** It begins anew, since what the mint says cannot be. */
	#anew(): RunStep<FoundLock> {
		this.#at = 0;
		this.#asked = this.#outputs();
		return {
			kind: "later",
			error: new TetradError(
				"issuer-refused",
				"the mint shows a part of what was locked, or more",
			),
		};
	}

	#outputs(): readonly Output[] {
		const keyset = this.#keysets[this.#at];
		if (keyset === undefined)
			throw new TetradError("internal", "a keyset is asked for that is not");
		const { seed, terms } = this.#lock;
		const amounts = Array.from({ length: ASKED }, () => 1n);
		const place = { seed, keyset, counter: 0 };
		return makeLockOutputs(this.#ecash, place, amounts, terms);
	}
}
