import { type CryptoProvider, HASH_BYTES } from "../../crypto/index.ts";
import {
	bytes,
	type Fields,
	type Structure,
	structure,
	text,
	time,
} from "../../wire/index.ts";
import { amount, currencyCode } from "./amount.ts";
import { CONTRACT_BYTES, DEVICE_ID } from "./limits.ts";
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

/** What a tag is made over. */
interface InvoiceInput extends Omit<PaymentTerms, "purpose"> {
	readonly label: string;
	readonly payBy: number;
}

const LABEL = "tetrad/1 invoice";

const FIELDS: Fields<InvoiceInput> = {
	label: text(LABEL.length, LABEL.length),
	payer: DEVICE_ID,
	payee: DEVICE_ID,
	issuer: DEVICE_ID,
	currency: currencyCode,
	amount,
	contract: bytes(CONTRACT_BYTES),
	binding: bytes(HASH_BYTES),
	parties: bytes(HASH_BYTES),
	payBy: time,
};

const OF_PAYMENT: Structure<InvoiceInput> = structure<InvoiceInput>(
	"an invoice",
	FIELDS,
);

/** What was agreed as a sale is paid as none else. */
const OF_SALE: Structure<InvoiceInput & { readonly purpose: string }> =
	structure("an invoice", { ...FIELDS, purpose: text(4, 4) });

function invoiceInput(terms: PaymentTerms, payBy: number): Uint8Array {
	const input = { ...terms, label: LABEL, payBy };
	return terms.purpose === "sale"
		? OF_SALE.encode(input)
		: OF_PAYMENT.encode(input);
}
