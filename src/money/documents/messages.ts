/*
 * Every message of money. The first byte says which; the body is `enc` of the fields below. A
 * message with another first byte is none of these. docs/money.md has them in order.
 */
import { HASH_BYTES } from "../../crypto/index.ts";
import { MAX_CHAIN_BYTES } from "../../identity/index.ts";
import {
	BETWEEN_MODULES_BYTE,
	bool,
	bytes,
	concat,
	dec,
	enc,
	type Field,
	type Fields,
	LOCK_BYTE,
	list,
	malformed,
	mapped,
	optional,
	packed,
	type Structure,
	structure,
	text,
	time,
	u8,
	u32,
	u64,
	WITH_AGENT_BYTE,
	WITH_ISSUER_BYTE,
} from "../../wire/index.ts";
import { amount, currencyCode, type MoneyKind, moneyKind } from "./amount.ts";
import { HEAD_FIELDS, type Head } from "./head.ts";
import type { Invoice } from "./invoice.ts";
import {
	CONTRACT_BYTES,
	DEVICE_ID,
	GOODS_KEY_BYTES,
	MAX_AMOUNT,
	MAX_GRACE_DAYS,
	MAX_ISSUER_CHAINS,
	MAX_NEW_NOTES,
	MAX_NOTE_BYTES,
	MAX_PAYMENT_TEXT_BYTES,
	MAX_PIECES,
	MAX_REASON_BYTES,
	MAX_SELLING_CERTIFICATE_BYTES,
	MAX_TERMS_BYTES,
	MAX_TRANSFER_BYTES,
	REQUEST_ID_BYTES,
	SELLING_SECRET_BYTES,
} from "./limits.ts";
import type { Payment } from "./payment.ts";
import { MAX_RECEIPT_BYTES } from "./receipt.ts";
import { SEVERAL } from "./several.ts";

/** One message: its first byte, and its body. */
export interface MessageKind<Value> {
	readonly type: number;
	readonly body: Structure<Value>;
}

function kind<Value extends object>(
	name: string,
	type: number,
	fields: Fields<Value>,
): MessageKind<Value> {
	return { type, body: structure(name, fields) };
}

const contract: Field<Uint8Array> = bytes(CONTRACT_BYTES);
const request: Field<Uint8Array> = bytes(REQUEST_ID_BYTES);
const receipt: Field<Uint8Array> = bytes(1, MAX_RECEIPT_BYTES);
const chain: Field<Uint8Array> = bytes(1, MAX_CHAIN_BYTES);
const offset: Field<bigint> = mapped(u64, {
	from(value) {
		if (value <= MAX_AMOUNT) return value;
		throw malformed("no note goes so far");
	},
	to: (value) => value,
});
const reason: Field<string> = text(0, MAX_REASON_BYTES);
const paymentText: Field<string> = text(0, MAX_PAYMENT_TEXT_BYTES);

/** What is paid with, for the payee to judge. */
export interface NotesWithChains {
	/** Documents, each once. */
	readonly notes: readonly Uint8Array[];
	/** Of the issuer, as it signed them, encoded. */
	readonly chains: readonly Uint8Array[];
}

/** A transfer, and the notes of its pieces. */
export interface TransferWithNotes extends NotesWithChains {
	/** Its document. */
	readonly transfer: Uint8Array;
}

/** What is bought, for those who know of sales; money only takes it along. */
export interface SaleTerms {
	/** What the contract of a sale is the hash of, and the chain of its signer. Empty for a payment. */
	readonly terms: Uint8Array;
}

/** What a sale is paid for. */
export interface SaleKey {
	/** The goods key, 32 bytes; nothing for a payment. */
	readonly key: Uint8Array | undefined;
}

const TERMS: Fields<SaleTerms> = { terms: bytes(0, MAX_TERMS_BYTES) };
const KEY: Fields<SaleKey> = { key: optional(bytes(GOODS_KEY_BYTES)) };

/** The terms of a payment. */
export const NO_TERMS: Uint8Array = new Uint8Array();

