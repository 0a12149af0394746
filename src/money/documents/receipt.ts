import { type CryptoProvider, HASH_BYTES } from "../../crypto/index.ts";
import { authenticationFailed, TetradError } from "../../errors.ts";
import type { CertifiedDevice } from "../../identity/index.ts";
import { bytes, copy, sameBytes, structure } from "../../wire/index.ts";
import {
	amountBytes,
	parseAmountBytes,
	parseTimeBytes,
	requireAmount,
	timeBytes,
} from "./amount.ts";
import { CONTRACT_BYTES, DEVICE_ID } from "./limits.ts";
import { SignedDocument } from "./signed-document.ts";

/** A payee's module's word that it has taken a transfer and credited it once. */
export interface ReceiptBody {
	/** What was paid for, 32 bytes. */
	readonly contract: Uint8Array;
	/** Id of the transfer, 32 bytes. */
	readonly transfer: Uint8Array;
	/** Device id of the payee's module. */
	readonly payee: Uint8Array;
	/** In minor units. */
	readonly amount: bigint;
	/** By the payee's clock; milliseconds since the epoch. */
	readonly accepted: number;
}

const BODY = structure("a receipt", {
	contract: bytes(CONTRACT_BYTES),
	transfer: bytes(HASH_BYTES),
	payee: DEVICE_ID,
	amount: bytes(8),
	accepted: bytes(8),
});

const RECEIPT = new SignedDocument("a receipt", "RE", BODY.maxBytes);

/** The largest receipt, in bytes. */
export const MAX_RECEIPT_BYTES: number = RECEIPT.maxBytes;

const minted: unique symbol = Symbol();

/** A receipt that the payee's module signed. Only `openReceipt` makes one. */
export class Receipt {
	/** An object of the same form is none: only the check makes one. */
	declare protected readonly minted: true;
	readonly body: ReceiptBody;
	/** enc(body, signature). */
	readonly document: Uint8Array;

	constructor(proof: typeof minted, body: ReceiptBody, document: Uint8Array) {
		if (proof !== minted)
			throw new TetradError("internal", "only a check can make this value");
		this.body = body;
		this.document = document;
	}
}

/** The bytes that a payee signs, and how they become the receipt's document. Throws `invalid-argument`. */
export function draftReceipt(body: ReceiptBody): {
	readonly toSign: Uint8Array;
	readonly sign: (signature: Uint8Array) => Uint8Array;
} {
	const bytes = copy(
		BODY.encode({
			contract: body.contract,
			transfer: body.transfer,
			payee: body.payee,
			amount: amountBytes(requireAmount(body.amount)),
			accepted: timeBytes(body.accepted),
		}),
	);
	return RECEIPT.draft(bytes);
}

/**
 * Reads a receipt (copied) that `payee` signed. Throws `malformed` and `authentication-failed`.
 *
 * @example
 * ```ts
 * import { nodeCrypto } from "tetrad/crypto";
 * import { openReceipt } from "tetrad/money";
 *
 * const { receipt } = await payments.pay(payment);
 * const { body } = openReceipt(nodeCrypto, receipt, tetrad.parties.Y);
 * console.log(body.amount, new Date(body.accepted));
 * ```
 */
export function openReceipt(
	crypto: CryptoProvider,
	document: Uint8Array,
	payee: Pick<CertifiedDevice, "deviceId" | "algorithm" | "publicKey">,
): Receipt {
	const { document: own, body } = RECEIPT.read(document);
	const fields = BODY.decode(body);
	if (
		!sameBytes(fields.payee, payee.deviceId) ||
		!RECEIPT.isSigned(crypto, own, payee)
	)
		throw authenticationFailed();
	return new Receipt(
		minted,
		{
			contract: fields.contract,
			transfer: fields.transfer,
			payee: fields.payee,
			amount: parseAmountBytes(fields.amount),
			accepted: parseTimeBytes(fields.accepted),
		},
		own,
	);
}
