/*
 * What a purse keeps. Amounts are minor units, times are milliseconds since the epoch, and what
 * is called a hash or an id is in the bytes that its document gives it. An owner can read all of
 * it with SQL. Secret are the rows `invoice key`, `ecash seed` and `ecash entropy` of `meta`, what
 * `selling_secrets` has, and the keys and exporters of purchases: each of them opens something.
 */
import type { CryptoProvider } from "../../crypto/index.ts";
import {
	addColumn,
	type Columns,
	type Read,
	type Row,
	rewrite,
	type Schema,
	schema,
	type Table,
	type Transaction,
	table,
	type Write,
} from "../../machine/index.ts";
import { dec, sameBytes } from "../../wire/index.ts";
import {
	FIRST_HEAD,
	type Head,
	NO_TERMS,
	SAID_WITH_KEY,
	SENT_WITH_TERMS,
	withEmptyField,
} from "../documents/index.ts";
import {
	type DeviceLogEntry,
	HEAD_READ,
	headOf,
	LOG,
	type LogRow,
	logging,
} from "../log.ts";
import {
	CLAIMED,
	COUNTERS,
	ECASH_ORDERS,
	KEYSETS,
	LOCKED,
	PROOFS,
	RECEIVED,
} from "./ecash-tables.ts";
import { MAX_META_LIST } from "./purse-limits.ts";
import { PURCHASES, SELLING_SECRETS } from "./sale-tables.ts";
import { APPROVALS, SPENT, SPENT_IN_ALL } from "./spending-tables.ts";

export { HEAD_READ, headOf, LOG, type LogRow, logBytes } from "../log.ts";

const META_COLUMNS = { name: "text", value: "bytes" } as const;

export const META: Table<typeof META_COLUMNS> = table("meta", META_COLUMNS, [
	"name",
]);

export const INVOICE_KEY_NAME = "invoice key";

/** What outputs and keys of ecash are derived from; there once a mint was named. Secret. */
export const ECASH_SEED_NAME = "ecash seed";

/** What the words of that seed say (BIP 39), 16 to 32 bytes; not there where it was drawn without words. Secret. */
export const ECASH_ENTROPY_NAME = "ecash entropy";

/** There where no counter of that seed was ever one of a lock: it was drawn by this purse, and after locks had none of them. */
export const APART_LOCKS_NAME = "ecash locks apart";

/** The head of a witness that this purse never had, as `encodeHead` has it, or `restoredHead`; there while the purse is behind. */
export const BEHIND_NAME = "behind";

/** The newest head of a witness that a purse never had which is behind because of its restore: it is behind of that one when the restore is over. */
export const LACKED_NAME = "lacked";

/**
 * What a purse is behind that was restored from a backup, with so many changes in it: whatever was
 * done since, which no witness may know. No purse comes to it, for only the first head has zeros.
 */
export function restoredHead(number: bigint): Head {
	return { number, hash: FIRST_HEAD.hash };
}

/** Whether a head that a purse is behind is such a one. */
export function isRestoredHead({ hash }: Head): boolean {
	return sameBytes(hash, FIRST_HEAD.hash);
}

/** Heads that the owner has overridden, `enc` of them, the newest last. */
export const OVERRIDDEN_NAME = "overridden";

/**
 * There from when the purse has to meet its issuers before it pays: device ids of those that it
 * has met since, `enc` of them.
 */
export const MET_NAME = "met";

/** Where the store was when it was last opened, so that one that was put back or copied is noticed; its host says how. */
export const PLACE_NAME = "place";

/** Number and hash of the newest archive, as `encodeHead` has it. */
export const ARCHIVE_NAME = "archive";

/** The owner's limits that are in force, as the owner signed them. */
export const LIMITS_NAME = "limits";

/** In the place of an archive's hash in rows that are whole. */
export const NOT_ARCHIVED: Uint8Array = new Uint8Array();

const ISSUER_CHAINS_COLUMNS = { hash: "bytes", chain: "bytes" } as const;

/** The chains under which issuers signed the notes in all other tables, and this module its receipts: a purse has them at hand. */
export const ISSUER_CHAINS: Table<typeof ISSUER_CHAINS_COLUMNS> = table(
	"issuer_chains",
	ISSUER_CHAINS_COLUMNS,
	["hash"],
);

