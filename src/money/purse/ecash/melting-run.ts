/*
 * An invoice that a mint pays with ecash, from when the request is durable until it is known what
 * became of it. No answer says nothing, and the same bytes are sent again; what the mint refuses is
 * asked about, first the quote, and where that is not paid, the inputs:
 *
 *   sending ─paid─▶ restoring ─▶ checking ─▶ (paid)
 *    │  ▲ └─refused, not paid─▶ looking ─paid, or not─▶ states ─all unspent─▶ (not done)
 *    │  │                                                │ └─some spent, paid─▶ restoring
 *    │  │                                                └─some spent─▶ looking once more ─▶ (spent elsewhere), (forgotten), or paid
 *    └──┴── no answer, busy, pending, or an answer that makes no sense: after a while
 *
 * A quote may be paid with other ecash, as by another order for the same invoice at a mint that has
 * one quote for each: then all of the inputs are unspent.
 *
 * What comes back of the inputs is asked for (NUT-09) beside what the answer says of it, so that an
 * answer that is lost, or has not all of it, loses nothing. What is only restored may be spent where
 * the purse was put back, which is asked as well.
 */
import { asTetradError, TetradError, unreachable } from "../../../errors.ts";
import {
	type EcashCrypto,
	type KnownKeysets,
	type MeltQuote,
	type MintError,
	type MintRequest,
	meltQuoteStateRequest,
	mintRefused,
	type Output,
	type Proof,
	type ProofState,
	parseMeltQuote,
	parseMintError,
	parseRestored,
	parseStates,
	pointsOf,
	restoreRequest,
	stateRequest,
	unblindChange,
	unblindRestored,
} from "../../cashu/index.ts";
import { checked } from "../checked.ts";
import type { MintAnswer } from "../ecash-part.ts";
import type { MintRun, RunStep } from "./mint-run.ts";
import type { StoredSwap } from "./stored-swap.ts";
import { isDone, isPassing } from "./swap-run.ts";

export type MeltingOutcome =
	/** The mint says that it has paid; `change` is what it gives back. */
	| {
			readonly kind: "paid";
			readonly change: readonly Proof[];
			readonly preimage: string | undefined;
	  }
	/** The mint did not pay with these inputs, and says that all of them are unspent. An earlier copy that is late may still be carried out. */
	| { readonly kind: "not-done"; readonly why: MintError }
	/** The mint did not pay, and inputs are spent: these are the states of them, in their order. */
	| { readonly kind: "spent"; readonly states: readonly ProofState[] }
	/** Inputs are spent, and the mint does not say whether it paid with them: it knows the quote no more. */
	| { readonly kind: "forgotten" };

type State =
	| { readonly kind: "sending" }
	/** `states` are those of the inputs, of which some were spent: the mint may have paid meanwhile. */
	| {
			readonly kind: "looking";
			readonly why: MintError;
			readonly states?: readonly ProofState[];
	  }
	/** `paid` is what the mint has said of the quote where that was paid, with whatever. */
	| {
			readonly kind: "states";
			readonly why: MintError;
			readonly paid?: MeltQuote;
	  }
	| ({
			readonly kind: "restoring";
			readonly blanks: readonly Output[];
			readonly rest: StoredSwap["earlier"];
	  } & Paid)
	| ({ readonly kind: "checking"; readonly found: readonly Proof[] } & Paid);

interface Paid {
	readonly preimage: string | undefined;
	/** What the answer to the request has of it: nobody can have spent that. */
	readonly told: readonly Proof[];
	/** As the quote has it later. */
	readonly said: readonly Proof[];
}

