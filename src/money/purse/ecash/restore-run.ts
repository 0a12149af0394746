/*
 * All ecash of a mint that follows from the seed of a purse (NUT-13): what the mint has signed of the
 * outputs of each keyset (NUT-09), so many counters at a time until so many in a row are empty, and
 * then what of that is spent (NUT-07); and last what is spent of the proofs that the purse has.
 * Nothing of it changes anything at the mint, so each question is asked until it is answered.
 */
import { asTetradError, TetradError, unreachable } from "../../../errors.ts";
import { hex, sameBytes } from "../../../wire/index.ts";
import {
	type EcashCrypto,
	type KnownKeysets,
	type MintRequest,
	makeOutputs,
	mintRefused,
	type Output,
	type Proof,
	type ProofState,
	parseMintError,
	parseRestored,
	parseStates,
	pointsOf,
	type RestoredSignature,
	restoreRequest,
	stateRequest,
	unblindRestored,
} from "../../cashu/index.ts";
import { checked } from "../checked.ts";
import type { MintAnswer } from "../ecash-part.ts";
import type { MintRun, RunStep } from "./mint-run.ts";
import { isDone, isPassing } from "./swap-run.ts";

/** Counters that are asked for at once, and how many in a row have to be empty for the end of a keyset. */
export const COUNTERS_AT_ONCE = 100;
export const EMPTY_AT_END = 300;

/** The same for a seed of which counters may have been those of locks, which are empty. */
export const EMPTY_WITH_LOCKS = 1_000;

/**
 * Where a restore ends at the latest, whatever a mint says it has signed: unspent proofs, and spent
 * ones that the purse has, all of which are written at once, and counters of one keyset.
 */
export interface RestoreLimits {
	readonly proofs: number;
	readonly counters: number;
}

export const LIMITS: RestoreLimits = { proofs: 4_000, counters: 1_000_000 };

/** What a purse has when a restore begins. */
export interface OwnProofs {
	readonly held: readonly Proof[];
	/** Secrets of what is being spent or made. */
	readonly underWay?: ReadonlySet<string>;
	/** Where what it may have forgotten begins; at the first counters unless given. */
	readonly first?: FirstCounters | undefined;
	/** The first counter of each keyset that is not known to be used. Not all before are signed: what was refused is empty, and what was locked with them once. */
	readonly used?: FirstCounters;
	/** How many counters in a row have to be empty for the end of a keyset; `EMPTY_AT_END` unless given. */
	readonly empty?: number;
}

/** The first counter that is looked at, of keysets in hexadecimal; 0 of all others. */
export type FirstCounters = ReadonlyMap<string, number>;

/** What a restore has found. */
export interface Restored {
	/** Unspent, and not what the purse has. */
	readonly proofs: readonly Proof[];
	/** Of those, what the mint is working on: it will be spent, or unspent again. */
	readonly pending: readonly Proof[];
	/** Of those that the purse has, what is spent. */
	readonly gone: readonly Proof[];
	/** Of those, what the mint is working on. */
	readonly held: readonly Proof[];
	/** How many outputs are signed by no key that the mint shows: there is no ecash in these. */
	readonly unproven: number;
	/** For each keyset, the first counter behind all that were signed. */
	readonly counters: readonly {
		readonly keyset: Uint8Array;
		readonly next: number;
	}[];
	/** Whether there may be more proofs than one restore adds or takes out. */
	readonly isPartial: boolean;
}

type State =
	| {
			readonly kind: "restoring";
			readonly outputs: readonly Output[];
			/** How many counters before these were empty, in a row. */
			readonly empty: number;
	  }
	| { readonly kind: "checking"; readonly found: readonly Proof[] }
	| { readonly kind: "checking-held"; readonly held: readonly Proof[] };

