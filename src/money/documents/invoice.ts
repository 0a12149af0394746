import { type CryptoProvider, HASH_BYTES } from "../../crypto/index.ts";
import { enc, utf8 } from "../../wire/index.ts";
import { amountBytes, timeBytes } from "./amount.ts";
import type { TransferBody } from "./transfer.ts";

/** What two modules agree on before one of them pays: a transfer but for its pieces. */
export type PaymentTerms = Omit<TransferBody, "pieces">;

/** A payee's word that it will take a transfer on these terms: made for its own eyes, and given back with the transfer. */
export interface Invoice {
	/** Until when the payer may commit; milliseconds since the epoch. */
	readonly payBy: number;
	/** 32 bytes; only the payee can make or check it. */
	readonly tag: Uint8Array;
}

/** What the key that makes invoices has in bytes. It never leaves the payee's module. */
export const INVOICE_KEY_BYTES: number = HASH_BYTES;

const LABEL = utf8("tetrad/1 invoice");

/**
 * The payee agreed in a tetrad that may be over when the transfer comes, and it keeps nothing
 * until then: its own tag tells it that it did.
 */
export function makeInvoice(
	crypto: CryptoProvider,
	key: Uint8Array,
	terms: PaymentTerms,
	payBy: number,
): Invoice {
	return { payBy, tag: crypto.hmac(key, invoiceInput(terms, payBy)) };
}

/** Whether the holder of `key` agreed to a transfer on these terms. */
export function isInvoiceFor(
	crypto: CryptoProvider,
	key: Uint8Array,
	terms: PaymentTerms,
	{ payBy, tag }: Invoice,
): boolean {
	return crypto.equal(crypto.hmac(key, invoiceInput(terms, payBy)), tag);
}

function invoiceInput(terms: PaymentTerms, payBy: number): Uint8Array {
	return enc(
		LABEL,
		terms.payer,
		terms.payee,
		terms.issuer,
		utf8(terms.currency),
		amountBytes(terms.amount),
		terms.contract,
		terms.binding,
		terms.parties,
		timeBytes(payBy),
	);
}
