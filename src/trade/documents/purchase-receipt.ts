import { type CryptoProvider, HASH_BYTES } from "../../crypto/index.ts";
import { TetradError } from "../../errors.ts";
import {
	type CertifiedDevice,
	type DeviceRole,
	MAX_CHAIN_BYTES,
} from "../../identity/index.ts";
import {
	MAX_RECEIPT_BYTES,
	openReceiptUnderChain,
} from "../../money/documents/index.ts";
import {
	bytes,
	copy,
	malformed,
	type Structure,
	sameBytes,
	structure,
	utf8,
} from "../../wire/index.ts";
import { type Contract, parseContract, verifyContract } from "./contract.ts";
import {
	type ItemDescription,
	itemHash,
	MAX_DESCRIPTION_BYTES,
	parseItemDescription,
} from "./item.ts";
import { MAX_CONTRACT_BYTES } from "./limits.ts";

/*
 * The receipt of a purchase, as its buyer shows it to whom it likes: what the merchant's agent
 * signed, what its module signed for the money, and what item that was. It opens no merchandise.
 */

/** Before each field stands its length. */
const LENGTH_BYTES = 4;

const LABEL: Uint8Array = utf8("tetrad/1 purchase receipt");

/** What the receipt of a purchase is made of. */
export interface PurchaseReceipt {
	/** The contract's document, and the encoded chain under which the merchant's agent signed it. */
	readonly contract: Uint8Array;
	readonly contractChain: Uint8Array;
	/** The receipt of the merchant's module, and the encoded chain under which it signed that. */
	readonly receipt: Uint8Array;
	readonly receiptChain: Uint8Array;
	/** What the item's description is hashed with, 32 bytes, and the description, encoded. */
	readonly salt: Uint8Array;
	readonly description: Uint8Array;
}

interface Labelled extends PurchaseReceipt {
	readonly label: Uint8Array;
}

const RECEIPT: Structure<Labelled> = structure<Labelled>(
	"the receipt of a purchase",
	{
		label: bytes(LABEL.length),
		contract: bytes(1, MAX_CONTRACT_BYTES),
		contractChain: bytes(1, MAX_CHAIN_BYTES),
		receipt: bytes(1, MAX_RECEIPT_BYTES),
		receiptChain: bytes(1, MAX_CHAIN_BYTES),
		salt: bytes(HASH_BYTES),
		description: bytes(1, MAX_DESCRIPTION_BYTES),
	},
);

/** The largest receipt of a purchase, in bytes. */
export const MAX_PURCHASE_RECEIPT_BYTES: number = RECEIPT.maxBytes;

const minted: unique symbol = Symbol();

/** Who sold what to whom for how much, proved. Only `openPurchaseReceipt` makes one. */
export class ProvedPurchase {
	/** An object of the same form is none: only the check makes one. */
	declare protected readonly minted: true;
	/** Signed by the merchant's agent. */
	readonly contract: Contract;
	/** In the merchant's words. */
	readonly item: ItemDescription;
	/** When the merchant's module took the money, by its clock; milliseconds since the epoch. */
	readonly accepted: number;

	constructor(
		proof: typeof minted,
		contract: Contract,
		item: ItemDescription,
		accepted: number,
	) {
		if (proof !== minted)
			throw new TetradError("internal", "only a check can make this value");
		this.contract = contract;
		this.item = item;
		this.accepted = accepted;
	}
}

/** A file for whoever wants to look. Throws `invalid-argument`. */
export function encodePurchaseReceipt(receipt: PurchaseReceipt): Uint8Array {
	return copy(RECEIPT.encode({ ...receipt, label: LABEL }));
}

/** Whether a file begins as the receipt of a purchase does. */
export function isPurchaseReceipt(file: Uint8Array): boolean {
	return sameBytes(
		file.subarray(LENGTH_BYTES, LENGTH_BYTES + LABEL.length),
		LABEL,
	);
}

/**
 * Judges the receipt of a purchase (copied) by itself. `certified` judges the chain of an agent or
 * of a module as of the time at which it signed.
 *
 * Throws `malformed`, what `certified`, `verifyContract` and `openReceiptUnderChain` throw, and
 * `authentication-failed` when its parts are not about one purchase.
 */
export function openPurchaseReceipt(
	crypto: CryptoProvider,
	file: Uint8Array,
	certified: (
		encodedChain: Uint8Array,
		role: DeviceRole,
		at: number,
	) => CertifiedDevice,
): ProvedPurchase {
	if (file.length > MAX_PURCHASE_RECEIPT_BYTES)
		throw malformed("the receipt of a purchase is too long");
	const parts = RECEIPT.decode(copy(file));
	if (!sameBytes(parts.label, LABEL))
		throw malformed("this is no receipt of a purchase");
	const contract = parseContract(crypto, parts.contract);
	verifyContract(
		crypto,
		contract,
		certified(parts.contractChain, "agent", contract.made),
	);
	const { value: receipt } = openReceiptUnderChain(
		crypto,
		parts.receipt,
		parts.receiptChain,
		(chain, at) => certified(chain, "module", at),
	);
	if (
		!sameBytes(receipt.contract, contract.hash) ||
		!sameBytes(receipt.payee, contract.sellerModule) ||
		receipt.amount !== contract.amount
	)
		throw notOne("its money was paid for something else");
	const { salt, description } = parts;
	if (!sameBytes(contract.item, itemHash(crypto, salt, description)))
		throw notOne("another item was sold");
	const item = parseItemDescription(description);
	return new ProvedPurchase(minted, contract, item, receipt.accepted);
}

function notOne(why: string): TetradError {
	return new TetradError(
		"authentication-failed",
		`its parts are not about one purchase: ${why}`,
	);
}