const NOTES_WITH_CHAINS: Fields<NotesWithChains> = {
	notes: list(bytes(0, MAX_NOTE_BYTES), 1, MAX_PIECES),
	chains: list(bytes(0, MAX_CHAIN_BYTES), 1, MAX_ISSUER_CHAINS),
};

const TRANSFER_WITH_NOTES: Fields<TransferWithNotes> = {
	transfer: bytes(1, MAX_TRANSFER_BYTES),
	...NOTES_WITH_CHAINS,
};

const PAYMENT: Fields<Payment> = {
	contract,
	issuer: DEVICE_ID,
	currency: currencyCode,
	amount,
};

const INVOICE: Fields<Invoice> = { payBy: time, tag: bytes(HASH_BYTES) };

/** Why not. */
export interface SaidRefusal {
	/** An error code (errors.ts), as far as the other end has it. */
	readonly code: string;
	/** For the owner. */
	readonly reason: string;
}

const REFUSAL: Fields<SaidRefusal> = { code: text(1, 40), reason };

interface Contract {
	readonly contract: Uint8Array;
}

interface Request {
	/** 16 bytes: it names one request for ever. */
	readonly request: Uint8Array;
}

/** A payment that was made, and the payee's receipt for it. */
interface Receipted extends Contract {
	readonly amount: bigint;
	/** Its document. */
	readonly receipt: Uint8Array;
	/** Of the payee, encoded: the one under which it signed the receipt. */
	readonly chain: Uint8Array;
}

/** Between the two modules, in session 2. X pays, Y is paid; either may be the initiator's. */
export const BETWEEN_MODULES: {
	/** Payer: will you take this, out of these notes? */
	readonly prepare: MessageKind<Payment & NotesWithChains & SaleTerms>;
	/** Payee: yes, on these terms. */
	readonly prepared: MessageKind<Contract & Invoice>;
	/** Payer: here it is. Also again, and in a later tetrad of the same four, until it is answered. */
	readonly deliver: MessageKind<TransferWithNotes & Invoice & SaleTerms>;
	/** Payee: taken, and credited once. The chain is empty when it is the one that the payee shows in this tetrad. */
	readonly accepted: MessageKind<
		Pick<Receipted, "receipt" | "chain"> & SaleKey
	>;
	/** Payee: no. After `deliver` this does not mean that the payee has not got the money. */
	readonly refused: MessageKind<Contract & SaidRefusal>;
} = {
	prepare: kind("prepare", BETWEEN_MODULES_BYTE.prepare, {
		...PAYMENT,
		...NOTES_WITH_CHAINS,
		...TERMS,
	}),
	prepared: kind("prepared", BETWEEN_MODULES_BYTE.prepared, {
		contract,
		...INVOICE,
	}),
	deliver: kind("deliver", BETWEEN_MODULES_BYTE.deliver, {
		...TRANSFER_WITH_NOTES,
		...INVOICE,
		...TERMS,
	}),
	accepted: kind("accepted", BETWEEN_MODULES_BYTE.accepted, {
		receipt,
		chain: bytes(0, MAX_CHAIN_BYTES),
		...KEY,
	}),
	refused: kind("refused", BETWEEN_MODULES_BYTE.refused, {
		contract,
		...REFUSAL,
	}),
};

/** What the issuer knows of a purse, and its money. */
interface Welcome extends Head {
	readonly currency: string;
	readonly kind: MoneyKind;
	/** Whole days after the expiry of a note in which its transfers are still booked; what is left of it can be claimed from then on. */
	readonly grace: number;
}

interface Exchange extends Request, TransferWithNotes {
	/** 0: new notes. 1: the own account. */
	readonly into: 0 | 1;
}

interface Claim extends Request {
	/** From here on; all that the holder has committed lies below. */
	readonly offset: bigint;
	/** Its document. */
	readonly note: Uint8Array;
	/** The issuer's, encoded. */
	readonly chain: Uint8Array;
}

/** Notes that were issued: documents, and the chain of the issuer that signed them. */
export interface IssuedNotes extends Request {
	readonly notes: readonly Uint8Array[];
	readonly chain: Uint8Array;
}

