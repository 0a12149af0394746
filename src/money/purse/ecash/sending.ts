/*
 * A token for whoever its owner gives it to. It is the purse's own ecash in other proofs, so that
 * its mint does not see what becomes of which, and it may be taken back until somebody redeems it:
 *
 *   SWAPPING ─signed─▶ SENT ─all of it is spent─▶ REDEEMED
 *    │                  └─the owner takes it back─▶ TAKING BACK ─signed─▶ TAKEN BACK
 *    │                                               └─all spent─▶ REDEEMED; some: what is left is taken back
 *    │ └─too dear─▶ TAKING BACK, of what it was to be made of ─signed─▶ FAILED
 *    └─its inputs are spent─▶ DECLINED ◀─spent─┘
 *
 * Too dear is what brings less than the token by then, since its mint asks for more than it did.
 */
import { TetradError, unreachable } from "../../../errors.ts";
import {
	encodeProofs,
	inOrder,
	type Keyset,
	makeOutputs,
	type Proof,
	type ProofState,
	parseProofs,
	parseStates,
	plainInputs,
	pointsOf,
	splitAmount,
	stateRequest,
	sumOf,
} from "../../cashu/index.ts";
import type { EcashOrder } from "../../documents/index.ts";
import type { EcashOrderRow } from "../ecash-tables.ts";
import type { MintRun } from "./mint-run.ts";
import type { Move, Next } from "./moves.ts";
import { declined, failed } from "./order-ends.ts";
import { keptWhy } from "./order-refusals.ts";
import { followed, type OrderTools, orderRow, type Trade } from "./ordered.ts";
import { broughtBy, intoOwn } from "./own-outputs.ts";
import { Question } from "./question.ts";
import {
	encodeSwap,
	makeSwap,
	parseSwap,
	type StoredSwap,
} from "./stored-swap.ts";
import { type SwapOutcome, SwapRun } from "./swap-run.ts";

type SendOrder = Extract<EcashOrder, { readonly kind: "send" }>;

export class Sending implements Trade<SendOrder, undefined> {
	readonly #tools: OrderTools;

	constructor(tools: OrderTools) {
		this.#tools = tools;
	}

	quote(): undefined {
		return undefined;
	}

	begin(order: SendOrder): Move {
		const { book, mints } = this.#tools;
		const { mint, amount } = order;
		const keysets = mints.keysets(mint);
		const keyset = mints.active(mint);
		if (keysets === undefined) throw new TetradError("internal", "no keysets");
		const chosen = book.reserve(mint, keysets, amount);
		try {
			const outputs = this.#outputs(mint, keyset, amount, chosen.change);
			const inputs = plainInputs(chosen.inputs);
			const swap = makeSwap(this.#ecash, inputs, outputs);
			return {
				kind: "move",
				to: orderRow(this.#tools, order, {
					...{ amount, fee: chosen.fee, state: "swapping" },
					swap: encodeSwap(swap),
					spends: sumOf(chosen.inputs),
				}),
				gone: chosen.inputs,
				outputs,
				entry: { what: "sending", amount },
			};
		} catch (thrown) {
			book.release(chosen.inputs);
			throw thrown;
		}
	}

