/*
 * Every message of money. The first byte says which; the body is `enc` of the fields below. A
 * message with another first byte is none of these. docs/money.md has them in order.
 */
import { HASH_BYTES } from "../../crypto/index.ts";
import { MAX_CHAIN_BYTES } from "../../identity/index.ts";
import {
	BETWEEN_MODULES_BYTE,
	bytes,
	concat,
	dec,
	enc,
	type Field,
	malformed,
	type Structure,
	structure,
	WITH_AGENT_BYTE,
	WITH_ISSUER_BYTE,
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

const listOf = (maxBytes: number, count: number): Field<Uint8Array> =>
	bytes(4, count * (4 + maxBytes));

const notes = listOf(MAX_NOTE_BYTES, MAX_PIECES);
const chains = listOf(MAX_CHAIN_BYTES, MAX_ISSUER_CHAINS);
const transfer = bytes(1, MAX_TRANSFER_BYTES);

/** Which payment: the money, how much of it, and for what. */
const PAYMENT = {
	contract: bytes(CONTRACT_BYTES),
	issuer: DEVICE_ID,
	currency: CURRENCY_CODE,
	amount: bytes(8),
} as const;

const INVOICE = { payBy: bytes(8), tag: bytes(HASH_BYTES) } as const;

const REFUSAL = {
	/** An error code (errors.ts). */
	code: bytes(1, 40),
	/** Why, for the owner. */
	reason: bytes(0, MAX_REASON_BYTES),
} as const;

/** Between the two modules, in session 2. X pays, Y is paid; either may be the initiator's. */
export const BETWEEN_MODULES = {
	/** Payer: will you take this? */
	prepare: {
		type: BETWEEN_MODULES_BYTE.prepare,
		body: structure("prepare", PAYMENT),
	},
	/** Payee: yes, on these terms. */
	prepared: {
		type: BETWEEN_MODULES_BYTE.prepared,
		body: structure("prepared", {
			contract: bytes(CONTRACT_BYTES),
			...INVOICE,
		}),
	},
	/** Payer: here it is. Also again, and in a later tetrad of the same four, until it is answered. */
	deliver: {
		type: BETWEEN_MODULES_BYTE.deliver,
		body: structure("deliver", { transfer, notes, chains, ...INVOICE }),
	},
	/** Payee: taken, and credited once. */
	accepted: {
		type: BETWEEN_MODULES_BYTE.accepted,
		body: structure("accepted", { receipt: bytes(1, MAX_RECEIPT_BYTES) }),
	},
	/** Payee: no. After `deliver` this does not mean that the payee has not got the money. */
	refused: {
		type: BETWEEN_MODULES_BYTE.refused,
		body: structure("refused", { contract: bytes(CONTRACT_BYTES), ...REFUSAL }),
	},
} as const;

/** Between a module and an issuer's module, in session 2: a request has one answer, the same whenever it is asked. */
export const WITH_ISSUER = {
	/** First in each tetrad with an issuer: how far this purse has come. */
	hello: { type: WITH_ISSUER_BYTE.hello, body: structure("hello", HEAD_SHAPE) },
	/** The newest head that the issuer has seen of this purse, and the terms. */
	welcome: {
		type: WITH_ISSUER_BYTE.welcome,
		body: structure("welcome", {
			...HEAD_SHAPE,
			currency: CURRENCY_CODE,
			/** Exponent, then 1 for play money. */
			kind: bytes(2),
		}),
	},
	/** From the own account, as new notes. */
	withdraw: {
		type: WITH_ISSUER_BYTE.withdraw,
		body: structure("withdraw", {
			request: bytes(REQUEST_ID_BYTES),
			amount: bytes(8),
		}),
	},
	/** A transfer that was received; the own account is credited. */
	deposit: {
		type: WITH_ISSUER_BYTE.deposit,
		body: structure("deposit", {
			request: bytes(REQUEST_ID_BYTES),
			transfer,
			notes,
			chains,
		}),
	},
	/** Own notes, transferred to the issuer under the contract `exchangeContract(request, into)`. */
	exchange: {
		type: WITH_ISSUER_BYTE.exchange,
		body: structure("exchange", {
			request: bytes(REQUEST_ID_BYTES),
			/** 0: new notes. 1: the own account. */
			into: bytes(1),
			transfer,
			notes,
			chains,
		}),
	},
	/** What was never booked of an own note that has expired, after the issuer's grace: to the own account. */
	claim: {
		type: WITH_ISSUER_BYTE.claim,
		body: structure("claim", {
			request: bytes(REQUEST_ID_BYTES),
			note: bytes(1, MAX_NOTE_BYTES),
			chain: bytes(1, MAX_CHAIN_BYTES),
		}),
	},
	/** What the own account holds. Answered afresh each time. */
	balance: {
		type: WITH_ISSUER_BYTE.balance,
		body: structure("balance", { request: bytes(REQUEST_ID_BYTES) }),
	},
	/** Answer to withdraw and to exchange into notes. */
	issued: {
		type: WITH_ISSUER_BYTE.issued,
		body: structure("issued", {
			request: bytes(REQUEST_ID_BYTES),
			notes: listOf(MAX_NOTE_BYTES, MAX_NEW_NOTES),
			chain: bytes(1, MAX_CHAIN_BYTES),
		}),
	},
	/** Answer to deposit, to exchange into the account, and to claim: what was credited. */
	booked: {
		type: WITH_ISSUER_BYTE.booked,
		body: structure("booked", {
			request: bytes(REQUEST_ID_BYTES),
			/** u64; zero when every piece was booked for somebody else before. */
			credited: bytes(8),
			/** The transfers that were booked first for pieces of this one: ids, 32 bytes each. */
			conflicts: bytes(0, MAX_PIECES * HASH_BYTES),
		}),
	},
	/** Answer to balance: u64. */
	account: {
		type: WITH_ISSUER_BYTE.account,
		body: structure("account", {
			request: bytes(REQUEST_ID_BYTES),
			balance: bytes(8),
		}),
	},
	/** Refused; with the same code and reason whenever it is asked, unless the code says "not now" (busy, store-full, store-failed). */
	declined: {
		type: WITH_ISSUER_BYTE.declined,
		body: structure("declined", {
			request: bytes(REQUEST_ID_BYTES),
			...REFUSAL,
		}),
	},
} as const;

/** Between an agent and its own module, in session 3 or 4. */
export const WITH_AGENT = {
	/** Agent: pay. */
	pay: { type: WITH_AGENT_BYTE.pay, body: structure("pay", PAYMENT) },
	/** Module: paid, and this is the payee's receipt. */
	paid: {
		type: WITH_AGENT_BYTE.paid,
		body: structure("paid", {
			contract: bytes(CONTRACT_BYTES),
			amount: bytes(8),
			receipt: bytes(1, MAX_RECEIPT_BYTES),
		}),
	},
	/** Agent: the other side is going to pay this; take it. It counts in this tetrad. */
	expect: { type: WITH_AGENT_BYTE.expect, body: structure("expect", PAYMENT) },
	/** Module: it may come. */
	expecting: {
		type: WITH_AGENT_BYTE.expecting,
		body: structure("expecting", { contract: bytes(CONTRACT_BYTES) }),
	},
	/** Module: it came, and this is the receipt that was given for it. */
	received: {
		type: WITH_AGENT_BYTE.received,
		body: structure("received", {
			contract: bytes(CONTRACT_BYTES),
			amount: bytes(8),
			receipt: bytes(1, MAX_RECEIPT_BYTES),
		}),
	},
	/** Module: no. `isInDoubt` is 1 when money was committed and it is not known what became of it. */
	failed: {
		type: WITH_AGENT_BYTE.failed,
		body: structure("failed", {
			contract: bytes(CONTRACT_BYTES),
			isInDoubt: bytes(1),
			...REFUSAL,
		}),
	},
	/** Agent: the newest head of the module's purse that it has kept. Module: its head now. */
	witness: {
		type: WITH_AGENT_BYTE.witness,
		body: structure("witness", HEAD_SHAPE),
	},
	/** Agent: the other side is your issuer; do what there is to do with it. */
	settle: {
		type: WITH_AGENT_BYTE.settle,
		body: structure("settle", { issuer: DEVICE_ID }),
	},
	/** Module: done, or not; what came of it is for its owner. */
	settled: {
		type: WITH_AGENT_BYTE.settled,
		body: structure("settled", {
			code: bytes(0, 40),
			reason: bytes(0, MAX_REASON_BYTES),
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

interface Kind<Value> {
	readonly type: number;
	readonly body: Structure<Value>;
}

/** The bytes of one message: its type, then its body. */
export function message<Value>(kind: Kind<Value>, values: Value): Uint8Array {
	return concat(Uint8Array.of(kind.type), kind.body.encode(values));
}

/** The body of a message whose type was looked at. Views into `bytes`. Throws `malformed` and `limit-exceeded`. */
export function body<Value>(kind: Kind<Value>, bytes: Uint8Array): Value {
	if (bytes.length > 1 + kind.body.maxBytes)
		throw malformed(`${kind.body.name} is too long`);
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
