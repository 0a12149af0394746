/*
 * NUT-05 with NUT-08 and NUT-23: how play money goes. The invoice of another quote of this mint is
 * paid by it; the invoice of another play mint counts as paid and reaches nobody.
 */
import { amountIn } from "./invoice.ts";
import { LARGEST_AMOUNT, sign } from "./keysets.ts";
import { QUOTE_SECONDS } from "./limits.ts";
import type { MintQuotes } from "./mint-quotes.ts";
import { Refusal } from "./refusal.ts";
import {
	fieldsIn,
	inputsIn,
	type Output,
	outputsIn,
	textOf,
} from "./requests.ts";
import {
	type Leniency,
	requireSignable,
	requireSpendable,
} from "./spending.ts";
import type { MintRows, Paying } from "./state.ts";
import { signatureAnswer, type Vault } from "./vault.ts";

type Quote = MintRows["meltQuotes"];

/** `payment`: whether what is melted counts as paid at once, or is pending until `settle`. */
export class MeltQuotes {
	readonly #vault: Vault;
	readonly #mintQuotes: MintQuotes;
	readonly #payment: "at-once" | "by-hand";

	constructor(
		vault: Vault,
		mintQuotes: MintQuotes,
		payment: "at-once" | "by-hand",
	) {
		this.#vault = vault;
		this.#mintQuotes = mintQuotes;
		this.#payment = payment;
	}

	/** `now` is in seconds since the epoch, here and below. */
	create(body: Uint8Array, now: number): object {
		const fields = fieldsIn(body);
		const unit = textOf(fields, "unit");
		const request = textOf(fields, "request");
		if (this.#vault.active(unit) === undefined)
			throw new Refusal("unit", "this mint has no such unit");
		const asked = amountIn(request);
		if (asked?.unit !== unit)
			throw new Refusal("payment", "play money pays only what play mints ask");
		const id = this.#vault.newId();
		this.#vault.state.put("meltQuotes", id, {
			request,
			unit,
			amount: String(asked.amount),
			// As if a payment could cost something; all of it comes back as change.
			feeReserve: String((asked.amount + 99n) / 100n),
			state: "UNPAID",
			expiry: now + QUOTE_SECONDS,
		});
		return this.check(id);
	}

	check(id: string): object {
		return this.#answer(id, this.#get(id));
	}

	melt(body: Uint8Array, now: number, leniency: Leniency): object {
		const fields = fieldsIn(body);
		const id = textOf(fields, "quote");
		const quote = this.#get(id);
		if (quote.state === "PAID")
			throw new Refusal("paid", "this was paid before");
		if (quote.state === "PENDING")
			throw new Refusal("quotePending", "this is being paid");
		if (now > quote.expiry) throw new Refusal("expired", "the quote is over");
		if (this.#mintQuotes.withInvoice(quote.request)?.isPaid)
			throw new Refusal("paid", "the invoice was paid before");
		const paying = this.#judge(id, quote, fields, now, leniency);
		this.#vault.setProofs(paying.proofs, "PENDING");
		this.#vault.state.put("meltQuotes", id, {
			...quote,
			state: "PENDING",
			paying,
		});
		if (this.#payment === "at-once") this.settle(id, true);
		return this.check(id);
	}

	/** Ends a payment that is pending. Throws `Refusal` when none is. */
	settle(id: string, isPaid: boolean): void {
		const { paying, ...quote } = this.#get(id);
		if (paying === undefined)
			throw new Refusal("request", "nothing is pending for this quote");
		const { state } = this.#vault;
		if (!isPaid) {
			for (const { Y } of paying.proofs) state.remove("proofs", Y);
			state.put("meltQuotes", id, { ...quote, state: "UNPAID" });
			return;
		}
		this.#vault.setProofs(paying.proofs, "SPENT");
		const own = this.#mintQuotes.withInvoice(quote.request);
		if (own !== undefined) this.#mintQuotes.pay(own.id);
		const tooMuch = BigInt(paying.amount) - BigInt(quote.amount);
		const change = changeFor(tooMuch, paying.outputs);
		this.#vault.sign(
			change,
			change.flatMap(({ id }) => this.#vault.keyset(id) ?? []),
		);
		state.put("meltQuotes", id, {
			...quote,
			state: "PAID",
			change: change.map(({ B_ }) => B_.toLowerCase()),
		});
	}

	#judge(
		id: string,
		quote: Quote,
		fields: ReturnType<typeof fieldsIn>,
		now: number,
		leniency: Leniency,
	): Paying {
		const { state } = this.#vault;
		const inputs = inputsIn(fields);
		const { outputs: given } = fields;
		const hasBlanks = Array.isArray(given) && given.length > 0;
		const outputs = hasBlanks ? outputsIn(fields) : [];
		const spending = { inputs, outputs, quote: id };
		const taken = requireSpendable(this.#vault, spending, now, leniency);
		if (taken.unit !== quote.unit)
			throw new Refusal("units", "the proofs are of another unit");
		if (taken.amount < BigInt(quote.amount) + BigInt(quote.feeReserve))
			throw new Refusal("balance", "the proofs do not suffice");
		const keysets = requireSignable(this.#vault, outputs, quote.unit);
		// How much comes back is known once it is paid, and what cannot be signed then is lost.
		for (const [at, keyset] of keysets.entries()) {
			const { B_ = "" } = outputs[at] ?? {};
			sign(this.#vault.primitives, keyset, { amount: 1n, B_ });
		}
		const pending = new Set(
			[...state.entries("meltQuotes")].flatMap(
				([, { paying }]) => paying?.outputs.map(({ B_ }) => B_) ?? [],
			),
		);
		if (outputs.some(({ B_ }) => pending.has(B_.toLowerCase())))
			throw new Refusal("outputPending", "an output waits for another payment");
		return {
			proofs: taken.proofs,
			amount: String(taken.amount),
			outputs: outputs.map(({ id, B_ }) => ({ id, B_: B_.toLowerCase() })),
		};
	}

	#get(id: string): Quote {
		const quote = this.#vault.state.get("meltQuotes", id);
		if (quote === undefined) throw new Refusal("request", "no such quote");
		return quote;
	}

	#answer(id: string, quote: Quote): object {
		const change = (quote.change ?? []).flatMap(
			(B_) => this.#vault.state.get("signatures", B_) ?? [],
		);
		return {
			quote: id,
			request: quote.request,
			amount: BigInt(quote.amount),
			unit: quote.unit,
			fee_reserve: BigInt(quote.feeReserve),
			state: quote.state,
			expiry: quote.expiry,
			payment_preimage:
				quote.state === "PAID" ? this.#vault.secretOf(`paid ${id}`) : null,
			...(change.length > 0 && { change: change.map(signatureAnswer) }),
		};
	}
}

/** NUT-08: the first blank outputs get the amounts; what they are too few for stays with the mint. */
function changeFor(tooMuch: bigint, blanks: Paying["outputs"]): Output[] {
	const amounts: bigint[] = [];
	for (let bit = 1n; bit < LARGEST_AMOUNT; bit *= 2n)
		if ((tooMuch & bit) !== 0n) amounts.push(bit);
	for (let rest = tooMuch; rest >= LARGEST_AMOUNT; rest -= LARGEST_AMOUNT)
		amounts.push(LARGEST_AMOUNT);
	const largest = blanks.length > 0 ? amounts.slice(-blanks.length) : [];
	return largest.flatMap((amount, at) => {
		const blank = blanks[at];
		return blank === undefined ? [] : { ...blank, amount };
	});
}