const RECEIPT_CHAINS_COLUMNS = { hash: "bytes", chain: "bytes" } as const;

/** The chains under which payees signed the receipts in `payments`: there may be many. */
export const RECEIPT_CHAINS: Table<typeof RECEIPT_CHAINS_COLUMNS> = table(
	"receipt_chains",
	RECEIPT_CHAINS_COLUMNS,
	["hash"],
);

const NOTES_COLUMNS = {
	id: "bytes",
	document: "bytes",
	/** Hash of the issuer's chain. */
	chain: "bytes",
	issuer: "bytes",
	currency: "text",
	value: "integer",
	expires: "integer",
	/** Everything below this offset was given away. */
	spent: "integer",
	state: "text",
} as const;

/**
 * Notes that this module holds. State: `live` while something is left, `used` when all was given
 * away, `claimed` when the rest went back to the account after the note had expired, `lost` when
 * the rest did not, because the issuer has forgotten the note.
 */
export const NOTES: Table<typeof NOTES_COLUMNS> = table(
	"notes",
	NOTES_COLUMNS,
	["id"],
	{ by_state: ["state"] },
);

const PAYMENTS_COLUMNS = {
	contract: "bytes",
	transfer_id: "bytes",
	transfer: "bytes",
	/** Documents of the notes, `enc` of them. */
	notes: "bytes",
	/** Hashes of the issuer's chains, `enc` of them. */
	chains: "bytes",
	payee: "bytes",
	parties: "bytes",
	pay_by: "integer",
	tag: "bytes",
	issuer: "bytes",
	currency: "text",
	amount: "integer",
	/** What of the amount is in doubt. */
	in_doubt: "integer",
	committed: "integer",
	state: "text",
	/** Empty until it has come, which for a sale may be before it is settled, and after that when its issuer has spoken first; and for an exchange. */
	receipt: "bytes",
	/** Hash of the payee's chain under which it signed the receipt; empty without one, and for receipts of version 1. */
	receipt_chain: "bytes",
	/** Of a sale: what its contract is the hash of, and the chain of its signer. Empty for a payment. */
	terms: "bytes",
	/** Of a sale: SHA-256 of the key that it is paid for. Empty for a payment. */
	key_hash: "bytes",
	/** That key; empty until it has come. */
	key: "bytes",
	/** Hash of the archive that has transfer, notes, chains and terms, which are empty here then; else empty. */
	archive: "bytes",
	/** When it was counted against the owner's limits, by their clock; zero when it was not. */
	counted: "integer",
	/** What it is for, as the own agent or, of a sale, its payee says; empty when nobody has said, and for payments from before version 10. */
	what: "text",
} as const;

/**
 * Transfers that this module has signed, exchanges with an issuer among them. State: `committed`
 * until the payee's receipt or the issuer's answer is there, then `settled`; a sale whose key came
 * from its payee is `keyed` until its issuer has been handed it, too; `lapsed` when their
 * issuer declared them void and gave back what of them was free; `short` when the
 * issuer credited the payee with less, because ranges had been booked before; `lost` when the
 * issuer has forgotten the notes.
 */
export const PAYMENTS: Table<typeof PAYMENTS_COLUMNS> = table(
	"payments",
	PAYMENTS_COLUMNS,
	["contract"],
	{
		by_state: ["state"],
		by_archive: ["archive", "state"],
		by_payee: ["payee", "state"],
	},
);

const RECEIPTS_COLUMNS = {
	contract: "bytes",
	transfer_id: "bytes",
	transfer: "bytes",
	notes: "bytes",
	chains: "bytes",
	payer: "bytes",
	/** What the payer's certificate attested. */
	level: "text",
	issuer: "bytes",
	currency: "text",
	amount: "integer",
	receipt: "bytes",
	/** Hash of the own chain under which it was signed; empty for receipts of version 1. */
	receipt_chain: "bytes",
	accepted: "integer",
	state: "text",
	/** The request that deposits it; empty before there is one. */
	request: "bytes",
	credited: "integer",
	/** As in `payments`. */
	terms: "bytes",
	/** The key that was sold; empty for a payment. */
	key: "bytes",
	/** As in `payments`. */
	archive: "bytes",
	/** What it is for, as the own agent said when it expected it; empty when it did not. */
	what: "text",
} as const;

