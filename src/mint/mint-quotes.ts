/* NUT-04 with NUT-23: how play money comes to be. */
import { amountIn, invoiceFor } from "./invoice.ts";
import { MAX_QUOTE, QUOTE_SECONDS } from "./limits.ts";
import { Refusal } from "./refusal.ts";
import { amountOf, fieldsIn, outputsIn, textOf } from "./requests.ts";
import { requireSignable, sumOf } from "./spending.ts";
import type { MintRows } from "./state.ts";
import type { Vault } from "./vault.ts";

type Quote = MintRows["mintQuotes"];

/** `payment`: whether an invoice counts as paid once somebody asks about it, or only by `pay`. */
export class MintQuotes {
	readonly #vault: Vault;
	readonly #payment: "when-asked" | "by-hand";

	constructor(vault: Vault, payment: "when-asked" | "by-hand") {
		this.#vault = vault;
		this.#payment = payment;
	}

	/** `now` is in seconds since the epoch, here and below. */
	create(body: Uint8Array, now: number): object {
		const fields = fieldsIn(body);
		const unit = textOf(fields, "unit");
		const amount = amountOf(fields, "amount");
		if (this.#vault.active(unit) === undefined)
			throw new Refusal("unit", "this mint has no such unit");
		if (amount === 0n || amount > MAX_QUOTE)
			throw new Refusal("amount", "a quote is for one unit at least");
		const id = this.#vault.newId();
		const mark = this.#vault.secretOf(`invoice ${id}`);
		return this.#put(id, {
			request: invoiceFor(amount, unit, mark),
			unit,
			amount: String(amount),
			state: "UNPAID",
			expiry: now + QUOTE_SECONDS,
		});
	}

	check(id: string, now: number): object {
		return answerOf(id, this.#asked(id, now));
	}

	issue(body: Uint8Array, now: number): object {
		const fields = fieldsIn(body);
		const id = textOf(fields, "quote");
		const outputs = outputsIn(fields);
		const quote = this.#asked(id, now);
		if (quote.state === "ISSUED")
			throw new Refusal("issued", "this was issued before");
		if (quote.state === "UNPAID")
			throw new Refusal("unpaid", "the invoice is not paid");
		const keysets = requireSignable(this.#vault, outputs, quote.unit);
		if (sumOf(outputs) !== BigInt(quote.amount))
			throw new Refusal("balance", "the outputs are not what was paid for");
		const signatures = this.#vault.sign(outputs, keysets);
		this.#put(id, { ...quote, state: "ISSUED" });
		return { signatures };
	}

	/** The invoice of a quote is paid from now on, if it was not. */
	pay(id: string): void {
		const quote = this.#get(id);
		if (quote.state === "UNPAID") this.#put(id, { ...quote, state: "PAID" });
	}

	/** The quote that an invoice is for, if it is one of this mint. */
	withInvoice(request: string): { id: string; isPaid: boolean } | undefined {
		if (amountIn(request) === undefined) return undefined;
		for (const [id, quote] of this.#vault.state.entries("mintQuotes"))
			if (quote.request === request)
				return { id, isPaid: quote.state !== "UNPAID" };
		return undefined;
	}

	#asked(id: string, now: number): Quote {
		const quote = this.#get(id);
		if (this.#payment === "when-asked" && now <= quote.expiry) this.pay(id);
		return this.#get(id);
	}

	#get(id: string): Quote {
		const quote = this.#vault.state.get("mintQuotes", id);
		if (quote === undefined) throw new Refusal("request", "no such quote");
		return quote;
	}

	#put(id: string, quote: Quote): object {
		this.#vault.state.put("mintQuotes", id, quote);
		return answerOf(id, quote);
	}
}

function answerOf(id: string, { amount, ...rest }: Quote): object {
	return { quote: id, amount: BigInt(amount), ...rest };
}