export class RestoreRun implements MintRun<Restored | TetradError> {
	readonly #ecash: EcashCrypto;
	readonly #seed: Uint8Array;
	readonly #keysets: readonly Uint8Array[];
	readonly #held: readonly Proof[];
	/** Secrets of what the purse has or had: it knows itself what has become of it. */
	readonly #own: ReadonlySet<string>;
	readonly #first: FirstCounters;
	readonly #used: FirstCounters;
	readonly #empty: number;
	readonly #limits: RestoreLimits;
	readonly #proofs: Proof[] = [];
	readonly #pending: Proof[] = [];
	readonly #gone: Proof[] = [];
	readonly #heldPending: Proof[] = [];
	#unproven = 0;
	#isPartial = false;
	readonly #counters = new Map<string, Restored["counters"][number]>();
	/** Where it is: which keyset, and which counter is asked for next. */
	#at = 0;
	#counter: number;
	#state: State;

	/** `keysets` are ids, of one at least. */
	constructor(
		ecash: EcashCrypto,
		seed: Uint8Array,
		keysets: readonly Uint8Array[],
		{
			held,
			underWay = new Set(),
			first = new Map(),
			used = new Map(),
			empty = EMPTY_AT_END,
		}: OwnProofs,
		limits: RestoreLimits = LIMITS,
	) {
		this.#ecash = ecash;
		this.#seed = seed;
		this.#keysets = keysets;
		this.#held = held;
		this.#own = new Set([...underWay, ...held.map(({ secret }) => secret)]);
		this.#first = first;
		this.#used = used;
		this.#empty = empty;
		this.#limits = limits;
		this.#counter = this.#firstOf(keysets[0]);
		this.#state = this.#batch(0);
	}

