import type { CryptoProvider } from "../../crypto/index.ts";
import { enc, formOf, hex, u32, utf8 } from "../../wire/index.ts";

/*
 * A refund is a payment of its own, the other way: it is for a contract that follows from the sale
 * and a number, so that asked for again it is the same, and its text names both, so that whoever
 * gets it knows what it is.
 */

const REFUND: Uint8Array = utf8("tetrad/1 refund");

/** Which refund it is. */
export interface RefundOf {
	/** The hash of the sale's contract, 32 bytes. */
	readonly contract: Uint8Array;
	/** From 1. */
	readonly number: number;
}

/** What the payment of a refund is for, 32 bytes. */
export function refundContract(
	crypto: CryptoProvider,
	{ contract, number }: RefundOf,
): Uint8Array {
	return crypto.sha256(enc(REFUND, contract, formOf(u32, number)));
}

/** What its payer says that it is for. */
export function refundText({ contract, number }: RefundOf): string {
	return `refund ${number} of ${hex(contract)}`;
}

const TEXT = /^refund ([1-9][0-9]{0,8}) of ([0-9a-f]{64})$/;

/** What a text says of a refund, if it is about one. That it is, shows its payment's contract. */
export function parseRefundText(
	text: string,
): { readonly number: number; readonly contract: string } | undefined {
	const [, number, contract] = TEXT.exec(text) ?? [];
	return number === undefined || contract === undefined
		? undefined
		: { number: Number(number), contract };
}
