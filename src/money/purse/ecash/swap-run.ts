/*
 * One request that spends proofs at a mint, from when it is durable until it is known what became
 * of it. An answer that is lost, or no answer, says nothing: the mint may have done it, or may do it
 * later. So the same bytes are sent again, and where the mint refuses them, it is asked what became
 * of the inputs (NUT-07), and, when they are spent, what it has signed (NUT-09):
 *
 *   sending ─signed─▶ (signed), or checking
 *    │  ▲ └─refused─▶ looking ─all unspent─▶ (not done)
 *    │  │              └─some spent─▶ restoring ─nothing signed─▶ (spent elsewhere)
 *    │  │                              └─all signed─▶ checking ─▶ (signed, and what of that is spent since)
 *    └──┴── no answer, busy, pending, or an answer that makes no sense: after a while
 *
 * A swap that was made again with other outputs has those of the ones before, too: a mint that says
 * that it has not done one of them, and never will, may be wrong, and of all of them it can do one.
 *
 * The last check is for a purse that was put back: it makes outputs again that it had made before,
 * and what the mint signed then may be spent. So may what a mint says once more of a request that is
 * from the store. What the mint answers is held against what it was asked, and a signature that does
 * not show that it is by the mint's key counts for nothing.
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
import type { MintRun, RunStep } from "./mint-run.ts";

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

export type SwapOutcome =
	/** A proof of each output, of this swap or of an earlier one, in their order. Those that were restored may not show that the mint signed. */
	| {
			readonly kind: "signed";
			readonly proofs: readonly Proof[];
			/** What of them is not spent: less than all in a purse that was put back, which has spent some of it since. */
			readonly left: readonly Proof[];
			/** Of the inputs, in their order, where the mint did not say so at once and was asked: what it has signed may have been for something else then. */
			readonly states?: readonly ProofState[];
	  }
	/** The mint refused it, and says that its inputs are unspent. An earlier copy that is late may still be carried out. */
	| { readonly kind: "not-done"; readonly why: MintError }
	/** The mint refused it, inputs are spent, and it has not signed the outputs: these are the states of the inputs, in their order. */
	| { readonly kind: "spent"; readonly states: readonly ProofState[] };

type State =
	| { readonly kind: "sending" }
	| { readonly kind: "looking"; readonly why: MintError }
	/** Some of its inputs are spent; `rest` are outputs of earlier swaps that are asked for after these. */
	| {
			readonly kind: "restoring";
			readonly states: readonly ProofState[];
			readonly outputs: readonly Output[];
			readonly rest: Swap["earlier"];
	  }
	/** `states` are those of the inputs, where it was refused. */
	| {
			readonly kind: "checking";
			readonly proofs: readonly Proof[];
			readonly states: readonly ProofState[] | undefined;
	  };

/** What follows from an answer. */
export type SwapStep = RunStep<SwapOutcome>;

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

export class SwapRun implements MintRun<SwapOutcome> {
	readonly swap: Swap;
	readonly #ecash: EcashCrypto;
	readonly #isFromStore: boolean;
	#state: State = { kind: "sending" };

	/** One that is `isFromStore` may have been carried out long ago, in a life that its purse has forgotten. */
	constructor(ecash: EcashCrypto, swap: Swap, isFromStore: boolean) {
		this.#ecash = ecash;
		this.swap = swap;
		this.#isFromStore = isFromStore;
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
				if (!this.#isFromStore) return signed(proofs, proofs);
				this.#state = { kind: "checking", proofs, states: undefined };
				return { kind: "on" };
			}
			case "looking": {
				const { why } = state;
				const states = parseStates(body, inputs);
				if (states.every(({ kind }) => kind === "unspent"))
					return { kind: "over", outcome: { kind: "not-done", why } };
				if (states.some(({ kind }) => kind === "pending"))
					return this.#later(mintRefused(why));
				const { outputs, earlier: rest } = this.swap;
				this.#state = { kind: "restoring", states, outputs, rest };
				return { kind: "on" };
			}
			case "restoring": {
				const { states, rest } = state;
				const { outputs: of } = state;
				const proofs = restoredProofs(this.#ecash, keysets, of, body);
				if (proofs !== undefined) {
					this.#state = { kind: "checking", states, proofs };
					return { kind: "on" };
				}
				const [outputs, ...others] = rest;
				if (outputs === undefined) return spent(states);
				this.#state = { ...state, outputs, rest: others };
				return { kind: "on" };
			}
			case "checking": {
				const { proofs, states } = state;
				const found = parseStates(body, pointsOf(this.#ecash, proofs));
				const left = proofs.filter((_, at) => found[at]?.kind !== "spent");
				return signed(proofs, left, states);
			}
			default:
				return unreachable(state);
		}
	}

	/** A refusal of what only asks says nothing of the money. */
	#refused(status: number, body: Uint8Array): SwapStep {
		const why = parseMintError(body);
		if (this.#state.kind !== "sending" || isPassing(status, why))
			return this.#later(mintRefused(why));
		this.#state = { kind: "looking", why };
		return { kind: "on" };
	}

	#later(error: TetradError): SwapStep {
		this.unanswered();
		return { kind: "later", error };
	}
}

/**
 * The proofs of all outputs of one request, or nothing where that was not carried out: a mint signs
 * all of them or none. Those of which it has signed some, or for other amounts, it has signed for
 * something else, which a purse that was put back asked for before: outputs without a lock are the
 * same again then. Those with one are of one contract. Throws where some of these were signed and
 * not all, or for other amounts, which says nothing of what became of the money.
 */
export function restoredProofs(
	ecash: EcashCrypto,
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
		const isSigned = ({ blinded }: Output) =>
			restored.some((one) => sameBytes(one.blinded, blinded));
		if (!outputs.some((output) => isLocked(output) && isSigned(output)))
			return undefined;
		throw mintRefused({
			kind: "other",
			code: 0,
			detail: "it has signed a part of a request, or other amounts",
		});
	}
	return unblindRestored(ecash, keysets, outputs, restored, "outputs").filter(
		(proof) => proof !== undefined,
	);
}

/** Whether a lock is on it: its secret is not random, but says what (NUT-10). */
export function isLocked({ secret }: Pick<Proof, "secret">): boolean {
	return secret.startsWith("[");
}

/** Whether a refusal says nothing of what becomes of a request later. */
export function isPassing(status: number, { kind }: MintError): boolean {
	return (
		status === 429 ||
		status >= 500 ||
		kind === "proofs-pending" ||
		kind === "outputs-pending" ||
		kind === "quote-pending"
	);
}

export function isDone(status: number): boolean {
	return status >= 200 && status < 300;
}

function signed(
	proofs: readonly Proof[],
	left: readonly Proof[],
	states?: readonly ProofState[],
): SwapStep {
	const of = states === undefined ? {} : { states };
	return { kind: "over", outcome: { kind: "signed", proofs, left, ...of } };
}

function spent(states: readonly ProofState[]): SwapStep {
	return { kind: "over", outcome: { kind: "spent", states } };
}
