import { copy, parseUtf8, sameBytes, utf8 } from "../../wire/index.ts";
import { amountBytes, parseAmountBytes } from "./amount.ts";

/** One payment: which money, how much of it, and for what. */
export interface Payment {
	/** What it pays for, 32 bytes. There is one payment for a contract, however often it is asked for. */
	readonly contract: Uint8Array;
	/** Device id of the issuer. */
	readonly issuer: Uint8Array;
	/** Its currency's code. */
	readonly currency: string;
	/** In minor units. */
	readonly amount: bigint;
}

type PaymentFields = Readonly<
	Record<"contract" | "issuer" | "currency" | "amount", Uint8Array>
>;

/** A payment as the fields of the messages that name one. Throws `invalid-argument` for an amount that is none. */
export function paymentFields({
	contract,
	issuer,
	currency,
	amount,
}: Payment): PaymentFields {
	return {
		contract,
		issuer,
		currency: utf8(currency),
		amount: amountBytes(amount),
	};
}

/** Copied. Throws `malformed`. */
export function parsePayment(fields: PaymentFields): Payment {
	return {
		contract: copy(fields.contract),
		issuer: copy(fields.issuer),
		currency: parseUtf8(fields.currency),
		amount: parseAmountBytes(fields.amount),
	};
}

export function samePayment(a: Payment, b: Payment): boolean {
	return (
		a.amount === b.amount &&
		a.currency === b.currency &&
		sameBytes(a.contract, b.contract) &&
		sameBytes(a.issuer, b.issuer)
	);
}