interface Booked extends Request {
	/** Zero when every piece was booked for somebody else before. */
	readonly credited: bigint;
	/** Ids of the transfers that were booked first for pieces of this one. */
	readonly conflicts: readonly Uint8Array[];
}

/** What became of a transfer, as the issuer's books have it. */
interface Outcome extends Request, SaleKey {
	/**
	 * 0: nobody has handed it in. 1: it was handed in and booked for its payee, as far as its ranges
	 * were free. 2: it is void; it will never be booked, and what was free of it is its payer's.
	 */
	readonly state: 0 | 1 | 2;
	/** What its payee was credited with or, when it is void, its payer; 0 when nobody has handed it in. */
	readonly credited: bigint;
}

/** Whatever selling secret a module asks for. */
interface SecretRequest extends Request {
	/** 0: the current one. */
	readonly generation: number;
}

interface SellingSecret extends Request {
	/** For that module behind its agent of this tetrad, and for nobody else. */
	readonly secret: Uint8Array;
	/** The issuer's word on whose it is, and on its hash. */
	readonly certificate: Uint8Array;
	/** The issuer's, encoded: the one under which it signed. */
	readonly chain: Uint8Array;
}

const outcomeState: Field<0 | 1 | 2> = mapped(u8, {
	from(byte) {
		if (byte === 0 || byte === 1 || byte === 2) return byte;
		throw malformed("a transfer is neither open, nor booked, nor void");
	},
	to: (byte) => byte,
});

const graceDays: Field<number> = mapped(u32, {
	from(days) {
		if (days <= MAX_GRACE_DAYS) return days;
		throw malformed("a grace has too many days");
	},
	to: (days) => days,
});

const into: Field<0 | 1> = mapped(u8, {
	from(byte) {
		if (byte === 0 || byte === 1) return byte;
		throw malformed("an exchange is neither into notes nor into the account");
	},
	to: (byte) => byte,
});

