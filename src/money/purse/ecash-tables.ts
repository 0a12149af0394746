/*
 * What a purse keeps of ecash: its proofs, how far it has derived outputs, what it has asked its
 * mints for, and the sales that were paid with it. Everything that is sent to a mint stands here
 * before it is sent, and the very bytes.
 */
import { type Row, type Table, table } from "../../machine/index.ts";

const PROOFS_COLUMNS = {
	/** SHA-256 of the secret. */
	id: "bytes",
	/** What stands for the mint (`mintId`). */
	mint: "bytes",
	/** The code of its unit. */
	currency: "text",
	keyset: "bytes",
	amount: "integer",
	/** Secret: whoever has it and the signature has the money. */
	secret: "text",
	signature: "bytes",
	/** enc(e, s, r), or empty. */
	dleq: "bytes",
} as const;

/** Proofs that can be spent. What a swap spends is in the swap, and not here any more. */
export const PROOFS: Table<typeof PROOFS_COLUMNS> = table(
	"ecash_proofs",
	PROOFS_COLUMNS,
	["id"],
	{ by_mint: ["mint", "id"] },
);

const COUNTERS_COLUMNS = {
	keyset: "bytes",
	/** The first from which no output was ever derived (NUT-13). */
	next: "integer",
} as const;

/** One for each keyset, also where two mints say that it is theirs: a counter is used once. */
export const COUNTERS: Table<typeof COUNTERS_COLUMNS> = table(
	"ecash_counters",
	COUNTERS_COLUMNS,
	["keyset"],
);

const LOCKED_COLUMNS = {
	/** The contract's hash, 32 bytes. */
	contract: "bytes",
	mint: "bytes",
	currency: "text",
	amount: "integer",
	/** Device id of the payee's module. */
	payee: "bytes",
	/** `partiesHash` of the four devices, 32 bytes. */
	parties: "bytes",
	terms: "bytes",
	/** SHA-256 of the key, 32 bytes. */
	key_hash: "bytes",
	/** Until when it could be committed; milliseconds since the epoch. */
	pay_by: "integer",
	/** From when on the mint gives it back, in seconds since the epoch. */
	deadline: "integer",
	/** When it was committed; milliseconds since the epoch. */
	committed: "integer",
	/** The swap that locks it (`encodeSwap`), from before it is sent. Secret. */
	lock_swap: "bytes",
	/** What that swap spends, in minor units: the amount, what the mint asks, and change. A balance is read without opening the swap. */
	spends: "integer",
	/** The one that takes the money back, before or after it is locked; empty without one. Secret. */
	back_swap: "bytes",
	/** The proofs of the lock (`encodeLock`); empty before there are any. */
	lock: "bytes",
	/** What has come back of the amount: less than that by what a mint asks for giving it back; zero until then. */
	returned: "integer",
	/** What it takes beside the amount: what its mint asks for spending what it is paid with, and for the payee's claim. Of what has come back, what of that is gone. */
	fee: "integer",
	state: "text",
	/** 32 bytes; empty before there is one. */
	key: "bytes",
	receipt: "bytes",
	/** Hash of the chain under which the payee signed it, which is in `receipt_chains`; empty without one. */
	receipt_chain: "bytes",
	/** When it was counted against the owner's limits; zero when it was not. */
	counted: "integer",
	what: "text",
} as const;

/**
 * What was paid with ecash. State: `locking`, `taking-back`, `locked`, `refunding`, `keyed`,
 * `refunded` or `declined`; paying.ts has them in their order.
 */
export const LOCKED: Table<typeof LOCKED_COLUMNS> = table(
	"ecash_paid",
	LOCKED_COLUMNS,
	["contract"],
	{ by_state: ["state", "contract"], by_payee: ["payee", "state", "contract"] },
);

const CLAIMED_COLUMNS = {
	contract: "bytes",
	mint: "bytes",
	currency: "text",
	amount: "integer",
	/** Device id of the payer's module. */
	payer: "bytes",
	terms: "bytes",
	/** The proofs of the lock, as they came. */
	lock: "bytes",
	/** The goods key, 32 bytes: it leaves this module when the money is its own. Secret. */
	key: "bytes",
	receipt: "bytes",
	/** Hash of the own chain under which it was signed, which is in `issuer_chains`. */
	receipt_chain: "bytes",
	/** The swap that claims it (`encodeSwap`), from before it is sent. Secret. */
	claim_swap: "bytes",
	/** When it was written down; milliseconds since the epoch. */
	accepted: "integer",
	state: "text",
} as const;

