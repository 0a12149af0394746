/*
 * An invoice that the mint pays with ecash of the purse, whose owner has said how much that may cost:
 *
 *   (asked what it costs) ─▶ MELTING ─paid─▶ PAID
 *                             │   ▲ └─inputs are spent, and the mint says that it is not paid─▶ DECLINED
 *                             │   └─the inputs are spent: it was paid after all─┐
 *                             └─not paid, inputs unspent─▶ TAKING BACK ─────────┴─signed─▶ FAILED
 *
 * What was not paid is swapped into other proofs, so that a copy of the request that is late pays
 * nothing any more.
 */
import { TetradError, unreachable } from "../../../errors.ts";
import {
	blankCount,
	invoiceAmount,
	type MeltQuote,
	type MintError,
	makeBlankOutputs,
	meltQuoteRequest,
	meltQuoteStateRequest,
	meltRequest,
	mintRefused,
	parseMeltQuote,
	plainInputs,
	sumOf,
	whyNoProof,
} from "../../cashu/index.ts";
import type { EcashOrder } from "../../documents/index.ts";
import type { EcashOrderRow } from "../ecash-tables.ts";
import { type MeltingOutcome, MeltingRun } from "./melting-run.ts";
import { requireWithin } from "./method-limits.ts";
import type { MintRun } from "./mint-run.ts";
import type { Move, Next } from "./moves.ts";
import { declined, failed } from "./order-ends.ts";
import { followed, type OrderTools, orderRow, type Trade } from "./ordered.ts";
import { intoOwn } from "./own-outputs.ts";
import { Question } from "./question.ts";
import {
	encodeSwap,
	makeStored,
	parseSwap,
	type StoredSwap,
} from "./stored-swap.ts";
import { isNeverDone, type SwapOutcome, SwapRun } from "./swap-run.ts";

type MeltOrder = Extract<EcashOrder, { readonly kind: "melt" }>;

export class Melting implements Trade<MeltOrder, MeltQuote> {
	readonly #tools: OrderTools;

	constructor(tools: OrderTools) {
		this.#tools = tools;
	}

	quote({ mint, invoice }: MeltOrder): MintRun<MeltQuote | TetradError> {
		const { mints } = this.#tools;
		const unit = mints.of(mint)?.unit ?? "";
		const info = mints.info(mint);
		requireWithin(info?.melting, { unit, what: "pay" });
		if (info !== undefined && !info.nuts.has(8))
			throw new TetradError(
				"issuer-refused",
				"this mint does not say that it gives back what it does not need for fees (NUT-08), so no invoice is paid with its ecash",
			);
		return new Question(meltQuoteRequest(unit, invoice), parseMeltQuote);
	}