/** Between a module and an issuer's module, in session 2: a request has one answer, the same whenever it is asked. */
export const WITH_ISSUER: {
	/** First in each tetrad with an issuer: how far this purse has come. */
	readonly hello: MessageKind<Head>;
	/** The newest head that the issuer has seen of this purse, and its terms. */
	readonly welcome: MessageKind<Welcome>;
	/** From the own account, as new notes. */
	readonly withdraw: MessageKind<Request & { readonly amount: bigint }>;
	/** A transfer that was received; the own account is credited. */
	readonly deposit: MessageKind<Request & TransferWithNotes & SaleTerms>;
	/** Own notes, transferred to the issuer under the contract `exchangeContract(request, into)`. */
	readonly exchange: MessageKind<Exchange>;
	/** What was never booked of an own note from an offset on, when it has expired and the issuer's grace is over: to the own account. */
	readonly claim: MessageKind<Claim>;
	/** What the own account holds. Answered afresh each time. */
	readonly balance: MessageKind<Request>;
	/** What became of a transfer, by its id; of its payer or its payee. Answered afresh each time. */
	readonly inquire: MessageKind<Request & { readonly transfer: Uint8Array }>;
	/** Answer to withdraw and to exchange into notes. */
	readonly issued: MessageKind<IssuedNotes>;
	/** Answer to deposit, to exchange into the account, and to claim: what was credited. */
	readonly booked: MessageKind<Booked>;
	/** Answer to balance. */
	readonly account: MessageKind<Request & { readonly balance: bigint }>;
	/** Refused. Only `double-spent` and `purchase-void` are final; `busy`, `store-full` and `store-failed` mean "not now". */
	readonly declined: MessageKind<Request & SaidRefusal>;
	/** Answer to inquire and to resolve. */
	readonly outcome: MessageKind<Outcome>;
	/** A transfer that the asking module signed: what became of it, for ever. Within the grace it is booked for its payee, and after it void. */
	readonly resolve: MessageKind<Request & TransferWithNotes & SaleTerms>;
	/** The secret from which the goods keys of the asking module and of its agent in this tetrad are derived. */
	readonly secret: MessageKind<SecretRequest>;
	/** Answer to secret; the same for the same generation, but for the signature. */
	readonly sellingSecret: MessageKind<SellingSecret>;
} = {
	hello: kind("hello", WITH_ISSUER_BYTE.hello, HEAD_FIELDS),
	welcome: kind<Welcome>("welcome", WITH_ISSUER_BYTE.welcome, {
		...HEAD_FIELDS,
		currency: currencyCode,
		kind: moneyKind,
		grace: graceDays,
	}),
	withdraw: kind("withdraw", WITH_ISSUER_BYTE.withdraw, { request, amount }),
	deposit: kind("deposit", WITH_ISSUER_BYTE.deposit, {
		request,
		...TRANSFER_WITH_NOTES,
		...TERMS,
	}),
	exchange: kind<Exchange>("exchange", WITH_ISSUER_BYTE.exchange, {
		request,
		into,
		...TRANSFER_WITH_NOTES,
	}),
	claim: kind<Claim>("claim", WITH_ISSUER_BYTE.claim, {
		request,
		offset,
		note: bytes(1, MAX_NOTE_BYTES),
		chain,
	}),
	balance: kind<Request>("balance", WITH_ISSUER_BYTE.balance, { request }),
	inquire: kind("inquire", WITH_ISSUER_BYTE.inquire, {
		request,
		transfer: bytes(HASH_BYTES),
	}),
	issued: kind<IssuedNotes>("issued", WITH_ISSUER_BYTE.issued, {
		request,
		notes: list(bytes(0, MAX_NOTE_BYTES), 1, MAX_NEW_NOTES),
		chain,
	}),
	booked: kind<Booked>("booked", WITH_ISSUER_BYTE.booked, {
		request,
		credited: u64,
		conflicts: packed(bytes(HASH_BYTES), 0, MAX_PIECES),
	}),
	account: kind("account", WITH_ISSUER_BYTE.account, { request, balance: u64 }),
	declined: kind("declined", WITH_ISSUER_BYTE.declined, {
		request,
		...REFUSAL,
	}),
	outcome: kind<Outcome>("outcome", WITH_ISSUER_BYTE.outcome, {
		request,
		state: outcomeState,
		credited: u64,
		...KEY,
	}),
	resolve: kind("resolve", WITH_ISSUER_BYTE.resolve, {
		request,
		...TRANSFER_WITH_NOTES,
		...TERMS,
	}),
	secret: kind<SecretRequest>("secret", WITH_ISSUER_BYTE.secret, {
		request,
		generation: u32,
	}),
	sellingSecret: kind<SellingSecret>(
		"sellingSecret",
		WITH_ISSUER_BYTE.sellingSecret,
		{
			request,
			secret: bytes(SELLING_SECRET_BYTES),
			certificate: bytes(1, MAX_SELLING_CERTIFICATE_BYTES),
			chain,
		},
	),
};

interface Failed extends Contract, SaidRefusal {
	/** Whether money was committed and it is not known what became of it. */
	readonly isInDoubt: boolean;
}

/** A payment, and what its agents say that it is for; empty when they have not said. No part of the payment: asked for again with another text, it is the same. */
interface ToldPayment extends Payment {
	readonly text: string;
}

