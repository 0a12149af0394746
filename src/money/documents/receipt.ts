import { type CryptoProvider, HASH_BYTES } from "../../crypto/index.ts";
import { authenticationFailed, TetradError } from "../../errors.ts";
import type { CertifiedDevice } from "../../identity/index.ts";
import {
	bytes,
	type Draft,
	type Fields,
	mappedStructure,
	row,
	type Signed,
	SignedDocument,
	type Structure,
	sameBytes,
	structure,
	time,
	twoForms,
	type Verified,
} from "../../wire/index.ts";
import { amount } from "./amount.ts";
import { HEAD_FIELDS, type Head } from "./head.ts";
import { CONTRACT_BYTES, DEVICE_ID } from "./limits.ts";

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
	/** The newest head of the payee's purse when it signed: whatever its log says up to there cannot be changed unseen. Receipts of older programs have none. */
	readonly head: Head | undefined;
}

type HeadlessBody = Omit<ReceiptBody, "head">;
type HeadedBody = HeadlessBody & { readonly head: Head };

/** A receipt that the payee's module signed. Only `openReceipt` makes one. */
export type Receipt = Verified<Signed<ReceiptBody>>;

/** Whose receipt it has to be. */
type Payee = Pick<CertifiedDevice, "deviceId" | "algorithm" | "publicKey">;

const HEADLESS: Fields<HeadlessBody> = {
	contract: bytes(CONTRACT_BYTES),
	transfer: bytes(HASH_BYTES),
	payee: DEVICE_ID,
	amount,
	accepted: time,
};

const BODY: Structure<ReceiptBody> = twoForms<ReceiptBody>(
	mappedStructure(structure<HeadlessBody>("a receipt", HEADLESS), {
		from: (body) => ({ ...body, head: undefined }),
		to: (body) => body,
	}),
	mappedStructure(
		structure<HeadedBody>("a receipt", { ...HEADLESS, head: row(HEAD_FIELDS) }),
		{
			from: (body) => body,
			to(body) {
				if (body.head === undefined)
					throw new TetradError("internal", "a receipt without its head");
				return { ...body, head: body.head };
			},
		},
	),
	({ head }) => head !== undefined,
);

const RECEIPT: SignedDocument<
	ReceiptBody,
	Signed<ReceiptBody>,
	Payee
> = new SignedDocument({
	name: "a receipt",
	role: "RE",
	body: BODY,
	judge(receipt, payee) {
		if (!sameBytes(receipt.payee, payee.deviceId)) throw authenticationFailed();
		return { key: payee, proves: receipt };
	},
});

/** The largest receipt, in bytes. */
export const MAX_RECEIPT_BYTES: number = RECEIPT.maxBytes;

/** The bytes that a payee signs, and how they become the receipt's document. Throws `invalid-argument`. */
export function draftReceipt(body: ReceiptBody): Draft {
	return RECEIPT.draft(body);
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
 * const { value } = openReceipt(nodeCrypto, receipt, tetrad.parties.Y);
 * console.log(value.amount, new Date(value.accepted));
 * ```
 */
export function openReceipt(
	crypto: CryptoProvider,
	document: Uint8Array,
	payee: Pick<CertifiedDevice, "deviceId" | "algorithm" | "publicKey">,
): Receipt {
	return RECEIPT.verify(crypto, RECEIPT.read(document).signed, payee);
}

/** What a receipt (copied) says, whoever signed it. Throws `malformed`. */
export function readReceipt(document: Uint8Array): ReceiptBody {
	return RECEIPT.read(document).signed;
}

/**
 * As `openReceipt`, for a receipt with the chain under which it was signed: `certified` judges that
 * chain as of the time at which the receipt was given, so that it verifies after its payee has
 * taken a new key. Throws what `openReceipt` and `certified` throw.
 *
 * @example
 * ```ts
 * import { nodeCrypto } from "tetrad/crypto";
 * import { validateChain } from "tetrad/identity";
 * import { openReceiptUnderChain } from "tetrad/money";
 *
 * const { receipt, chain } = await payments.pay(payment);
 * const { value } = openReceiptUnderChain(nodeCrypto, receipt, chain, (encoded, at) =>
 * 	validateChain(nodeCrypto, encoded, "module", policy.banks, at),
 * );
 * console.log(value.amount, new Date(value.accepted));
 * ```
 */
export function openReceiptUnderChain(
	crypto: CryptoProvider,
	document: Uint8Array,
	chain: Uint8Array,
	certified: (encodedChain: Uint8Array, at: number) => CertifiedDevice,
): Receipt {
	const { signed } = RECEIPT.read(document);
	return RECEIPT.verify(crypto, signed, certified(chain, signed.accepted));
}