/**
 * Transfers that this module was paid with. State: `to-deposit`, then `deposited`, or `refused`
 * when the issuer would not book it and, by the own clock, its notes and the grace are over.
 * `to-book` instead of `to-deposit` is a transfer that is taken only once its issuer has booked all
 * of it: its receipt is given to nobody before that, and is made empty when that does not happen.
 */
export const RECEIPTS: Table<typeof RECEIPTS_COLUMNS> = table(
	"receipts",
	RECEIPTS_COLUMNS,
	["contract"],
	{
		by_state: ["state"],
		by_issuer: ["state", "issuer"],
		by_archive: ["archive", "state"],
	},
);

const REQUESTS_COLUMNS = {
	request: "bytes",
	/** `withdraw`, `deposit`, `exchange` (for notes), `return` (to the account), `claim`, `resolve`, or `give-back` (an owner's order to return everything). */
	kind: "text",
	issuer: "bytes",
	/** The contract of a deposit, an exchange, a return or a transfer to resolve; the note of a claim; or empty. */
	subject: "bytes",
	amount: "integer",
	/** What is sent, byte for byte; empty for `give-back`. */
	message: "bytes",
	state: "text",
	/** The issuer's answer, byte for byte; empty until it came. */
	outcome: "bytes",
	/** How often a withdrawal was sent, or may have been, without an answer for good: each such sending may have been carried out. */
	unanswered: "integer",
	/** When a withdrawal with such sendings was last declined, and how long it has been so as far as this purse has seen its clock go by; zero before that. */
	declined_heard: "integer",
	declined_seen: "integer",
} as const;

/**
 * Requests to issuers. State: `ordered` until there is an answer, then `answered` or `declined`. A
 * withdrawal is `declined` when each of its sendings was, or when it was so for long.
 * What was declined and is asked for again under another id has no row any more. A withdrawal is
 * `cancelled` when its owner took it back before it was ever sent.
 */
export const REQUESTS: Table<typeof REQUESTS_COLUMNS> = table(
	"requests",
	REQUESTS_COLUMNS,
	["request"],
	{ by_issuer: ["state", "issuer"], by_subject: ["subject"] },
);

const UNKNOWN_COLUMNS = {
	/** A contract, or a note that is claimed. */
	subject: "bytes",
	/** When the issuer said so last. */
	heard: "integer",
	/** How long it has said so, as far as this purse has seen its clock go by; milliseconds. */
	seen: "integer",
} as const;

/** Transfers and notes of which the issuer said last that it does not know the notes. */
export const UNKNOWN: Table<typeof UNKNOWN_COLUMNS> = table(
	"unknown_notes",
	UNKNOWN_COLUMNS,
	["subject"],
);

const PROMISES_OF_3_COLUMNS = {
	contract: "bytes",
	payer: "bytes",
	until: "integer",
	promised: "integer",
} as const;

const PROMISES_INDEXES = {
	by_payer: ["payer", "promised"],
	by_until: ["until"],
} as const;

/** As they were in version 3. */
const PROMISES_OF_3: Table<typeof PROMISES_OF_3_COLUMNS> = table(
	"promises",
	PROMISES_OF_3_COLUMNS,
	["contract"],
	PROMISES_INDEXES,
);

const PROMISES_COLUMNS = {
	contract: "bytes",
	/** Device id. */
	payer: "bytes",
	/** When the last of the notes expires that were shown for it. */
	until: "integer",
	promised: "integer",
	/** As in `receipts`, where it goes when it is paid. */
	what: "text",
} as const;

/**
 * Payers that this module has agreed to be paid by and that have not paid: they may have committed,
 * and nobody else is let pay for the same contract.
 */
export const PROMISES: Table<typeof PROMISES_COLUMNS> = table(
	"promises",
	PROMISES_COLUMNS,
	["contract"],
	PROMISES_INDEXES,
);

/** As they were in versions 7 and 11. */
const { fee: _feeOfApproval, ...APPROVALS_OF_7_COLUMNS } = APPROVALS.columns;
const APPROVALS_OF_7: Table<typeof APPROVALS_OF_7_COLUMNS> = table(
	"approvals",
	APPROVALS_OF_7_COLUMNS,
	["contract"],
);
const { fee: _feeOfLocked, ...LOCKED_OF_11_COLUMNS } = LOCKED.columns;
const LOCKED_OF_11: Table<typeof LOCKED_OF_11_COLUMNS> = table(
	"ecash_paid",
	LOCKED_OF_11_COLUMNS,
	["contract"],
	{ by_state: ["state", "contract"], by_payee: ["payee", "state", "contract"] },
);