	begin(order: MeltOrder, quote: MeltQuote): Move {
		const { book, mints, parts } = this.#tools;
		const { mint, maxFee } = order;
		const { amount, feeReserve } = quote;
		if (quote.kind !== "unpaid")
			throw new TetradError(
				"issuer-refused",
				"the mint says that it has paid that invoice already, or is paying it; nothing was spent for it",
			);
		const { unit = "" } = mints.of(mint) ?? {};
		const asked = invoiceAmount(order.invoice, unit);
		// What a mint adds here would be no fee, of which the owner has said how much it may be.
		if (asked !== undefined && amount > asked) throw tooMuch(amount, asked);
		requireWithin(mints.info(mint)?.melting, { unit, amount, what: "pay" });
		const keyset = mints.active(mint);
		const keysets = mints.keysets(mint);
		if (keysets === undefined) throw new TetradError("internal", "no keysets");
		// Throws for a name by which it could not be asked about.
		meltQuoteStateRequest(quote.quote);
		if (feeReserve > maxFee) throw tooDear(amount, feeReserve, maxFee);
		const chosen = book.reserve(mint, keysets, amount + feeReserve);
		try {
			if (feeReserve + chosen.fee > maxFee)
				throw tooDear(amount, feeReserve + chosen.fee, maxFee);
			const blanks = this.#blanks(mint, keyset.id, feeReserve + chosen.change);
			const inputs = plainInputs(chosen.inputs);
			const request = meltRequest(quote.quote, inputs, blanks);
			const { crypto: ecash } = parts.options;
			const stored = makeStored(ecash, request, { inputs, outputs: blanks });
			return {
				kind: "move",
				to: orderRow(this.#tools, order, {
					...{ amount, quote: quote.quote, invoice: order.invoice },
					expires: BigInt(quote.expiry ?? 0),
					swap: encodeSwap(stored),
					...{ spends: sumOf(chosen.inputs), state: "melting" },
				}),
				gone: chosen.inputs,
				outputs: blanks,
				entry: { what: "melting", amount },
			};
		} catch (thrown) {
			book.release(chosen.inputs);
			throw thrown;
		}
	}

	run(row: EcashOrderRow, isFromStore: boolean): MintRun<Next> {
		const { crypto: ecash, seed } = this.#tools.parts.options;
		switch (row.state) {
			case "melting": {
				const stored = this.#storedOf(row);
				const run = new MeltingRun(ecash, row.quote, stored, isFromStore);
				return followed(run, (outcome) => this.#over(row, stored, outcome));
			}
			case "taking-back": {
				const swap = parseSwap(ecash, seed, row.back_swap);
				const run = new SwapRun(ecash, swap, isFromStore);
				return followed(run, (outcome) => this.#tookBack(row, swap, outcome));
			}
			default:
				throw new TetradError("internal", "an invoice is paid that is over");
		}
	}

	anew(row: EcashOrderRow): Move {
		if (row.state === "taking-back") return this.#takeBack(row, undefined);
		const { mints, parts } = this.#tools;
		const before = this.#storedOf(row);
		const { spends: inputs } = before;
		const { id } = mints.active(row.mint);
		const blanks = this.#blanks(row.mint, id, sumOf(inputs) - row.amount);
		const request = meltRequest(row.quote, inputs, blanks);
		const made = { inputs, outputs: blanks };
		const stored = makeStored(parts.options.crypto, request, made, before);
		return {
			kind: "move",
			to: { ...row, swap: encodeSwap(stored) },
			outputs: blanks,
		};
	}

	#over(row: EcashOrderRow, swap: StoredSwap, outcome: MeltingOutcome): Next {
		switch (outcome.kind) {
			case "paid": {
				const { change: got, preimage = "" } = outcome;
				const cost = row.spends - sumOf(got) - row.amount;
				const fee = cost > 0n ? cost : 0n;
				const { crypto } = this.#tools.parts.core.options.context;
				const wrong = whyNoProof(crypto, row.invoice, preimage);
				return {
					kind: "move",
					to: {
						...{ ...row, fee, preimage, state: "paid" },
						// Of what was said before, when it was to be taken back, nothing is true any more.
						...{ code: wrong?.code ?? "", reason: wrong?.message ?? "" },
					},
					got,
					entry: { what: "melted", amount: row.amount },
				};
			}
			case "not-done":
				return isNeverDone(outcome.why)
					? { ...outcome, swap }
					: this.#takeBack(row, outcome.why);
			case "forgotten":
				return { kind: "later", trouble: forgotten() };
			case "spent":
				return declined(row, swap, outcome.states);
			default:
				return unreachable(outcome);
		}
	}

	/** `why` it was not paid, for its owner; as it was said before unless given. */
	#takeBack(row: EcashOrderRow, why: MintError | undefined): Move {
		const { parts, mints, book } = this.#tools;
		const { crypto: ecash, seed } = parts.options;
		const { spends } = this.#storedOf(row);
		const before =
			row.back_swap.length === 0
				? undefined
				: parseSwap(ecash, seed, row.back_swap);
		const spent = { inputs: spends, proofs: spends, before };
		const swap = intoOwn(parts.options, mints, book, spent, row.mint);
		const error = why && mintRefused(why);
		return {
			kind: "move",
			to: {
				...row,
				...(error && { code: error.code, reason: error.message }),
				...{ state: "taking-back", back_swap: encodeSwap(swap) },
			},
			outputs: swap.outputs,
		};
	}

	#tookBack(row: EcashOrderRow, swap: StoredSwap, outcome: SwapOutcome): Next {
		switch (outcome.kind) {
			case "signed":
				return failed(row, outcome.proofs, outcome.left);
			case "not-done":
				return { ...outcome, swap };
			case "spent":
				// A copy of the request was late, and it was paid after all.
				return {
					kind: "move",
					to: { ...row, state: "melting" },
					isAfterAWhile: true,
				};
			default:
				return unreachable(outcome);
		}
	}

	#blanks(mint: Uint8Array, keyset: Uint8Array, mayReturn: bigint) {
		const { parts, book } = this.#tools;
		const { crypto: ecash, seed } = parts.options;
		const count = blankCount(mayReturn);
		const counter = book.take(mint, { id: keyset }, count);
		return makeBlankOutputs(ecash, { seed, keyset, counter }, mayReturn);
	}

	#storedOf({ swap, quote }: EcashOrderRow): StoredSwap {
		const { crypto, seed } = this.#tools.parts.options;
		return parseSwap(crypto, seed, swap, meltRequest(quote, [], []));
	}
}

function forgotten(): TetradError {
	return new TetradError(
		"payment-in-doubt",
		"the ecash that an invoice was to be paid with is spent, and the mint does not know the invoice any more: ask whoever is to be paid, before you pay again; the mint is asked again",
	);
}

function tooMuch(amount: bigint, asked: bigint): TetradError {
	return new TetradError(
		"issuer-refused",
		asked === 0n
			? "the invoice names no amount, so the mint may not say one; nothing was paid"
			: `the mint wants ${amount} for an invoice of ${asked}, beside its fees; nothing was paid`,
	);
}

function tooDear(amount: bigint, fee: bigint, maxFee: bigint): TetradError {
	return new TetradError(
		"payment-refused",
		`the mint may take ${fee} beside the ${amount} of the invoice, and this order allows ${maxFee}; nothing was paid`,
	);
}