export class MeltingRun implements MintRun<MeltingOutcome> {
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
				return meltQuoteStateRequest(this.#quote);
			case "states":
				return stateRequest(this.#stored.inputs);
			case "restoring":
				return restoreRequest(this.#state.blanks);
			case "checking":
				return stateRequest(pointsOf(this.#ecash, this.#state.found));
			default:
				return unreachable(this.#state);
		}
	}

	unanswered(): void {
		this.#state = { kind: "sending" };
	}

	answered(keysets: KnownKeysets, answer: MintAnswer): RunStep<MeltingOutcome> {
		try {
			return this.#answered(keysets, answer);
		} catch (thrown) {
			return this.#later(asTetradError(thrown));
		}
	}

	#answered(
		keysets: KnownKeysets,
		{ status, body }: MintAnswer,
	): RunStep<MeltingOutcome> {
		const state = this.#state;
		if (!isDone(status)) return this.#refused(status, parseMintError(body));
		switch (state.kind) {
			case "sending":
				return this.#quoted(keysets, parseMeltQuote(body), {
					why: FAILED,
					states: undefined,
				});
			case "looking":
				return this.#quoted(keysets, parseMeltQuote(body), state);
			case "states": {
				const { why, paid } = state;
				const states = parseStates(body, this.#stored.inputs);
				if (states.every(({ kind }) => kind === "unspent"))
					return over({ kind: "not-done", why });
				if (states.some(({ kind }) => kind === "pending"))
					return this.#later(mintRefused(why));
				if (paid !== undefined) return this.#paid(keysets, paid);
				this.#state = { kind: "looking", why, states };
				return { kind: "on" };
			}
			case "restoring":
				return this.#restored(keysets, state, body);
			case "checking": {
				const { found, told, preimage } = state;
				const states = parseStates(body, pointsOf(this.#ecash, found));
				if (states.some(({ kind }) => kind === "pending"))
					return this.#later(
						new TetradError("busy", "the mint has not let the change go yet"),
					);
				const isTold = ({ secret }: Proof) =>
					told.some((one) => one.secret === secret);
				const more = found.filter(
					(proof, at) => states[at]?.kind === "unspent" && !isTold(proof),
				);
				return over({ kind: "paid", change: [...told, ...more], preimage });
			}
			default:
				return unreachable(state);
		}
	}

	/** What the mint says of the quote; `before` is why it is asked. */
	#quoted(
		keysets: KnownKeysets,
		quote: MeltQuote,
		before: {
			readonly why: MintError;
			readonly states?: readonly ProofState[] | undefined;
		},
	): RunStep<MeltingOutcome> {
		const { why, states } = before;
		switch (quote.kind) {
			case "pending":
				// It is asked what became of that, and not to pay once more.
				this.#state = { kind: "looking", why };
				return {
					kind: "later",
					error: new TetradError("busy", "the mint is still paying"),
				};
			case "unpaid":
				if (states !== undefined) return over({ kind: "spent", states });
				this.#state = { kind: "states", why };
				return { kind: "on" };
			case "paid":
				// Its answer to the request itself is about these inputs.
				if (this.#state.kind === "sending" || states !== undefined)
					return this.#paid(keysets, quote);
				this.#state = { kind: "states", why, paid: quote };
				return { kind: "on" };
			default:
				return unreachable(quote.kind);
		}
	}

	#paid(
		keysets: KnownKeysets,
		{ change, preimage }: MeltQuote,
	): RunStep<MeltingOutcome> {
		const { outputs: blanks, earlier: rest } = this.#stored;
		if (blanks.length === 0)
			return over({ kind: "paid", change: [], preimage });
		const read = checked(() =>
			unblindChange(this.#ecash, keysets, blanks, change),
		);
		// What it does not show to have signed is asked for; so is what it says later, which may be spent by then.
		const proofs = read.kind === "ok" ? read.value : [];
		const isFirst = this.#state.kind === "sending" && !this.#isFromStore;
		const [told, said] = isFirst ? [proofs, []] : [[], proofs];
		const paid = { told, said, preimage };
		this.#state = { kind: "restoring", blanks, rest, ...paid };
		return { kind: "on" };
	}

	#restored(
		keysets: KnownKeysets,
		state: Extract<State, { readonly kind: "restoring" }>,
		body: Uint8Array,
	): RunStep<MeltingOutcome> {
		const { blanks: of, rest, told, said, preimage } = state;
		const restored = unblindRestored(
			this.#ecash,
			keysets,
			of,
			parseRestored(body),
			"blanks",
		).filter((proof) => proof !== undefined);
		const isNew = ({ secret }: Proof) =>
			!restored.some((one) => one.secret === secret);
		const found = [...restored, ...said.filter(isNew)];
		const [blanks, ...others] = rest;
		if (found.length > 0)
			this.#state = { kind: "checking", found, told, said, preimage };
		else if (told.length === 0 && blanks !== undefined)
			this.#state = { ...state, blanks, rest: others };
		else return over({ kind: "paid", change: told, preimage });
		return { kind: "on" };
	}

	/** A mint that knows the quote no more has not said what became of the inputs. */
	#refused(status: number, why: MintError): RunStep<MeltingOutcome> {
		const state = this.#state;
		if (isPassing(status, why)) return this.#later(mintRefused(why));
		switch (state.kind) {
			case "sending":
				this.#state = { kind: "looking", why };
				return { kind: "on" };
			case "looking":
				if (state.states !== undefined) return over({ kind: "forgotten" });
				this.#state = { kind: "states", why: state.why };
				return { kind: "on" };
			default:
				return this.#later(mintRefused(why));
		}
	}

	#later(error: TetradError): RunStep<MeltingOutcome> {
		this.unanswered();
		return { kind: "later", error };
	}
}

/** It answers that it has not paid. */
const FAILED: MintError = {
	kind: "payment-failed",
	code: 20004,
	detail: "the invoice could not be paid",
};

function over(outcome: MeltingOutcome): RunStep<MeltingOutcome> {
	return { kind: "over", outcome };
}