const {
	code: _codeOfReceived,
	reason: _reasonOfReceived,
	...RECEIVED_OF_11_COLUMNS
} = RECEIVED.columns;
const RECEIVED_OF_11: Table<typeof RECEIVED_OF_11_COLUMNS> = table(
	"ecash_received",
	RECEIVED_OF_11_COLUMNS,
	["request"],
	{ by_state: ["state", "request"] },
);

const REFUSED_BEFORE = {
	code: "double-spent",
	reason:
		"that ecash was spent before, or its mint says that it is none; nothing was received",
} as const;

/** As they were in version 17. */
const {
	declined_heard: _heardOfRequest,
	declined_seen: _seenOfRequest,
	...KEPT_REQUESTS_COLUMNS
} = REQUESTS.columns;
const REQUESTS_OF_17: Table<
	typeof KEPT_REQUESTS_COLUMNS & { readonly first_declined: "integer" }
> = table(
	"requests",
	{ ...KEPT_REQUESTS_COLUMNS, first_declined: "integer" },
	["request"],
	{ by_issuer: ["state", "issuer"], by_subject: ["subject"] },
);

/** As they were in version 12. */
const {
	over_heard: _heardOfOrder,
	over_seen: _seenOfOrder,
	had: _hadOfOrder,
	...ECASH_ORDERS_OF_12_COLUMNS
} = ECASH_ORDERS.columns;
const ECASH_ORDERS_OF_12: Table<typeof ECASH_ORDERS_OF_12_COLUMNS> = table(
	"ecash_orders",
	ECASH_ORDERS_OF_12_COLUMNS,
	["request"],
	{ by_state: ["state", "request"] },
);

const ABORTED_COLUMNS = { contract: "bytes", at: "integer" } as const;

/** Contracts that this module will never pay: they were cancelled before they were committed. */
export const ABORTED: Table<typeof ABORTED_COLUMNS> = table(
	"aborted",
	ABORTED_COLUMNS,
	["contract"],
	{ by_at: ["at"] },
);

/** The device ids of `MET_NAME`, and the heads of `OVERRIDDEN_NAME`. */
export function idsIn(value: Uint8Array): readonly Uint8Array[] {
	return dec(value, MAX_META_LIST);
}

/** In the place of a chain's hash where there is no chain, or none is known. */
export const NO_CHAIN: Uint8Array = new Uint8Array();

/** In the place of a key where there is none. */
export const NO_KEY: Uint8Array = new Uint8Array();

