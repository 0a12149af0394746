/*
 * One request that spends proofs at a mint, from when it is durable until it is known what became
 * of it. An answer that is lost, or no answer, says nothing: the mint may have done it, or may do it
 * later. So the same bytes are sent again, and where the mint refuses them, it is asked what became
 * of the inputs (NUT-07), and, when they are spent, what it has signed (NUT-09):
 *
 *   sending ─signed─▶ (signed)
 *    │  ▲ └─refused─▶ looking ─all unspent─▶ (not done)
 *    │  │              └─some spent─▶ restoring ─nothing signed─▶ (spent elsewhere)
 *    │  │                              └─all signed─▶ checking ─none of them spent─▶ (signed)
 *    │  │                                              └─some spent─▶ (spent elsewhere, or since)
 *    └──┴── no answer, busy, pending, or an answer that makes no sense: after a while
 *
 * A swap that was made again with other outputs has those of the ones before, too: a mint that says
 * that it has not done one of them, and never will, may be wrong, and of all of them it can do one.
 *
 * The last check is for a purse that was put back: it makes outputs again that it had made before,
 * and what the mint signed then may be spent. What the mint answers is held against what it was
 * asked, and a signature that does not show that it is by the mint's key counts for nothing.
 */
import {
	asTetradError,
	type TetradError,
	unreachable,
} from "../../../errors.ts";
import { sameBytes } from "../../../wire/index.ts";
import {
	type EcashCrypto,
	type KnownKeysets,
	type MintError,
	type MintRequest,
	mintRefused,
	type Output,
	type Proof,
	type ProofState,
	parseMintError,
	parseRestored,
	parseSignatures,
	parseStates,
	pointsOf,
	restoreRequest,
	stateRequest,
	unblindAll,
	unblindRestored,
} from "../../cashu/index.ts";
import type { MintAnswer } from "../ecash-part.ts";

/** What is durable of the request. */
export interface Swap {
	readonly request: MintRequest;
	/** Y of its inputs, 33 bytes each. */
	readonly inputs: readonly Uint8Array[];
	/** In the order in which the request has them. */
	readonly outputs: readonly Output[];
	/** Those of swaps of the same inputs that were sent before this one, newest first. */
	readonly earlier: readonly (readonly Output[])[];
}

/** A proof that the mint has signed, and what it says of it. */
export interface RestoredProof {
	readonly proof: Proof;
	readonly state: ProofState;
}

export type SwapOutcome =
	/** A proof of each output, of this swap or of an earlier one, in their order. Those that were restored may not show that the mint signed. */
	| { readonly kind: "signed"; readonly proofs: readonly Proof[] }
	/** The mint refused it, and says that its inputs are unspent. An earlier copy that is late may still be carried out. */
	| { readonly kind: "not-done"; readonly why: MintError }
	/** The mint refused it, inputs are spent, and what it has signed of the outputs is nothing, or some of it is spent: these are the states of the inputs, in their order. */
	| {
			readonly kind: "spent";
			readonly states: readonly ProofState[];
			/** One of each output, or none where they were not all signed. */
			readonly restored: readonly RestoredProof[];
	  };

type State =
	| { readonly kind: "sending" }
	| { readonly kind: "looking"; readonly why: MintError }
	/** `rest` are outputs of earlier swaps that are asked for after these. */
	| ({
			readonly kind: "restoring";
			readonly outputs: readonly Output[];
			readonly rest: Swap["earlier"];
	  } & Refused)
	| ({
			readonly kind: "checking";
			readonly proofs: readonly Proof[];
	  } & Refused);

/** Some of its inputs are spent. */
interface Refused {
	readonly why: MintError;
	readonly states: readonly ProofState[];
}

/** What follows from an answer. */
export type SwapStep =
	| { readonly kind: "over"; readonly outcome: SwapOutcome }
	/** `next` is to be asked, at once. */
	| { readonly kind: "on" }
	/** `next` is to be asked after a while; `error` is why, for whoever waits. */
	| { readonly kind: "later"; readonly error: TetradError };

/** Whether a mint that has refused a swap so can never carry it out, now or late: its outputs have to be others. */
export function isNeverDone({ kind }: MintError): boolean {
	switch (kind) {
		case "keyset-inactive":
		case "keyset-unknown":
		case "keyset-expired":
		case "already-signed":
			return true;
		default:
			return false;
	}
}

export class SwapRun {
	readonly swap: Swap;
	readonly #ecash: EcashCrypto;
	#state: State = { kind: "sending" };

	constructor(ecash: EcashCrypto, swap: Swap) {
		this.#ecash = ecash;
		this.swap = swap;
	}

