/*
 * Every message of money. The first byte says which; the body is `enc` of the fields below. A
 * message with another first byte is none of these. docs/money.md has them in order.
 */
import { HASH_BYTES } from "../../crypto/index.ts";
import { MAX_CHAIN_BYTES } from "../../identity/index.ts";
import {
	concat,
	dec,
	enc,
	malformed,
	type Structure,
	structure,
} from "../../wire/index.ts";
import { HEAD_SHAPE } from "./head.ts";
import {
	CONTRACT_BYTES,
	CURRENCY_CODE,
	DEVICE_ID,
	MAX_ISSUER_CHAINS,
	MAX_NEW_NOTES,
	MAX_NOTE_BYTES,
	MAX_PIECES,
	MAX_REASON_BYTES,
	MAX_TRANSFER_BYTES,
	REQUEST_ID_BYTES,
} from "./limits.ts";
import { MAX_RECEIPT_BYTES } from "./receipt.ts";
import { SEVERAL } from "./several.ts";

const listOf = (maxBytes: number, count: number): readonly [number, number] => [
	4,
	count * (4 + maxBytes),
];

const notes = listOf(MAX_NOTE_BYTES, MAX_PIECES);
const chains = listOf(MAX_CHAIN_BYTES, MAX_ISSUER_CHAINS);
const transfer: readonly [number, number] = [1, MAX_TRANSFER_BYTES];

/** Which payment: the money, how much of it, and for what. */
const PAYMENT = {
	contract: CONTRACT_BYTES,
	issuer: DEVICE_ID,
	currency: CURRENCY_CODE,
	amount: 8,
} as const;

const INVOICE = { payBy: 8, tag: HASH_BYTES } as const;

const REFUSAL = {
	/** An error code (errors.ts). */
	code: [1, 40],
	/** Why, for the owner. */
	reason: [0, MAX_REASON_BYTES],
} as const;

/** Between the two modules, in session 2. X pays, Y is paid; either may be the initiator's. */
export const BETWEEN_MODULES = {
	/** Payer: will you take this? */
	prepare: { type: 0x20, body: structure("prepare", PAYMENT) },
	/** Payee: yes, on these terms. */
	prepared: {
		type: 0x21,
		body: structure("prepared", { contract: CONTRACT_BYTES, ...INVOICE }),
	},
	/** Payer: here it is. Also again, and in a later tetrad of the same four, until it is answered. */
	deliver: {
		type: 0x22,
		body: structure("deliver", { transfer, notes, chains, ...INVOICE }),
	},
	/** Payee: taken, and credited once. */
	accepted: {
		type: 0x23,
		body: structure("accepted", { receipt: [1, MAX_RECEIPT_BYTES] }),
	},
	/** Payee: no. After `deliver` this does not mean that the payee has not got the money. */
	refused: {
		type: 0x24,
		body: structure("refused", { contract: CONTRACT_BYTES, ...REFUSAL }),
	},
} as const;

/** Between a module and an issuer's module, in session 2: a request has one answer, the same whenever it is asked. */
export const WITH_ISSUER = {
	/** First in each tetrad with an issuer: how far this purse has come. */
	hello: { type: 0x30, body: structure("hello", HEAD_SHAPE) },
	/** The newest head that the issuer has seen of this purse, and the terms. */
	welcome: {
		type: 0x31,
		body: structure("welcome", {
			...HEAD_SHAPE,
			currency: CURRENCY_CODE,
			/** Exponent, then 1 for play money. */
			kind: 2,
		}),
	},
	/** From the own account, as new notes. */
	withdraw: {
		type: 0x32,
		body: structure("withdraw", { request: REQUEST_ID_BYTES, amount: 8 }),
	},
	/** A transfer that was received; the own account is credited. */
	deposit: {
		type: 0x33,
		body: structure("deposit", {
			request: REQUEST_ID_BYTES,
			transfer,
			notes,
			chains,
		}),
	},
	/** Own notes, transferred to the issuer under the contract `exchangeContract(request, into)`. */
	exchange: {
		type: 0x34,
		body: structure("exchange", {
			request: REQUEST_ID_BYTES,
			/** 0: new notes. 1: the own account. */
			into: 1,
			transfer,
			notes,
			chains,
		}),
	},
	/** What was never booked of an own note that has expired, after the issuer's grace: to the own account. */
	claim: {
		type: 0x35,
		body: structure("claim", {
			request: REQUEST_ID_BYTES,
			note: [1, MAX_NOTE_BYTES],
			chain: [1, MAX_CHAIN_BYTES],
		}),
	},
	/** What the own account holds. Answered afresh each time. */
	balance: {
		type: 0x36,
		body: structure("balance", { request: REQUEST_ID_BYTES }),
	},
	/** Answer to withdraw and to exchange into notes. */
	issued: {
		type: 0x38,
		body: structure("issued", {
			request: REQUEST_ID_BYTES,
			notes: listOf(MAX_NOTE_BYTES, MAX_NEW_NOTES),
			chain: [1, MAX_CHAIN_BYTES],
		}),
	},
	/** Answer to deposit, to exchange into the account, and to claim: what was credited. */
	booked: {
		type: 0x39,
		body: structure("booked", {
			request: REQUEST_ID_BYTES,
			/** u64; zero when every piece was booked for somebody else before. */
			credited: 8,
			/** The transfers that were booked first for pieces of this one: ids, 32 bytes each. */
			conflicts: [0, MAX_PIECES * HASH_BYTES],
		}),
	},
	/** Answer to balance: u64. */
	account: {
		type: 0x3a,
		body: structure("account", { request: REQUEST_ID_BYTES, balance: 8 }),
	},
	/** Refused; with the same code and reason whenever it is asked, unless the code says "not now" (busy, store-full, store-failed). */
	declined: {
		type: 0x3b,
		body: structure("declined", { request: REQUEST_ID_BYTES, ...REFUSAL }),
	},
} as const;

