import {
	type CryptoProvider,
	HASH_BYTES,
	SIGNATURE_BYTES,
} from "../crypto/index.ts";
import { authenticationFailed, TetradError } from "../errors.ts";
import type { CertifiedDevice } from "../identity/index.ts";
import {
	copy,
	enc,
	malformed,
	sameBytes,
	signedBytes,
	structure,
} from "../wire/index.ts";
import {
	amountBytes,
	parseAmountBytes,
	parseTimeBytes,
	requireAmount,
	timeBytes,
} from "./amount.ts";
import { CONTRACT_BYTES, DEVICE_ID } from "./limits.ts";

/** A payee's module's word that it has taken a transfer and credited it once. */
export interface ReceiptBody {
	readonly contract: Uint8Array;
	/** Id of the transfer, 32 bytes. */
	readonly transfer: Uint8Array;
	/** Device id of the payee's module. */
	readonly payee: Uint8Array;
	readonly amount: bigint;
	/** By the payee's clock; milliseconds since the epoch. */
	readonly accepted: number;
}

const BODY = structure("a receipt", {
	contract: CONTRACT_BYTES,
	transfer: HASH_BYTES,
	payee: DEVICE_ID,
	amount: 8,
	accepted: 8,
});

const RECEIPT = structure("a signed receipt", {
	body: [1, BODY.maxBytes],
	signature: SIGNATURE_BYTES,
});

/** The largest receipt, in bytes. */
export const MAX_RECEIPT_BYTES: number = RECEIPT.maxBytes;

const minted: unique symbol = Symbol();

/** A receipt that the payee's module signed. Only `openReceipt` makes one. */
export class Receipt {
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
	return {
		toSign: signedBytes("RE", bytes),
		sign: (signature) => enc(bytes, signature),
	};
}

/** Reads a receipt (copied) that `payee` signed. Throws `malformed` and `authentication-failed`. */
export function openReceipt(
	crypto: CryptoProvider,
	document: Uint8Array,
	payee: Pick<CertifiedDevice, "deviceId" | "algorithm" | "publicKey">,
): Receipt {
	if (document.length > MAX_RECEIPT_BYTES)
		throw malformed("a receipt is too long");
	const own = copy(document);
	const { body, signature } = RECEIPT.decode(own);
	const fields = BODY.decode(body);
	const { algorithm, publicKey } = payee;
	if (
		!sameBytes(fields.payee, payee.deviceId) ||
		!crypto.verify(algorithm, publicKey, signedBytes("RE", body), signature)
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