/** Between an agent and its own module, in session 3 or 4. */
export const WITH_AGENT: {
	/** Agent: pay. */
	readonly pay: MessageKind<ToldPayment>;
	/** Module: paid, and this is the payee's receipt. It is empty, and so is its chain, when the issuer has said that it was booked and no receipt has come. */
	readonly paid: MessageKind<Receipted & SaleKey>;
	/** Agent: the other side is going to pay this; take it. It counts in this tetrad. */
	readonly expect: MessageKind<ToldPayment>;
	/** Module: it may come. */
	readonly expecting: MessageKind<Contract>;
	/** Module: it came, and this is the receipt that was given for it. */
	readonly received: MessageKind<Receipted>;
	/** Module: no. */
	readonly failed: MessageKind<Failed>;
	/** Agent: the newest head of the module's purse that it has kept. Module: its head now. */
	readonly witness: MessageKind<Head>;
	/** Agent: the other side is your issuer; do what there is to do with it. */
	readonly settle: MessageKind<{ readonly issuer: Uint8Array }>;
	/** Module: done, with an empty code, or not; what came of it is for its owner. */
	readonly settled: MessageKind<SaidRefusal>;
} = {
	pay: kind("pay", WITH_AGENT_BYTE.pay, { ...PAYMENT, text: paymentText }),
	paid: kind("paid", WITH_AGENT_BYTE.paid, {
		contract,
		amount,
		receipt: bytes(0, MAX_RECEIPT_BYTES),
		chain: bytes(0, MAX_CHAIN_BYTES),
		...KEY,
	}),
	expect: kind("expect", WITH_AGENT_BYTE.expect, {
		...PAYMENT,
		text: paymentText,
	}),
	expecting: kind("expecting", WITH_AGENT_BYTE.expecting, { contract }),
	received: kind("received", WITH_AGENT_BYTE.received, {
		contract,
		amount,
		receipt,
		chain,
	}),
	failed: kind<Failed>("failed", WITH_AGENT_BYTE.failed, {
		contract,
		isInDoubt: bool,
		...REFUSAL,
	}),
	witness: kind("witness", WITH_AGENT_BYTE.witness, HEAD_FIELDS),
	settle: kind("settle", WITH_AGENT_BYTE.settle, { issuer: DEVICE_ID }),
	settled: kind<SaidRefusal>("settled", WITH_AGENT_BYTE.settled, {
		code: text(0, 40),
		reason,
	}),
};

const TYPES: ReadonlySet<number> = new Set([
	SEVERAL,
	...Object.values(LOCK_BYTE),
	...[BETWEEN_MODULES, WITH_ISSUER, WITH_AGENT].flatMap((kinds) =>
		Object.values(kinds).map(({ type }) => type),
	),
]);

const NOT_NOW: readonly string[] = ["busy", "store-full", "store-failed"];

/** Whether an issuer that declines with this code has not even looked: the same may be asked again. */
export function isNotNow(code: string): boolean {
	return NOT_NOW.includes(code);
}

/** Whether a message is one of money; any other first byte is somebody else's. */
export function isOfMoney(bytes: Uint8Array): boolean {
	return TYPES.has(bytes[0] ?? 0);
}

/** The bytes of one message: its type, then its body. */
export function message<Value>(
	kind: MessageKind<Value>,
	values: Value,
): Uint8Array {
	return kind.body.encodeMessage(kind.type, values);
}

/** The body of a message whose type was looked at. Bytes in it are views into `bytes`. Throws `malformed`. */
export function body<Value>(
	kind: MessageKind<Value>,
	bytes: Uint8Array,
): Value {
	if (bytes.length > 1 + kind.body.maxBytes)
		throw malformed(`${kind.body.name} is too long`);
	return kind.body.decode(bytes.subarray(1));
}

/** Documents or chains, as a store keeps them: `enc` of them. */
export function encodeList(items: readonly Uint8Array[]): Uint8Array {
	return enc(...items);
}

/** Throws `malformed` for none, and `limit-exceeded` for more than `max`. */
export function parseList(bytes: Uint8Array, max: number): Uint8Array[] {
	const items = dec(bytes, max);
	if (items.length === 0) throw malformed("a list is empty");
	return items;
}

/** Messages that stores keep and that had no `terms` and no `key` once. */
export const SENT_WITH_TERMS: readonly number[] = [
	WITH_ISSUER.deposit.type,
	WITH_ISSUER.resolve.type,
];
export const SAID_WITH_KEY: readonly number[] = [WITH_ISSUER.outcome.type];

/** A message of one of these types from before they had their last field, with that field, empty. */
export function withEmptyField(
	bytes: Uint8Array,
	types: readonly number[],
): Uint8Array {
	const [type] = bytes;
	return type !== undefined && types.includes(type)
		? concat(bytes, enc(new Uint8Array()))
		: bytes;
}