/** What was sold for ecash. State: `claiming`, `claimed`, or `refused` when its payer had taken it back, or it was none. */
export const CLAIMED: Table<typeof CLAIMED_COLUMNS> = table(
	"ecash_sold",
	CLAIMED_COLUMNS,
	["contract"],
	{ by_state: ["state", "contract"] },
);

const RECEIVED_COLUMNS = {
	/** 16 bytes: names it for ever. */
	request: "bytes",
	mint: "bytes",
	/** What of it is the purse's, after what the mint asks for. */
	amount: "integer",
	/** The swap that makes it the purse's (`encodeSwap`); empty where its mint was not asked for it. Secret. */
	swap: "bytes",
	/** Why it was refused; empty where that is not so. */
	code: "text",
	reason: "text",
	/** When it was asked for; milliseconds since the epoch. */
	asked: "integer",
	state: "text",
} as const;

/** Ecash that the owner put into the purse. State: `swapping`, `received`, or `refused` when it had been spent, or its mint never lets the purse have it. */
export const RECEIVED: Table<typeof RECEIVED_COLUMNS> = table(
	"ecash_received",
	RECEIVED_COLUMNS,
	["request"],
	{ by_state: ["state", "request"] },
);

const ECASH_ORDERS_COLUMNS = {
	/** 16 bytes: names it for ever. */
	request: "bytes",
	/** `send`, `mint`, `melt` or `restore`. */
	kind: "text",
	mint: "bytes",
	currency: "text",
	/** What is in the token, minted, paid by the mint, or restored. */
	amount: "integer",
	/** What it has cost beside that, once it is known. */
	fee: "integer",
	/** What the mint's name of the quote is. Secret: whoever knows that of ecash to be minted can have it. */
	quote: "text",
	/** What was to be paid for new ecash, or what the mint pays. */
	invoice: "text",
	/** Until when the mint lets the quote count, in seconds since the epoch; zero without an end. */
	expires: "integer",
	/** The request that does it (`encodeSwap`), from before it is sent; empty without one. Secret. */
	swap: "bytes",
	/** What that spends; of a restore what it has taken out, or what its mint is working on until that is known. A balance is read without opening it. */
	spends: "integer",
	/** The swap that takes back what was sent, or was to pay; empty without one. Secret. */
	back_swap: "bytes",
	/** The proofs of a token that was made, or that a restore has found while its mint was working on them (`encodeProofs`); empty without any. Secret. */
	token: "bytes",
	/** What of it has come back. */
	returned: "integer",
	/** That an invoice was paid, as the mint tells it; empty where it does not. */
	preimage: "text",
	/** Why it was not done; empty where that is not so. */
	code: "text",
	reason: "text",
	/** When it was ordered; milliseconds since the epoch. */
	asked: "integer",
	/** When the mint said last that an invoice is unpaid whose end is over, and how long it has been over, as far as the purse has seen that go by; milliseconds, zero before. */
	over_heard: "integer",
	over_seen: "integer",
	/** Of a restore whose mint is working on something, how much of that the purse had before, which stands first in its token; zero of all else. */
	had: "integer",
	state: "text",
} as const;

/**
 * What the owner has ordered of mints. State of a token: `swapping`, `sent`, `taking-back`, then
 * `redeemed` or `taken-back`, or `failed` where it was never made; of new ecash: `unpaid`, `minting`, then `minted` or `lapsed`; of an
 * invoice: `melting`, `taking-back`, then `paid` or `failed`; of a restore: `restoring`, `pending`, `restored`.
 * `declined` is what another copy of the purse had spent before, and `refused` what was never begun.
 */
export const ECASH_ORDERS: Table<typeof ECASH_ORDERS_COLUMNS> = table(
	"ecash_orders",
	ECASH_ORDERS_COLUMNS,
	["request"],
	{ by_state: ["state", "request"] },
);

const KEYSETS_COLUMNS = {
	mint: "bytes",
	/** Its id. */
	keyset: "bytes",
	/** What the mint said of it last (`encodeKeyset`), the keys among it. */
	said: "bytes",
} as const;

/** The keysets that mints have shown: what is open is asked about and claimed also while a mint does not say what it is. */
export const KEYSETS: Table<typeof KEYSETS_COLUMNS> = table(
	"ecash_keysets",
	KEYSETS_COLUMNS,
	["mint", "keyset"],
);

export type KeysetRow = Row<typeof KEYSETS.columns>;
export type EcashOrderRow = Row<typeof ECASH_ORDERS.columns>;
export type ReceivedRow = Row<typeof RECEIVED.columns>;
export type ProofRow = Row<typeof PROOFS.columns>;
export type LockedRow = Row<typeof LOCKED.columns>;
export type ClaimedRow = Row<typeof CLAIMED.columns>;