/** For whoever opens the store. */
export const PURSE_SCHEMA: Schema = schema(
	"purse",
	[
		META,
		ISSUER_CHAINS,
		RECEIPT_CHAINS,
		NOTES,
		PAYMENTS,
		RECEIPTS,
		REQUESTS,
		LOG,
		PROMISES,
		ABORTED,
		SPENT,
		SPENT_IN_ALL,
		APPROVALS,
		PURCHASES,
		SELLING_SECRETS,
		PROOFS,
		COUNTERS,
		LOCKED,
		CLAIMED,
		RECEIVED,
		ECASH_ORDERS,
		KEYSETS,
		UNKNOWN,
	],
	{
		to: 2,
		steps: [
			{ kind: "add-table", table: RECEIPT_CHAINS },
			addColumn("payments", "receipt_chain", "bytes", NO_CHAIN),
			addColumn("receipts", "receipt_chain", "bytes", NO_CHAIN),
		],
	},
	{ to: 3, steps: [{ kind: "add-table", table: PROMISES_OF_3 }] },
	{
		to: 4,
		steps: [
			addColumn("payments", "archive", "bytes", NOT_ARCHIVED),
			addColumn("receipts", "archive", "bytes", NOT_ARCHIVED),
			{
				kind: "add-index",
				table: "payments",
				index: "by_archive",
				columns: ["archive", "state"],
			},
			{
				kind: "add-index",
				table: "receipts",
				index: "by_archive",
				columns: ["archive", "state"],
			},
			{
				kind: "add-index",
				table: "requests",
				index: "by_subject",
				columns: ["subject"],
			},
		],
	},
	{
		to: 5,
		steps: [
			// Nobody has written down whether what is open was sent.
			addColumn("requests", "unanswered", "integer", 1n),
			addColumn("requests", "first_declined", "integer", 0n),
		],
	},
	{
		to: 6,
		steps: [
			addColumn("payments", "terms", "bytes", NO_TERMS),
			addColumn("payments", "key_hash", "bytes", NO_KEY),
			addColumn("payments", "key", "bytes", NO_KEY),
			addColumn("receipts", "terms", "bytes", NO_TERMS),
			addColumn("receipts", "key", "bytes", NO_KEY),
			// What is stored is sent and read as it stands, and has one field more now.
			rewrite(REQUESTS_OF_17, REQUESTS_OF_17, (row) => ({
				...row,
				message: withEmptyField(row.message, SENT_WITH_TERMS),
				outcome: withEmptyField(row.outcome, SAID_WITH_KEY),
			})),
		],
	},
	{
		to: 7,
		steps: [
			addColumn("payments", "counted", "integer", 0n),
			{
				kind: "add-index",
				table: "payments",
				index: "by_payee",
				columns: ["payee", "state"],
			},
			{ kind: "add-table", table: SPENT },
			{ kind: "add-table", table: SPENT_IN_ALL },
			{ kind: "add-table", table: APPROVALS_OF_7 },
		],
	},
	{ to: 8, steps: [{ kind: "add-table", table: ABORTED }] },
	{
		to: 9,
		steps: [
			{ kind: "add-table", table: PURCHASES },
			{ kind: "add-table", table: SELLING_SECRETS },
		],
	},
	{
		to: 10,
		steps: [
			addColumn("payments", "what", "text", ""),
			addColumn("receipts", "what", "text", ""),
			addColumn("promises", "what", "text", ""),
		],
	},
	{
		to: 11,
		steps: [
			{ kind: "add-table", table: PROOFS },
			{ kind: "add-table", table: COUNTERS },
			{ kind: "add-table", table: LOCKED_OF_11 },
			{ kind: "add-table", table: CLAIMED },
			{ kind: "add-table", table: RECEIVED_OF_11 },
		],
	},
	{
		to: 12,
		steps: [
			{ kind: "add-table", table: ECASH_ORDERS_OF_12 },
			{ kind: "add-table", table: KEYSETS },
		],
	},
	{
		to: 13,
		steps: [
			// What was paid before counts without its fees, as it was counted then.
			addColumn("ecash_paid", "fee", "integer", 0n),
			addColumn("approvals", "fee", "integer", 0n),
		],
	},
	{ to: 14, steps: [{ kind: "add-table", table: UNKNOWN }] },
	{
		to: 15,
		steps: [
			addColumn("ecash_orders", "over_heard", "integer", 0n),
			addColumn("ecash_orders", "over_seen", "integer", 0n),
		],
	},
	// What a swap is to have signed may be an output of a lock, too, which has a form of its own.
	{ to: 16, steps: [addColumn("ecash_orders", "had", "integer", 0n)] },
	{
		to: 17,
		steps: [
			addColumn("ecash_received", "code", "text", ""),
			addColumn("ecash_received", "reason", "text", ""),
			// Nobody has written down which of the two it was.
			rewrite(RECEIVED, RECEIVED, (row) =>
				row.state === "refused" ? { ...row, ...REFUSED_BEFORE } : row,
			),
		],
	},
	{
		to: 18,
		steps: [
			rewrite(REQUESTS_OF_17, REQUESTS, ({ first_declined, ...row }) => ({
				...row,
				declined_heard: first_declined,
				declined_seen: 0n,
			})),
		],
	},
);

export type MetaRow = Row<typeof META.columns>;
export type NoteRow = Row<typeof NOTES.columns>;
export type PaymentRow = Row<typeof PAYMENTS.columns>;
export type ReceiptRow = Row<typeof RECEIPTS.columns>;
export type RequestRow = Row<typeof REQUESTS.columns>;
export type UnknownRow = Row<typeof UNKNOWN.columns>;

export type RequestRowKind =
	| "withdraw"
	| "deposit"
	| "exchange"
	| "return"
	| "claim"
	| "resolve"
	| "give-back";

