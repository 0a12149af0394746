/*
 * New ecash for a quote that is paid, from when the request is durable until it is known what became
 * of it. As with a swap (swap-run.ts), no answer says nothing, and the same bytes are sent again:
 *
 *   sending ─signed─▶ (signed), or checking
 *    │  ▲ └─refused─▶ looking ─not issued─▶ (not done)
 *    │  │              └─issued─▶ restoring ─all signed─▶ checking ─▶ (signed, or spent since)
 *    │  │                              └─nothing signed─▶ (issued elsewhere)
 *    └──┴── no answer, busy, or an answer that makes no sense: after a while
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
	mintQuoteStateRequest,
	mintRefused,
	type Output,
	type Proof,
	parseMintError,
	parseMintQuote,
	parseSignatures,
	parseStates,
	pointsOf,
	restoreRequest,
	stateRequest,
	unblindAll,
} from "../../cashu/index.ts";
import type { MintAnswer } from "../ecash-part.ts";
import type { MintRun, RunStep } from "./mint-run.ts";
import type { StoredSwap } from "./stored-swap.ts";
import { isDone, isPassing, restoredProofs } from "./swap-run.ts";

export type MintingOutcome =
	/** Of each output. */
	| { readonly kind: "signed"; readonly proofs: readonly Proof[] }
	/** The mint refused it, and says that nothing was issued for the quote. An earlier copy that is late may still be carried out. */
	| { readonly kind: "not-done"; readonly why: MintError }
	/** The mint says that it was issued. `left` of it is not spent; nothing when none of it was signed for this purse. */
	| { readonly kind: "issued"; readonly left: readonly Proof[] };

type State =
	| { readonly kind: "sending" }
	| { readonly kind: "looking"; readonly why: MintError }
	/** `rest` are outputs of earlier requests for the same quote that are asked for after these. */
	| {
			readonly kind: "restoring";
			readonly why: MintError;
			readonly outputs: readonly Output[];
			readonly rest: StoredSwap["earlier"];
	  }
	| { readonly kind: "checking"; readonly proofs: readonly Proof[] };

export class MintingRun implements MintRun<MintingOutcome> {
	readonly #ecash: EcashCrypto;
	readonly #quote: string;
	readonly #stored: StoredSwap;
	readonly #isFromStore: boolean;
	#state: State = { kind: "sending" };

	/** `isFromStore` as with a swap. */
	constructor(
		ecash: EcashCrypto,
		quote: string,
		stored: StoredSwap,
		isFromStore: boolean,
	) {
		this.#isFromStore = isFromStore;
		this.#ecash = ecash;
		this.#quote = quote;
		this.#stored = stored;
	}

	get next(): MintRequest {
		switch (this.#state.kind) {
			case "sending":
				return this.#stored.request;
			case "looking":
				return mintQuoteStateRequest(this.#quote);
			case "restoring":
				return restoreRequest(this.#state.outputs);
			case "checking":
				return stateRequest(pointsOf(this.#ecash, this.#state.proofs));
			default:
				return unreachable(this.#state);
		}
	}

	unanswered(): void {
		this.#state = { kind: "sending" };
	}

	answered(keysets: KnownKeysets, answer: MintAnswer): RunStep<MintingOutcome> {
		try {
			return this.#answered(keysets, answer);
		} catch (thrown) {
			return this.#later(asTetradError(thrown));
		}
	}

	#answered(
		keysets: KnownKeysets,
		{ status, body }: MintAnswer,
	): RunStep<MintingOutcome> {
		const state = this.#state;
		if (!isDone(status)) {
			const why = parseMintError(body);
			if (state.kind !== "sending" || isPassing(status, why))
				return this.#later(mintRefused(why));
			this.#state = { kind: "looking", why };
			return { kind: "on" };
		}
		switch (state.kind) {
			case "sending": {
				const { outputs } = this.#stored;
				const signatures = parseSignatures(body);
				const proofs = unblindAll(this.#ecash, keysets, outputs, signatures);
				if (!this.#isFromStore)
					return { kind: "over", outcome: { kind: "signed", proofs } };
				this.#state = { kind: "checking", proofs };
				return { kind: "on" };
			}
			case "looking": {
				const { why } = state;
				if (parseMintQuote(body).kind !== "issued")
					return { kind: "over", outcome: { kind: "not-done", why } };
				const { outputs, earlier: rest } = this.#stored;
				this.#state = { kind: "restoring", why, outputs, rest };
				return { kind: "on" };
			}
			case "restoring": {
				const { outputs: of, rest } = state;
				const proofs = restoredProofs(this.#ecash, keysets, of, body);
				const [outputs, ...others] = rest;
				if (proofs !== undefined) this.#state = { kind: "checking", proofs };
				else if (outputs !== undefined)
					this.#state = { ...state, outputs, rest: others };
				else return { kind: "over", outcome: { kind: "issued", left: [] } };
				return { kind: "on" };
			}
			case "checking": {
				const { proofs } = state;
				const states = parseStates(body, pointsOf(this.#ecash, proofs));
				const left = proofs.filter((_, at) => states[at]?.kind !== "spent");
				return {
					kind: "over",
					outcome:
						left.length === proofs.length
							? { kind: "signed", proofs }
							: { kind: "issued", left },
				};
			}
			default:
				return unreachable(state);
		}
	}

	#later(error: TetradError): RunStep<MintingOutcome> {
		this.unanswered();
		return { kind: "later", error };
	}
}
