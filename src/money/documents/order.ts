import type { CryptoProvider } from "../../crypto/index.ts";
import { authenticationFailed } from "../../errors.ts";
import type { Signer } from "../../identity/index.ts";
import {
	bytes,
	type Draft,
	type Signed,
	SignedDocument,
	sameBytes,
	structure,
	time,
	type Verified,
	type VerifyingKey,
} from "../../wire/index.ts";
import { amount } from "./amount.ts";
import { HEAD_FIELDS, type Head } from "./head.ts";
import { DEVICE_ID, REQUEST_ID_BYTES } from "./limits.ts";

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

/** An order that the owner signed. Only `openOrder` makes one. */
export type Order = Verified<Signed<OrderBody>>;

/** The purse that is ordered, and the key of its owner. */
export interface OwnedPurse {
	readonly purse: Uint8Array;
	readonly owner: VerifyingKey;
}

const ORDER: SignedDocument<
	OrderBody,
	Signed<OrderBody>,
	OwnedPurse
> = new SignedDocument({
	name: "an order",
	role: "OW",
	body: structure<OrderBody>("an order", {
		purse: DEVICE_ID,
		request: bytes(REQUEST_ID_BYTES),
		issuer: DEVICE_ID,
		amount,
		ordered: time,
	}),
	judge(order, { purse, owner }) {
		if (!sameBytes(order.purse, purse)) throw authenticationFailed();
		return { key: owner, proves: order };
	},
});

/**
 * What the owner of a purse orders under the owner's own key: to pay again, although a witness
 * knows another state of the purse. It names what that witness said, and overrides nothing else.
 */
export interface OverrideBody extends Head {
	/** Device id of the module that shall do it. */
	readonly purse: Uint8Array;
	/** Random, 16 bytes. */
	readonly request: Uint8Array;
	/** Milliseconds since the epoch. */
	readonly ordered: number;
}

/** An override that the owner signed. Only `openOverride` makes one. */
export type Override = Verified<Signed<OverrideBody>>;

const OVERRIDE: SignedDocument<
	OverrideBody,
	Signed<OverrideBody>,
	OwnedPurse
> = new SignedDocument({
	name: "an override",
	role: "OV",
	body: structure<OverrideBody>("an override", {
		purse: DEVICE_ID,
		request: bytes(REQUEST_ID_BYTES),
		...HEAD_FIELDS,
		ordered: time,
	}),
	judge(override, { purse, owner }) {
		if (!sameBytes(override.purse, purse)) throw authenticationFailed();
		return { key: owner, proves: override };
	},
});

/**
 * What the owner of a purse orders under the owner's own key: not to carry out an order to
 * withdraw. It says all of that order, so that one which comes later is known for what it is.
 */
export interface CancellationBody {
	/** Device id of the module that was to do it. */
	readonly purse: Uint8Array;
	/** Of the order, 16 bytes. */
	readonly request: Uint8Array;
	/** Device id of the issuer. */
	readonly issuer: Uint8Array;
	readonly amount: bigint;
	/** Milliseconds since the epoch. */
	readonly cancelled: number;
}

/** A cancellation that the owner signed. Only `openCancellation` makes one. */
export type Cancellation = Verified<Signed<CancellationBody>>;

const CANCELLATION: SignedDocument<
	CancellationBody,
	Signed<CancellationBody>,
	OwnedPurse
> = new SignedDocument({
	name: "a cancellation",
	role: "OC",
	body: structure<CancellationBody>("a cancellation", {
		purse: DEVICE_ID,
		request: bytes(REQUEST_ID_BYTES),
		issuer: DEVICE_ID,
		amount,
		cancelled: time,
	}),
	judge(cancellation, { purse, owner }) {
		if (!sameBytes(cancellation.purse, purse)) throw authenticationFailed();
		return { key: owner, proves: cancellation };
	},
});

/** The largest order, override or cancellation, in bytes. */
export const MAX_ORDER_BYTES: number = Math.max(
	ORDER.maxBytes,
	OVERRIDE.maxBytes,
	CANCELLATION.maxBytes,
);

/** The bytes that the owner's key signs, and how they become the order's document. Throws `invalid-argument`. */
export function draftOrder(body: OrderBody): Draft {
	return ORDER.draft(body);
}

/** Reads an order (copied) to `purse` by the holder of `owner`. Throws `malformed` and `authentication-failed`. */
export function openOrder(
	crypto: CryptoProvider,
	document: Uint8Array,
	purse: Uint8Array,
	owner: Pick<Signer, "algorithm" | "publicKey">,
): Order {
	return ORDER.verify(crypto, ORDER.read(document).signed, { purse, owner });
}

/** As `draftOrder`, for an override. */
export function draftOverride(body: OverrideBody): Draft {
	return OVERRIDE.draft(body);
}

/** As `openOrder`, for an override. */
export function openOverride(
	crypto: CryptoProvider,
	document: Uint8Array,
	purse: Uint8Array,
	owner: Pick<Signer, "algorithm" | "publicKey">,
): Override {
	return OVERRIDE.verify(crypto, OVERRIDE.read(document).signed, {
		purse,
		owner,
	});
}

/** As `draftOrder`, for a cancellation. */
export function draftCancellation(body: CancellationBody): Draft {
	return CANCELLATION.draft(body);
}

/** As `openOrder`, for a cancellation. */
export function openCancellation(
	crypto: CryptoProvider,
	document: Uint8Array,
	purse: Uint8Array,
	owner: Pick<Signer, "algorithm" | "publicKey">,
): Cancellation {
	return CANCELLATION.verify(crypto, CANCELLATION.read(document).signed, {
		purse,
		owner,
	});
}