/** Between an agent and its own module, in session 3 or 4. */
export const WITH_AGENT = {
	/** Agent: pay. */
	pay: { type: 0x40, body: structure("pay", PAYMENT) },
	/** Module: paid, and this is the payee's receipt. */
	paid: {
		type: 0x41,
		body: structure("paid", {
			contract: CONTRACT_BYTES,
			amount: 8,
			receipt: [1, MAX_RECEIPT_BYTES],
		}),
	},
	/** Agent: the other side is going to pay this; take it. It counts in this tetrad. */
	expect: { type: 0x42, body: structure("expect", PAYMENT) },
	/** Module: it may come. */
	expecting: {
		type: 0x43,
		body: structure("expecting", { contract: CONTRACT_BYTES }),
	},
	/** Module: it came, and this is the receipt that was given for it. */
	received: {
		type: 0x44,
		body: structure("received", {
			contract: CONTRACT_BYTES,
			amount: 8,
			receipt: [1, MAX_RECEIPT_BYTES],
		}),
	},
	/** Module: no. `isInDoubt` is 1 when money was committed and it is not known what became of it. */
	failed: {
		type: 0x45,
		body: structure("failed", {
			contract: CONTRACT_BYTES,
			isInDoubt: 1,
			...REFUSAL,
		}),
	},
	/** Agent: the newest head of the module's purse that it has kept. Module: its head now. */
	witness: { type: 0x46, body: structure("witness", HEAD_SHAPE) },
	/** Agent: the other side is your issuer; do what there is to do with it. */
	settle: { type: 0x47, body: structure("settle", { issuer: DEVICE_ID }) },
	/** Module: done, or not; what came of it is for its owner. */
	settled: {
		type: 0x48,
		body: structure("settled", {
			code: [0, 40],
			reason: [0, MAX_REASON_BYTES],
		}),
	},
} as const;

const TYPES: ReadonlySet<number> = new Set([
	SEVERAL,
	...[BETWEEN_MODULES, WITH_ISSUER, WITH_AGENT].flatMap((kinds) =>
		Object.values(kinds).map(({ type }) => type),
	),
]);

/** Whether a message is one of money; any other first byte is somebody else's. */
export function isOfMoney(bytes: Uint8Array): boolean {
	return TYPES.has(bytes[0] ?? 0);
}

interface Kind<Shape> {
	readonly type: number;
	readonly body: Structure<Shape>;
}

/** The bytes of one message: its type, then its body. */
export function message<Shape>(
	kind: Kind<Shape>,
	values: { readonly [Name in keyof Shape]: Uint8Array },
): Uint8Array {
	return concat(Uint8Array.of(kind.type), kind.body.encode(values));
}

/** The body of a message whose type was looked at. Views into `bytes`. Throws `malformed` and `limit-exceeded`. */
export function body<Shape>(
	kind: Kind<Shape>,
	bytes: Uint8Array,
): { readonly [Name in keyof Shape]: Uint8Array } {
	if (bytes.length > 1 + kind.body.maxBytes)
		throw malformed("a message of money is too long");
	return kind.body.decode(bytes.subarray(1));
}

/** A field that is a list: `enc` of its items. */
export function encodeList(items: readonly Uint8Array[]): Uint8Array {
	return enc(...items);
}

/** Throws `malformed` for none, and `limit-exceeded` for more than `max`. */
export function parseList(bytes: Uint8Array, max: number): Uint8Array[] {
	const items = dec(bytes, max);
	if (items.length === 0) throw malformed("a list is empty");
	return items;
}
