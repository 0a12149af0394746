import type { CryptoProvider } from "../../crypto/index.ts";
import { authenticationFailed, TetradError } from "../../errors.ts";
import type { Signer } from "../../identity/index.ts";
import { bytes, copy, sameBytes, structure } from "../../wire/index.ts";
import {
	amountBytes,
	parseAmountBytes,
	parseTimeBytes,
	requireAmount,
	timeBytes,
} from "./amount.ts";
import { DEVICE_ID, REQUEST_ID_BYTES } from "./limits.ts";
import { SignedDocument } from "./signed-document.ts";

/**
 * What the owner of a purse orders under the owner's own key: to withdraw so much. The purse takes
 * no such order from its agent.
 */
export interface OrderBody {
	/** Device id of the module that shall do it. */
	readonly purse: Uint8Array;
	/** Random, 16 bytes: the order is carried out once. */
	readonly request: Uint8Array;
	/** Device id of the issuer. */
	readonly issuer: Uint8Array;
	readonly amount: bigint;
	/** Milliseconds since the epoch. */
	readonly ordered: number;
}

const BODY = structure("an order", {
	purse: DEVICE_ID,
	request: bytes(REQUEST_ID_BYTES),
	issuer: DEVICE_ID,
	amount: bytes(8),
	ordered: bytes(8),
});

const ORDER = new SignedDocument("an order", "OW", BODY.maxBytes);

/** The largest order, in bytes. */
export const MAX_ORDER_BYTES: number = ORDER.maxBytes;

const minted: unique symbol = Symbol();

/** An order that the owner signed. Only `openOrder` makes one. */
export class Order {
	readonly body: OrderBody;
	readonly document: Uint8Array;

	constructor(proof: typeof minted, body: OrderBody, document: Uint8Array) {
		if (proof !== minted)
			throw new TetradError("internal", "only a check can make this value");
		this.body = body;
		this.document = document;
	}
}

/** The bytes that the owner's key signs, and how they become the order's document. Throws `invalid-argument`. */
export function draftOrder(body: OrderBody): {
	readonly toSign: Uint8Array;
	readonly sign: (signature: Uint8Array) => Uint8Array;
} {
	const bytes = copy(
		BODY.encode({
			purse: body.purse,
			request: body.request,
			issuer: body.issuer,
			amount: amountBytes(requireAmount(body.amount)),
			ordered: timeBytes(body.ordered),
		}),
	);
	return ORDER.draft(bytes);
}

/** Reads an order (copied) to `purse` by the holder of `owner`. Throws `malformed` and `authentication-failed`. */
export function openOrder(
	crypto: CryptoProvider,
	document: Uint8Array,
	purse: Uint8Array,
	owner: Pick<Signer, "algorithm" | "publicKey">,
): Order {
	const { document: own, body } = ORDER.read(document);
	const fields = BODY.decode(body);
	if (!sameBytes(fields.purse, purse) || !ORDER.isSigned(crypto, own, owner))
		throw authenticationFailed();
	return new Order(
		minted,
		{
			purse: fields.purse,
			request: fields.request,
			issuer: fields.issuer,
			amount: parseAmountBytes(fields.amount),
			ordered: parseTimeBytes(fields.ordered),
		},
		own,
	);
}
