import { copy, parseUtf8, sameBytes } from "../../wire/index.ts";
import { parseAmountBytes } from "../documents/index.ts";

/** What is to be paid, as agent and payer name it. */
export interface ExpectedPayment {
	readonly contract: Uint8Array;
	readonly issuer: Uint8Array;
	readonly currency: string;
	readonly amount: bigint;
}

export function parseExpected(
	fields: Readonly<
		Record<"contract" | "issuer" | "currency" | "amount", Uint8Array>
	>,
): ExpectedPayment {
	return {
		contract: copy(fields.contract),
		issuer: copy(fields.issuer),
		currency: parseUtf8(fields.currency),
		amount: parseAmountBytes(fields.amount),
	};
}

export function sameExpected(a: ExpectedPayment, b: ExpectedPayment): boolean {
	return (
		a.amount === b.amount &&
		a.currency === b.currency &&
		sameBytes(a.contract, b.contract) &&
		sameBytes(a.issuer, b.issuer)
	);
}
