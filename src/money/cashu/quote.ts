/* Quotes: what a mint wants for new ecash, and for paying an invoice (NUT-04, NUT-05, NUT-23). */
import { malformed } from "../../wire/index.ts";
import { MAX_INVOICE_LENGTH, MAX_UNIT_LENGTH } from "../documents/index.ts";
import {
	array,
	asObject,
	integer,
	optionally,
	seconds,
	text,
} from "./fields.ts";
import { type JsonObject, parseJson } from "./json.ts";
import { MAX_OUTPUTS, MAX_PROOF_AMOUNT, MAX_QUOTE_LENGTH } from "./limits.ts";
import { type BlindSignature, readSignature } from "./signatures.ts";
import { requireSize } from "./size.ts";

/** An invoice that pays for new ecash. */
export interface MintQuote {
	/** Its name at the mint. Whoever knows it can have the ecash, so it is a secret. */
	readonly quote: string;
	/** The invoice, as bolt11 writes it. */
	readonly invoice: string;
	readonly kind: "unpaid" | "paid" | "issued";
	/** Where the mint says them. */
	readonly amount: bigint | undefined;
	readonly unit: string | undefined;
	/** Until when it can be paid, in seconds since 1970; `undefined` without an end. */
	readonly expiry: number | undefined;
}

/** An invoice that a mint would pay. */
export interface MeltQuote {
	readonly quote: string;
	/** What the invoice asks for, in the unit. */
	readonly amount: bigint;
	/** What may be needed on top; what is not needed comes back. */
	readonly feeReserve: bigint;
	readonly kind: "unpaid" | "pending" | "paid";
	readonly expiry: number | undefined;
	/** That the invoice was paid, as lightning proves it, where the mint tells it. */
	readonly preimage: string | undefined;
	/** Of the blank outputs, from the first. */
	readonly change: readonly BlindSignature[];
}

const MINT_KINDS = {
	UNPAID: "unpaid",
	PAID: "paid",
	ISSUED: "issued",
} as const;
const MELT_KINDS = {
	UNPAID: "unpaid",
	PENDING: "pending",
	PAID: "paid",
} as const;

/** Reads a quote for new ecash, and what became of it. Throws `malformed` and `limit-exceeded`. */
export function parseMintQuote(answer: Uint8Array): MintQuote {
	requireSize(answer);
	const of = asObject(parseJson(answer), "the answer");
	return {
		quote: text(of, "quote", MAX_QUOTE_LENGTH),
		invoice: text(of, "request", MAX_INVOICE_LENGTH),
		kind: kindOf(of, MINT_KINDS),
		amount: optionally(of, "amount", someAmount),
		unit: optionally(of, "unit", (one, name) =>
			text(one, name, MAX_UNIT_LENGTH),
		),
		expiry: expiryOf(of),
	};
}

/** Reads a quote for paying an invoice, what became of it, and the answer to paying it. Throws `malformed` and `limit-exceeded`. */
export function parseMeltQuote(answer: Uint8Array): MeltQuote {
	requireSize(answer);
	const of = asObject(parseJson(answer), "the answer");
	return {
		quote: text(of, "quote", MAX_QUOTE_LENGTH),
		amount: someAmount(of, "amount"),
		feeReserve: optionally(of, "fee_reserve", someAmount) ?? 0n,
		kind: kindOf(of, MELT_KINDS),
		expiry: expiryOf(of),
		preimage: optionally(of, "payment_preimage", (one, name) =>
			// Empty where a mint paid itself.
			one.get(name) === "" ? undefined : text(one, name, MAX_QUOTE_LENGTH),
		),
		change:
			optionally(of, "change", (one, name) =>
				array(one, name, MAX_OUTPUTS, readSignature),
			) ?? [],
	};
}

function kindOf<Kind extends string>(
	of: JsonObject,
	kinds: Readonly<Record<string, Kind>>,
): Kind {
	const state = text(of, "state", 16);
	const kind = Object.hasOwn(kinds, state) ? kinds[state] : undefined;
	if (kind === undefined)
		throw malformed("a quote is in a state that there is not");
	return kind;
}

/** Zero is none, as some mints write it. */
function expiryOf(of: JsonObject): number | undefined {
	return optionally(of, "expiry", seconds) || undefined;
}

function someAmount(of: JsonObject, name: string): bigint {
	return integer(of, name, MAX_PROOF_AMOUNT);
}
