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
 *    │  │                                              └─some spent─▶ (spent elsewhere)
 *    └──┴── no answer, busy, pending, or an answer that makes no sense: after a while
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
}

export type SwapOutcome =
	/** A proof of each output, in their order. Those that were restored may not show that the mint signed. */
	| { readonly kind: "signed"; readonly proofs: readonly Proof[] }
	/** The mint refused it, and says that its inputs are unspent. An earlier copy that is late may still be carried out. */
	| { readonly kind: "not-done"; readonly why: MintError }
	/** The mint refused it, inputs are spent, and what it has signed of the outputs is nothing, or spent: these are the states of the inputs, in their order. */
	| { readonly kind: "spent"; readonly states: readonly ProofState[] };

type State =
	| { readonly kind: "sending" }
	| { readonly kind: "looking"; readonly why: MintError }
	| ({ readonly kind: "restoring" } & Refused)
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
		const { request, inputs, outputs } = this.swap;
		switch (this.#state.kind) {
			case "sending":
				return request;
			case "looking":
				return stateRequest(inputs);
			case "restoring":
				return restoreRequest(outputs);
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
				this.#state = { kind: "restoring", why, states };
				return { kind: "on" };
			}
			case "restoring": {
				const { why, states } = state;
				const proofs = this.#restored(keysets, body);
				if (proofs === undefined)
					return { kind: "over", outcome: { kind: "spent", states } };
				this.#state = { kind: "checking", why, states, proofs };
				return { kind: "on" };
			}
			case "checking": {
				const { proofs, states } = state;
				const found = parseStates(body, pointsOf(this.#ecash, proofs));
				if (found.some(({ kind }) => kind === "spent"))
					return { kind: "over", outcome: { kind: "spent", states } };
				return signed(proofs);
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

	/** All of them, or nothing where none was signed. Throws where some were, which no mint does. */
	#restored(
		keysets: KnownKeysets,
		body: Uint8Array,
	): readonly Proof[] | undefined {
		const { outputs } = this.swap;
		const restored = parseRestored(body);
		if (restored.length === 0) return undefined;
		const proofs = unblindRestored(
			this.#ecash,
			keysets,
			outputs,
			restored,
			"outputs",
		);
		const found = proofs.filter((proof) => proof !== undefined);
		if (found.length < outputs.length)
			throw mintRefused({
				kind: "other",
				code: 0,
				detail: "it has signed a part of a request",
			});
		return found;
	}
}

function isDone(status: number): boolean {
	return status >= 200 && status < 300;
}

function signed(proofs: readonly Proof[]): SwapStep {
	return { kind: "over", outcome: { kind: "signed", proofs } };
}
