import { copy, sameBytes } from "../../wire/index.ts";

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

/** A payment of its own, of what a message that names one has. */
export function copyPayment({
	contract,
	issuer,
	currency,
	amount,
}: Payment): Payment {
	return { contract: copy(contract), issuer: copy(issuer), currency, amount };
}

export function samePayment(a: Payment, b: Payment): boolean {
	return (
		a.amount === b.amount &&
		a.currency === b.currency &&
		sameBytes(a.contract, b.contract) &&
		sameBytes(a.issuer, b.issuer)
	);
}
