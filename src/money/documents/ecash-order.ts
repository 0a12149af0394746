/*
 * What the owner of a purse orders of its ecash, under the owner's own key. No message carries it:
 * the owner puts it into the home of the module, or says it to the program that has the purse.
 */
import type { CryptoProvider } from "../../crypto/index.ts";
import { authenticationFailed } from "../../errors.ts";
import type { Signer } from "../../identity/index.ts";
import {
	bytes,
	copy,
	type Draft,
	malformed,
	mapped,
	type Signed,
	SignedDocument,
	sameBytes,
	structure,
	text,
	time,
	u64,
	type Verified,
} from "../../wire/index.ts";
import {
	DEVICE_ID,
	MAX_AMOUNT,
	MAX_INVOICE_LENGTH,
	REQUEST_ID_BYTES,
} from "./limits.ts";
import type { OwnedPurse } from "./order.ts";

/** What an owner orders of a mint. Amounts are minor units of its unit. */
export type EcashOrder =
	/** A token of so much, for whoever is given it. */
	| ({ readonly kind: "send"; readonly amount: bigint } & EcashOrderName)
	/** New ecash, for an invoice that the mint makes. */
	| ({ readonly kind: "mint"; readonly amount: bigint } & EcashOrderName)
	/** That the mint pays an invoice, and takes no more than `maxFee` beside. */
	| ({
			readonly kind: "melt";
			readonly invoice: string;
			readonly maxFee: bigint;
	  } & EcashOrderName)
	/** All that follows from the seed of the purse and is not spent. */
	| ({ readonly kind: "restore" } & EcashOrderName)
	/** What is left of a token that nobody has redeemed. */
	| ({ readonly kind: "take-back"; readonly of: Uint8Array } & EcashOrderName);

interface EcashOrderName {
	/** Random, 16 bytes: it is carried out once. */
	readonly request: Uint8Array;
	/** What stands for the mint (`mintId`). */
	readonly mint: Uint8Array;
}

/** As it is signed. What its kind does not have is zero or empty. */
export interface EcashOrderBody {
	/** Device id of the module that shall do it. */
	readonly purse: Uint8Array;
	/** Random, 16 bytes. */
	readonly request: Uint8Array;
	readonly kind: EcashOrder["kind"];
	/** What stands for the mint. */
	readonly mint: Uint8Array;
	readonly amount: bigint;
	readonly maxFee: bigint;
	readonly invoice: string;
	/** The request whose token is taken back. */
	readonly of: Uint8Array;
	/** Milliseconds since the epoch. */
	readonly ordered: number;
}

/** An order that the owner signed. Only `openEcashOrder` makes one. */
export type SignedEcashOrder = Verified<Signed<EcashOrderBody>>;

const KINDS: readonly EcashOrder["kind"][] = [
	"send",
	"mint",
	"melt",
	"restore",
	"take-back",
];

const someAmount = mapped(u64, {
	from(value: bigint) {
		if (value > MAX_AMOUNT) throw malformed("an amount is too large");
		return value;
	},
	to: (value: bigint) => value,
});

const ORDER: SignedDocument<
	EcashOrderBody,
	Signed<EcashOrderBody>,
	OwnedPurse
> = new SignedDocument({
	name: "an order of ecash",
	role: "OE",
	body: structure<EcashOrderBody>("an order of ecash", {
		purse: DEVICE_ID,
		request: bytes(REQUEST_ID_BYTES),
		kind: mapped(text(1, 16), {
			from(said: string) {
				const kind = KINDS.find((one) => one === said);
				if (kind === undefined)
					throw malformed("an order of ecash is of no kind");
				return kind;
			},
			to: (kind: EcashOrder["kind"]) => kind,
		}),
		mint: DEVICE_ID,
		amount: someAmount,
		maxFee: someAmount,
		invoice: text(0, MAX_INVOICE_LENGTH),
		of: bytes(0, REQUEST_ID_BYTES),
		ordered: time,
	}),
	judge(order, { purse, owner }) {
		if (!sameBytes(order.purse, purse)) throw authenticationFailed();
		return { key: owner, proves: order };
	},
});

/** The largest, in bytes. */
export const MAX_ECASH_ORDER_BYTES: number = ORDER.maxBytes;

/** The bytes that the owner's key signs, and how they become the order's document. Throws `invalid-argument`. */
export function draftEcashOrder(
	order: EcashOrder,
	{ purse, ordered }: { readonly purse: Uint8Array; readonly ordered: number },
): Draft {
	const { request, kind, mint } = order;
	return ORDER.draft({
		...{ purse, request, kind, mint, ordered },
		amount: "amount" in order ? order.amount : 0n,
		maxFee: kind === "melt" ? order.maxFee : 0n,
		invoice: kind === "melt" ? order.invoice : "",
		of: kind === "take-back" ? order.of : new Uint8Array(),
	});
}

/** Reads an order (copied) to `purse` by the holder of `owner`. Throws `malformed` and `authentication-failed`. */
export function openEcashOrder(
	crypto: CryptoProvider,
	document: Uint8Array,
	purse: Uint8Array,
	owner: Pick<Signer, "algorithm" | "publicKey">,
): SignedEcashOrder {
	return ORDER.verify(crypto, ORDER.read(document).signed, { purse, owner });
}

/** What such an order says. Throws `malformed` for one that its kind cannot be. */
export function ecashOrderOf(body: EcashOrderBody): EcashOrder {
	const { kind, amount, maxFee, invoice } = body;
	const name = { request: copy(body.request), mint: copy(body.mint) };
	switch (kind) {
		case "send":
		case "mint":
			if (amount === 0n) throw malformed("an order of ecash is for nothing");
			return { kind, amount, ...name };
		case "melt":
			return { kind, invoice, maxFee, ...name };
		case "restore":
			return { kind, ...name };
		case "take-back":
			if (body.of.length !== REQUEST_ID_BYTES)
				throw malformed("an order of ecash names nothing to take back");
			return { kind, of: copy(body.of), ...name };
	}
}