	/** What the mint is asked next. */
	get next(): MintRequest {
		const { request, inputs } = this.swap;
		switch (this.#state.kind) {
			case "sending":
				return request;
			case "looking":
				return stateRequest(inputs);
			case "restoring":
				return restoreRequest(this.#state.outputs);
			case "checking":
				return stateRequest(pointsOf(this.#ecash, this.#state.proofs));
			default:
				return unreachable(this.#state);
		}
	}

	/** Nobody has answered: it begins anew, with the same bytes. */
	unanswered(): void {
		this.#state = { kind: "sending" };
	}

	answered(keysets: KnownKeysets, answer: MintAnswer): SwapStep {
		try {
			return this.#answered(keysets, answer);
		} catch (thrown) {
			this.unanswered();
			return { kind: "later", error: asTetradError(thrown) };
		}
	}

	#answered(keysets: KnownKeysets, { status, body }: MintAnswer): SwapStep {
		const { inputs } = this.swap;
		const state = this.#state;
		if (!isDone(status)) return this.#refused(status, body);
		switch (state.kind) {
			case "sending": {
				const signatures = parseSignatures(body);
				const { outputs } = this.swap;
				const proofs = unblindAll(this.#ecash, keysets, outputs, signatures);
				return signed(proofs);
			}
			case "looking": {
				const { why } = state;
				const states = parseStates(body, inputs);
				if (states.every(({ kind }) => kind === "unspent"))
					return { kind: "over", outcome: { kind: "not-done", why } };
				if (states.some(({ kind }) => kind === "pending"))
					return this.#later(mintRefused(why));
				const { outputs, earlier: rest } = this.swap;
				this.#state = { kind: "restoring", why, states, outputs, rest };
				return { kind: "on" };
			}
			case "restoring": {
				const { why, states, rest } = state;
				const proofs = this.#restored(keysets, state.outputs, body);
				if (proofs !== undefined) {
					this.#state = { kind: "checking", why, states, proofs };
					return { kind: "on" };
				}
				const [outputs, ...others] = rest;
				if (outputs === undefined) return spent(states, []);
				this.#state = { ...state, outputs, rest: others };
				return { kind: "on" };
			}
			case "checking": {
				const { proofs, states } = state;
				const found = parseStates(body, pointsOf(this.#ecash, proofs));
				if (found.every(({ kind }) => kind !== "spent")) return signed(proofs);
				return spent(
					states,
					proofs.map((proof, at) => ({
						proof,
						state: found[at] as ProofState,
					})),
				);
			}
			default:
				return unreachable(state);
		}
	}

	/** A refusal of what only asks says nothing of the money. */
	#refused(status: number, body: Uint8Array): SwapStep {
		const why = parseMintError(body);
		const isPassing =
			status === 429 ||
			status >= 500 ||
			why.kind === "proofs-pending" ||
			why.kind === "outputs-pending";
		if (this.#state.kind !== "sending" || isPassing)
			return this.#later(mintRefused(why));
		this.#state = { kind: "looking", why };
		return { kind: "on" };
	}

	#later(error: TetradError): SwapStep {
		this.unanswered();
		return { kind: "later", error };
	}

	/**
	 * All of them, or nothing where that swap was not carried out: a mint signs all outputs of one or
	 * none. Those of which it has signed some, or for other amounts, it has signed for something else,
	 * which a purse that was put back asked for before: outputs without a lock are the same again
	 * then. Those with one are of one contract. Throws where some of these were signed, and not all.
	 */
	#restored(
		keysets: KnownKeysets,
		outputs: readonly Output[],
		body: Uint8Array,
	): readonly Proof[] | undefined {
		const restored = parseRestored(body);
		const isSame = (output: Output) =>
			restored.some(
				({ blinded, keyset, amount }) =>
					sameBytes(blinded, output.blinded) &&
					sameBytes(keyset, output.keyset) &&
					amount === output.amount,
			);
		const same = outputs.filter(isSame);
		if (same.length < outputs.length) {
			if (!same.some(isLocked)) return undefined;
			throw mintRefused({
				kind: "other",
				code: 0,
				detail: "it has signed a part of a request",
			});
		}
		return unblindRestored(
			this.#ecash,
			keysets,
			outputs,
			restored,
			"outputs",
		).filter((proof) => proof !== undefined);
	}
}

/** Whether a lock is on it: its secret is not random, but says what (NUT-10). */
export function isLocked({ secret }: Pick<Proof, "secret">): boolean {
	return secret.startsWith("[");
}

function isDone(status: number): boolean {
	return status >= 200 && status < 300;
}

function signed(proofs: readonly Proof[]): SwapStep {
	return { kind: "over", outcome: { kind: "signed", proofs } };
}

function spent(
	states: readonly ProofState[],
	restored: readonly RestoredProof[],
): SwapStep {
	return { kind: "over", outcome: { kind: "spent", states, restored } };
}