	run(row: EcashOrderRow, isFromStore: boolean): MintRun<Next> {
		switch (row.state) {
			case "swapping": {
				const swap = this.#swapOf(row.swap);
				const run = new SwapRun(this.#ecash, swap, isFromStore);
				return followed(run, (outcome) => this.#swapped(row, swap, outcome));
			}
			case "sent": {
				const ys = pointsOf(this.#ecash, parseProofs(row.token));
				const question = new Question(stateRequest(ys), (body) =>
					parseStates(body, ys),
				);
				return followed(question, (states) =>
					states instanceof TetradError
						? { kind: "later" }
						: this.#looked(row, states),
				);
			}
			case "taking-back": {
				const swap = this.#swapOf(row.back_swap);
				const run = new SwapRun(this.#ecash, swap, isFromStore);
				return followed(run, (outcome) => this.#tookBack(row, swap, outcome));
			}
			default:
				throw new TetradError(
					"internal",
					"a token is asked about that is over",
				);
		}
	}

	anew(row: EcashOrderRow): Move {
		if (row.state === "taking-back") return this.takeBack(row);
		const { mints } = this.#tools;
		const before = this.#swapOf(row.swap);
		const { spends } = before;
		const keyset = mints.active(row.mint);
		const brings = broughtBy(mints, row.mint, spends);
		if (brings < row.amount) return this.#notMade(row, before);
		const outputs = this.#outputs(
			row.mint,
			keyset,
			row.amount,
			brings - row.amount,
		);
		const swap = makeSwap(this.#ecash, spends, outputs, before);
		const fee = sumOf(spends) - brings;
		return {
			kind: "move",
			to: { ...row, fee, swap: encodeSwap(swap) },
			outputs,
		};
	}

	/** What it was to be made of goes into outputs of one's own. Where the mint has made it after all, that comes back. Throws where it cannot be made now. */
	#notMade(row: EcashOrderRow, before: StoredSwap): Move {
		const { parts, mints, book } = this.#tools;
		const { spends } = before;
		const spent = { inputs: spends, proofs: spends, before };
		const swap = intoOwn(parts.options, mints, book, spent, row.mint);
		return {
			kind: "move",
			to: {
				...{ ...row, ...keptWhy(tooDear()) },
				...{ state: "taking-back", back_swap: encodeSwap(swap) },
			},
			outputs: swap.outputs,
		};
	}

	/** What was sent goes into outputs of one's own, unless somebody is faster. Throws where that cannot be made now. */
	takeBack(row: EcashOrderRow, of?: readonly Proof[]): Move {
		const { options } = this.#tools.parts;
		const isAgain = row.back_swap.length > 0 && of === undefined;
		const before = isAgain ? this.#swapOf(row.back_swap) : undefined;
		const proofs = of ?? before?.spends ?? parseProofs(row.token);
		const { mints, book } = this.#tools;
		const spent = { inputs: plainInputs(proofs), proofs, before };
		const swap = intoOwn(options, mints, book, spent, row.mint);
		return {
			kind: "move",
			to: { ...row, state: "taking-back", back_swap: encodeSwap(swap) },
			outputs: swap.outputs,
		};
	}

	#swapped(row: EcashOrderRow, swap: StoredSwap, outcome: SwapOutcome): Next {
		switch (outcome.kind) {
			case "signed":
				return this.#sent(row, outcome);
			case "not-done":
				return { ...outcome, swap };
			case "spent":
				return declined(row, swap, outcome.states);
			default:
				return unreachable(outcome);
		}
	}

	/** Of the proofs those that make the amount are the token, whichever they are. */
	#sent(
		row: EcashOrderRow,
		{ proofs, left }: Extract<SwapOutcome, { readonly kind: "signed" }>,
	): Next {
		const rest = [...proofs];
		const token = this.#amounts(row, proofs).map((amount) => {
			const at = rest.findIndex((proof) => proof.amount === amount);
			const [proof] = rest.splice(at, 1);
			if (at === -1 || proof === undefined)
				throw new TetradError(
					"internal",
					"a token was not made as it was asked for",
				);
			return proof;
		});
		return {
			kind: "move",
			to: {
				...{ ...row, state: "sent", token: encodeProofs(token) },
				// Of the swap that the mint has carried out, which may be an earlier one.
				fee: row.spends - sumOf(proofs),
			},
			got: rest.filter((proof) => left.includes(proof)),
			entry: { what: "sent", amount: row.amount },
		};
	}

	#looked(row: EcashOrderRow, states: readonly ProofState[]): Next {
		return states.every(({ kind }) => kind === "spent")
			? redeemed(row)
			: { kind: "later" };
	}

	#tookBack(row: EcashOrderRow, swap: StoredSwap, outcome: SwapOutcome): Next {
		switch (outcome.kind) {
			case "signed":
				return isMade(row)
					? tookBack(row, outcome.proofs, outcome.left)
					: failed(row, outcome.proofs, outcome.left);
			case "not-done":
				return { ...outcome, swap };
			case "spent": {
				const { states } = outcome;
				if (!isMade(row)) return declined(row, swap, states);
				const left = swap.spends.filter(
					(_, at) => states[at]?.kind === "unspent",
				);
				if (left.length === 0) return redeemed(row);
				// What costs as much as it is worth is left to whoever has the token.
				return broughtBy(this.#tools.mints, row.mint, left) > 0n
					? this.takeBack(row, left)
					: tookBack(row, [], []);
			}
			default:
				return unreachable(outcome);
		}
	}

	#outputs(mint: Uint8Array, keyset: Keyset, amount: bigint, change: bigint) {
		const amounts = [
			...splitAmount(keyset, amount),
			...splitAmount(keyset, change),
		];
		const { seed } = this.#tools.parts.options;
		const counter = this.#tools.book.take(mint, keyset, amounts.length);
		const place = { seed, keyset: keyset.id, counter };
		return inOrder(makeOutputs(this.#ecash, place, amounts));
	}

	/** Those of its token, in the keyset that it was made in. */
	#amounts({ mint, amount }: EcashOrderRow, [first]: readonly Proof[]) {
		const keyset = first && this.#tools.mints.keysets(mint)?.get(first.keyset);
		if (keyset === undefined)
			throw new TetradError("busy", "the keyset of a token is not known");
		return splitAmount(keyset, amount);
	}

	#swapOf(encoded: Uint8Array): StoredSwap {
		const { crypto, seed } = this.#tools.parts.options;
		return parseSwap(crypto, seed, encoded);
	}

	get #ecash() {
		return this.#tools.parts.options.crypto;
	}
}

/** Whether its token was ever there. */
function isMade({ token }: EcashOrderRow): boolean {
	return token.length > 0;
}

function tooDear(): TetradError {
	return new TetradError(
		"insufficient-funds",
		"its mint asks for more than it did, so that the token cannot be made of what was there for it; its ecash comes back, less what the mint takes",
	);
}

function redeemed(row: EcashOrderRow): Move {
	return {
		kind: "move",
		to: { ...row, state: "redeemed" },
		entry: { what: "redeemed", amount: row.amount },
	};
}

/** `got` is what of these is not spent since. */
function tookBack(
	row: EcashOrderRow,
	back: readonly Proof[],
	got: readonly Proof[],
): Move {
	const returned = sumOf(back);
	return {
		kind: "move",
		to: { ...row, state: "taken-back", returned },
		got,
		entry: { what: "taken-back", amount: returned },
	};
}
