/*
 * New ecash, for an invoice that the mint makes and somebody pays:
 *
 *   (asked for an invoice) ─▶ UNPAID ─paid─▶ MINTING ─signed─▶ MINTED
 *                              └─unpaid for a day after its time, by a clock that went on for that day─▶ LAPSED
 *
 * The invoice is durable before its owner sees it, so that what was paid is always asked for.
 */
import { TetradError, unreachable } from "../../../errors.ts";
import {
	type MintQuote,
	makeOutputs,
	mintQuoteRequest,
	mintQuoteStateRequest,
	mintRequest,
	type Proof,
	parseMintQuote,
	splitAmount,
	sumOf,
} from "../../cashu/index.ts";
import type { EcashOrder } from "../../documents/index.ts";
import type { EcashOrderRow } from "../ecash-tables.ts";
import { seenAgain, type TimeSeenLimits } from "../time-seen.ts";
import { requireWithin } from "./method-limits.ts";
import type { MintRun } from "./mint-run.ts";
import { type MintingOutcome, MintingRun } from "./minting-run.ts";
import type { Move, Next } from "./moves.ts";
import { followed, type OrderTools, orderRow, type Trade } from "./ordered.ts";
import { Question } from "./question.ts";
import {
	encodeSwap,
	makeStored,
	parseSwap,
	type StoredSwap,
} from "./stored-swap.ts";

type MintOrder = Extract<EcashOrder, { readonly kind: "mint" }>;

/** An invoice may be on its way when its time is over: a day, in which it is asked about. */
const LAPSED_AFTER_MS = 86_400_000;

/** Of the time between two answers an hour counts at most: a clock that is set ahead, by days or by years, is no day gone by. */
const OVER: TimeSeenLimits = { againMs: 3_600_000, atOnceMs: 3_600_000 };

/** One without an end is waited for so long: a year. */
const WITHOUT_END_MS: number = 365 * LAPSED_AFTER_MS;

export class Minting implements Trade<MintOrder, MintQuote> {
	readonly #tools: OrderTools;

	constructor(tools: OrderTools) {
		this.#tools = tools;
	}

	quote({ mint, amount }: MintOrder): MintRun<MintQuote | TetradError> {
		const { mints } = this.#tools;
		const unit = mints.of(mint)?.unit ?? "";
		requireWithin(mints.info(mint)?.minting, { unit, amount, what: "make" });
		return new Question(mintQuoteRequest(unit, amount), parseMintQuote);
	}

	begin(order: MintOrder, quote: MintQuote): Move {
		const { amount } = order;
		if (quote.amount !== undefined && quote.amount !== amount)
			throw new TetradError(
				"issuer-refused",
				"the mint makes an invoice for another amount than it was asked for",
			);
		// Throws for a name by which it could not be asked about.
		mintQuoteStateRequest(quote.quote);
		return {
			kind: "move",
			to: orderRow(this.#tools, order, {
				...{ amount, state: "unpaid" },
				...{ quote: quote.quote, invoice: quote.invoice },
				expires: BigInt(quote.expiry ?? 0),
			}),
		};
	}

	run(row: EcashOrderRow, isFromStore: boolean): MintRun<Next> {
		switch (row.state) {
			case "unpaid": {
				const request = mintQuoteStateRequest(row.quote);
				return followed(new Question(request, parseMintQuote), (quote) =>
					quote instanceof TetradError
						? this.#unpaid(row)
						: this.#asked(row, quote),
				);
			}
			case "minting": {
				const { crypto } = this.#tools.parts.options;
				const stored = this.#storedOf(row);
				const run = new MintingRun(crypto, row.quote, stored, isFromStore);
				return followed(run, (outcome) => this.#minted(row, stored, outcome));
			}
			default:
				throw new TetradError(
					"internal",
					"an invoice is asked about that is over",
				);
		}
	}

	/** What is asked of the mint for the quote of a row, in outputs that were never shown. */
	anew(row: EcashOrderRow): Move {
		const { parts, mints, book } = this.#tools;
		const { crypto: ecash, seed } = parts.options;
		const before = row.swap.length === 0 ? undefined : this.#storedOf(row);
		const keyset = mints.active(row.mint);
		const amounts = splitAmount(keyset, row.amount);
		const counter = book.take(row.mint, keyset, amounts.length);
		const place = { seed, keyset: keyset.id, counter };
		const outputs = makeOutputs(ecash, place, amounts);
		const request = mintRequest(row.quote, outputs);
		const stored = makeStored(ecash, request, { inputs: [], outputs }, before);
		return {
			kind: "move",
			to: { ...row, state: "minting", swap: encodeSwap(stored) },
			outputs,
		};
	}

	#asked(row: EcashOrderRow, { kind }: MintQuote): Next {
		switch (kind) {
			case "unpaid":
				return this.#unpaid(row);
			case "paid":
			// In another life of this purse: the mint has what it signed then.
			case "issued":
				return this.anew(row);
			default:
				return unreachable(kind);
		}
	}

	#unpaid(row: EcashOrderRow): Next {
		const { now } = this.#tools.parts.core;
		const end =
			row.expires === 0n
				? Number(row.asked) + WITHOUT_END_MS
				: Number(row.expires) * 1000;
		if (now < end) return { kind: "later" };
		const before =
			row.over_heard === 0n
				? undefined
				: { heard: row.over_heard, seen: row.over_seen };
		const over = seenAgain(before, now, OVER);
		if (over === before) return { kind: "later" };
		const to = { ...row, over_heard: over.heard, over_seen: over.seen };
		return over.seen < LAPSED_AFTER_MS
			? { kind: "move", to, isUntold: true, isAfterAWhile: true }
			: { kind: "move", to: { ...to, state: "lapsed" } };
	}

	#minted(row: EcashOrderRow, swap: StoredSwap, outcome: MintingOutcome): Next {
		switch (outcome.kind) {
			case "signed":
				return minted(row, outcome.proofs);
			case "not-done":
				return { ...outcome, swap };
			case "issued":
				// It may have forgotten for a while what it signed; nobody else can have had it.
				return outcome.left.length > 0
					? minted(row, outcome.left)
					: { kind: "later", trouble: issuedElsewhere() };
			default:
				return unreachable(outcome);
		}
	}

	#storedOf({ swap, quote }: EcashOrderRow): StoredSwap {
		const { crypto, seed } = this.#tools.parts.options;
		return parseSwap(crypto, seed, swap, mintRequest(quote, []));
	}
}

function minted(row: EcashOrderRow, got: readonly Proof[]): Move {
	const amount = sumOf(got);
	return {
		kind: "move",
		to: { ...row, amount, state: "minted" },
		got,
		entry: { what: "minted", amount },
	};
}

function issuedElsewhere(): TetradError {
	return new TetradError(
		"payment-in-doubt",
		"the mint says that it has made the ecash of an invoice, and shows none that this purse asked for: it has forgotten what it signed, or another copy of this purse has had it, which a restore at that mint finds; it is asked again",
	);
}