/** What the log calls a change. */
export type What =
	| "ordered"
	/** The owner took an order back that was not sent yet. */
	| "cancelled"
	| "committed"
	| "paid"
	/** What a mint has taken for a payment, beside what was paid or came back. */
	| "fee"
	/** Its payee was credited with that amount, which is less. */
	| "short"
	/** Nobody had it booked, and now it cannot be any more. */
	| "lapsed"
	| "received"
	/** A transfer is there that is taken once it is booked. */
	| "to-book"
	| "depositing"
	| "deposited"
	| "withdrawn"
	| "exchanged"
	/** What was locked for this purse was spent by somebody else. */
	| "refused"
	/** Ecash is given to a mint for a token, and the token is there. */
	| "sending"
	| "sent"
	/** What was sent, or was to pay an invoice, is the purse's again. */
	| "taken-back"
	/** A token was redeemed by whoever has it. */
	| "redeemed"
	| "minted"
	/** Ecash is given to a mint for an invoice, and the mint has paid it. */
	| "melting"
	| "melted"
	/** Ecash was found at its mint that follows from the purse's seed. */
	| "restored"
	| "claiming"
	| "claimed"
	| "resolving"
	| "void"
	| "booked"
	| "declined"
	/** The issuer said for the first time that it does not know the notes; and it stayed at that until nothing more was to be had of them. */
	| "unknown"
	| "lost"
	/** So many payments were written into an archive, whose hash is the subject, and pruned. */
	| "archived"
	/** A witness told a head that this purse never had, or it was restored from a backup. */
	| "behind"
	/** The owner said that such a head does not count. */
	| "overridden"
	/** An issuer was met after the store had been put back or copied. */
	| "met"
	/** The owner's limits of that number are in force. */
	| "limits"
	/** What the owner said to a payment that waited. */
	| "approved"
	| "denied";

/** A contract, a request, a note, or the hash of a head that a witness told; and the device id of the other module, of the agent whose record disagrees, or of this module, for its restore and for what its owner overrode. */
export type LogEntry = DeviceLogEntry<What>;

/** What a transaction of a purse decides on: with entries, its head moves on; without, it stays. */
export interface Change<Result> {
	readonly entries: readonly LogEntry[];
	readonly writes: readonly Write[];
	readonly result: Result;
}

/** The head after a transaction, and what it decided. */
export interface Changed<Result> {
	readonly head: Head;
	readonly result: Result;
}

export function unchanged<Result>(result: Result): Change<Result> {
	return { entries: [], writes: [], result };
}

/** Reads, decides, and writes the next heads along with the changes that make them. */
export function changing<const Of extends readonly Columns[], Result>(
	crypto: CryptoProvider,
	now: number,
	reads: { readonly [At in keyof Of]: Read<Of[At]> },
	decide: (
		rows: { readonly [At in keyof Of]: readonly Row<Of[At]>[] },
	) => Change<Result>,
): Transaction<Changed<Result>> {
	const all = [HEAD_READ, ...reads] as unknown as readonly Read[];
	return {
		kind: "read",
		reads: all,
		decide: ([headRows, ...rows]) => {
			const { entries, writes, result } = decide(rows as never);
			const head = headOf((headRows ?? []) as readonly LogRow[]);
			const log = logging(crypto, head, entries, now);
			return {
				kind: "done",
				writes: [...writes, ...log.writes],
				result: { head: log.head, result },
			};
		},
	};
}

/** Reads all rows of an order, a batch after the other; `column` is the one after those of `equals`, and no two rows agree in it. */
export function folding<Of extends Columns, Sum, Result>(
	read: Omit<Read<Of>, "limit">,
	column: keyof Of & string,
	sum: Sum,
	fold: (sum: Sum, rows: readonly Row<Of>[]) => Sum,
	then: (sum: Sum) => Transaction<Result>,
): Transaction<Result> {
	return {
		kind: "read",
		reads: [{ ...read, limit: ROWS_PER_READ } as unknown as Read],
		decide: ([found]) => {
			const rows = (found ?? []) as readonly Row<Of>[];
			const next = fold(sum, rows);
			const last = rows.at(-1);
			if (last === undefined || rows.length < ROWS_PER_READ) return then(next);
			return folding(
				{ ...read, above: last[column] },
				column,
				next,
				fold,
				then,
			);
		},
	};
}

const ROWS_PER_READ = 1000;