	get next(): MintRequest {
		switch (this.#state.kind) {
			case "restoring":
				return restoreRequest(this.#state.outputs);
			case "checking":
				return stateRequest(pointsOf(this.#ecash, this.#state.found));
			case "checking-held":
				return stateRequest(pointsOf(this.#ecash, this.#state.held));
			default:
				return unreachable(this.#state);
		}
	}

	unanswered(): void {
		// The same is asked again: it changes nothing.
	}

	/** What comes of it is what was found, or why the mint refuses to say. */
	answered(
		keysets: KnownKeysets,
		{ status, body }: MintAnswer,
	): RunStep<Restored | TetradError> {
		try {
			if (isDone(status)) return this.#answered(keysets, body);
			const why = parseMintError(body);
			const error = mintRefused(why);
			return isPassing(status, why)
				? { kind: "later", error }
				: { kind: "over", outcome: error };
		} catch (thrown) {
			return { kind: "later", error: asTetradError(thrown) };
		}
	}

	#answered(keysets: KnownKeysets, body: Uint8Array): RunStep<Restored> {
		const state = this.#state;
		switch (state.kind) {
			case "restoring": {
				const { outputs, empty } = state;
				const signed = this.#signed(keysets, outputs, parseRestored(body));
				const last = signed.findLastIndex((proof) => proof !== undefined);
				const newest = outputs[last];
				if (newest === undefined)
					return this.#on(
						this.#isKeysetOver(empty + outputs.length)
							? this.#nextKeyset()
							: this.#batch(empty + outputs.length),
					);
				const { keyset, counter } = newest;
				this.#counters.set(hex(keyset), { keyset, next: counter + 1 });
				const found = signed.filter((proof) => typeof proof === "object");
				return this.#on(
					found.length > 0 ? { kind: "checking", found } : this.#further(),
				);
			}
			case "checking": {
				const { found } = state;
				const states = parseStates(body, pointsOf(this.#ecash, found));
				const isNew =
					(kind: ProofState["kind"]) => (proof: Proof, at: number) =>
						states[at]?.kind === kind && !this.#own.has(proof.secret);
				this.#proofs.push(...found.filter(isNew("unspent")));
				this.#pending.push(...found.filter(isNew("pending")));
				return this.#on(this.#further());
			}
			case "checking-held": {
				const { held } = state;
				const states = parseStates(body, pointsOf(this.#ecash, held));
				const of = (kind: ProofState["kind"]) =>
					held.filter((_, at) => states[at]?.kind === kind);
				this.#gone.push(...of("spent"));
				this.#heldPending.push(...of("pending"));
				this.#counter += held.length;
				if (this.#gone.length < this.#limits.proofs)
					return this.#on(this.#heldFrom(this.#counter));
				this.#isPartial ||= this.#counter < this.#held.length;
				return this.#on(undefined);
			}
			default:
				return unreachable(state);
		}
	}

	/** Of each output its proof, or that it was signed by another key than the mint shows: one that once had others under the same ids does not keep all the rest from being restored. */
	#signed(
		keysets: KnownKeysets,
		outputs: readonly Output[],
		restored: readonly RestoredSignature[],
	): (Proof | "unproven" | undefined)[] {
		const ecash = this.#ecash;
		const all = checked(() =>
			unblindRestored(ecash, keysets, outputs, restored, "blanks"),
		);
		if (all.kind === "ok") return all.value;
		if (all.error.code !== "authentication-failed") throw all.error;
		return outputs.map((output) => {
			const of = restored.filter(({ blinded }) =>
				sameBytes(blinded, output.blinded),
			);
			const one = checked(() =>
				unblindRestored(ecash, keysets, [output], of, "blanks"),
			);
			if (one.kind === "ok") return one.value[0];
			this.#unproven++;
			return "unproven";
		});
	}

	#on(state: State | undefined): RunStep<Restored> {
		if (state !== undefined) {
			this.#state = state;
			return { kind: "on" };
		}
		return {
			kind: "over",
			outcome: {
				proofs: this.#proofs,
				pending: this.#pending,
				gone: this.#gone,
				held: this.#heldPending,
				unproven: this.#unproven,
				counters: [...this.#counters.values()],
				isPartial: this.#isPartial,
			},
		};
	}

	/** The next counters of the keyset; `empty` of them before were so in a row. */
	#batch(empty: number): State {
		const keyset = this.#keysets[this.#at];
		if (keyset === undefined)
			throw new TetradError("internal", "a keyset is asked for that is not");
		const place = { seed: this.#seed, keyset, counter: this.#counter };
		this.#counter += COUNTERS_AT_ONCE;
		const amounts = Array.from({ length: COUNTERS_AT_ONCE }, () => 1n);
		const outputs = makeOutputs(this.#ecash, place, amounts);
		return { kind: "restoring", outputs, empty };
	}

	/** Behind counters of which some were signed. */
	#further(): State | undefined {
		const { proofs, counters } = this.#limits;
		const first = this.#firstOf(this.#keysets[this.#at]);
		const found = this.#proofs.length + this.#pending.length;
		if (found >= proofs) {
			this.#isPartial = true;
			this.#at = this.#keysets.length;
		} else if (this.#counter - first < counters) return this.#batch(0);
		return this.#nextKeyset();
	}

	#nextKeyset(): State | undefined {
		this.#at++;
		if (this.#at < this.#keysets.length) {
			this.#counter = this.#firstOf(this.#keysets[this.#at]);
			return this.#batch(0);
		}
		this.#counter = 0;
		return this.#heldFrom(0);
	}

	/** So many in a row were empty. */
	#isKeysetOver(empty: number): boolean {
		const keyset = this.#keysets[this.#at];
		const used = keyset && this.#used.get(hex(keyset));
		return empty >= this.#empty && this.#counter >= (used ?? 0) + this.#empty;
	}

	#firstOf(keyset: Uint8Array | undefined): number {
		return keyset === undefined ? 0 : (this.#first.get(hex(keyset)) ?? 0);
	}

	#heldFrom(at: number): State | undefined {
		const held = this.#held.slice(at, at + COUNTERS_AT_ONCE);
		return held.length === 0 ? undefined : { kind: "checking-held", held };
	}
}
