/*
 * What an issuer keeps. All amounts are minor units of its one currency, all times milliseconds
 * since the epoch. No row is read and written by every request: an account belongs to one module,
 * and what the issuer owes in notes is the sum of entries, which only the audit needs.
 */
import {
	type AnyTable,
	addColumn,
	type Columns,
	type Row,
	rewrite,
	type Schema,
	schema,
	type Table,
	table,
} from "../../machine/index.ts";
import { SAID_WITH_KEY, withEmptyField } from "../documents/index.ts";

const ACCOUNTS_COLUMNS = {
	id: "bytes",
	name: "text",
	balance: "integer",
	opened: "integer",
} as const;

/** The accounts of modules, by device id. */
export const ACCOUNTS: Table<typeof ACCOUNTS_COLUMNS> = table(
	"accounts",
	ACCOUNTS_COLUMNS,
	["id"],
	{ by_name: ["name"] },
);

const ENTRIES_COLUMNS = {
	at: "integer",
	/** What `requestTransaction` or `creditTransaction` makes of its cause. */
	transaction: "bytes",
	account: "bytes",
	amount: "integer",
	/** withdraw, deposit, exchange, claim, void or credit. */
	kind: "text",
	reference: "bytes",
} as const;

/**
 * Double entry: the two lines of a transaction sum to zero. `account` is a device id or one of
 * `SYSTEM`; `reference` is the note, the transfer or the operator's text that it is about.
 */
export const ENTRIES: Table<typeof ENTRIES_COLUMNS> = table(
	"entries",
	ENTRIES_COLUMNS,
	["at", "transaction", "account"],
	{ by_account: ["account"] },
);

const NOTES_COLUMNS = {
	id: "bytes",
	holder: "bytes",
	/** Certificate id of the holder when it was issued. */
	holder_certificate: "bytes",
	request: "bytes",
	value: "integer",
	issued: "integer",
	expires: "integer",
	document: "bytes",
} as const;

/** Every note that was ever issued; `holder` and `request` say in answer to what. */
export const NOTES: Table<typeof NOTES_COLUMNS> = table(
	"notes",
	NOTES_COLUMNS,
	["id"],
);

const BOOKINGS_COLUMNS = {
	note: "bytes",
	offset: "integer",
	amount: "integer",
	/** deposit, exchange, claim or void. */
	kind: "text",
	/** The transfer, or the transaction of the claim. */
	reference: "bytes",
	at: "integer",
} as const;

/** The ranges of notes that came back. No two of a note overlap. */
export const BOOKINGS: Table<typeof BOOKINGS_COLUMNS> = table(
	"bookings",
	BOOKINGS_COLUMNS,
	["note", "offset"],
);

const TRANSFERS_COLUMNS = {
	id: "bytes",
	document: "bytes",
	/** The request that handed it in. */
	request: "bytes",
	booked: "integer",
	at: "integer",
	/** 1 when its payer handed it in, to have it resolved; else 0: its payee did or, for an exchange, its payer. */
	resolved: "integer",
} as const;

/** Every transfer that a module handed in and that its holder signed, also when nothing of it could be booked: evidence. */
export const TRANSFERS: Table<typeof TRANSFERS_COLUMNS> = table(
	"transfers",
	TRANSFERS_COLUMNS,
	["id"],
);

const VOIDS_COLUMNS = {
	transfer: "bytes",
	/** The payer's, to have it resolved. */
	request: "bytes",
	/** What of it was free. */
	returned: "integer",
	at: "integer",
} as const;

/** Transfers that will never be booked any more. What of them was free is in the account of their payer. */
export const VOIDS: Table<typeof VOIDS_COLUMNS> = table(
	"voids",
	VOIDS_COLUMNS,
	["transfer"],
);

const SALES_COLUMNS = {
	transfer: "bytes",
	/** What the transfer is for; a buyer knows its purchase by it. */
	contract: "bytes",
	/** booked, void or declined. */
	state: "text",
	/** The goods key of one that is booked; else empty. */
	key: "bytes",
	/** The contract and the chain of its signer, as they were first handed in. */
	terms: "bytes",
} as const;

/** Transfers that are marked as sales, and what became of each when it was handed in. A void one has its row in `VOIDS` once its payer was credited. */
export const SALES: Table<typeof SALES_COLUMNS> = table(
	"sales",
	SALES_COLUMNS,
	["transfer"],
	{ by_contract: ["contract"] },
);

const CHAINS_COLUMNS = { certificate: "bytes", chain: "bytes" } as const;

/** The chains of the issuer under which it signed notes, and of their holders, by certificate id: evidence needs both. */
export const CHAINS: Table<typeof CHAINS_COLUMNS> = table(
	"chains",
	CHAINS_COLUMNS,
	["certificate"],
);

const ANSWERS_COLUMNS = {
	device: "bytes",
	request: "bytes",
	/** SHA-256 over what was asked. */
	asked: "bytes",
	answer: "bytes",
	at: "integer",
} as const;

/** What was answered to a request that changed anything, so that it has the same answer for ever. */
export const ANSWERS: Table<typeof ANSWERS_COLUMNS> = table(
	"answers",
	ANSWERS_COLUMNS,
	["device", "request"],
);

const CONFLICTS_COLUMNS = {
	/** SHA-256 over note, first and second. */
	id: "bytes",
	note: "bytes",
	first: "bytes",
	second: "bytes",
	holder: "bytes",
	at: "integer",
} as const;

/** Two transfers by one holder that overlap on a note. The first was booked. */
export const CONFLICTS: Table<typeof CONFLICTS_COLUMNS> = table(
	"conflicts",
	CONFLICTS_COLUMNS,
	["id"],
	{ by_second: ["second"], by_holder: ["holder"] },
);

const HEADS_COLUMNS = {
	device: "bytes",
	number: "integer",
	hash: "bytes",
	at: "integer",
} as const;

/** The newest head that was seen of each purse. */
export const HEADS: Table<typeof HEADS_COLUMNS> = table(
	"heads",
	HEADS_COLUMNS,
	["device"],
);

const CREDITS_COLUMNS = {
	reference: "text",
	account: "bytes",
	amount: "integer",
	at: "integer",
} as const;

/** What operators put into accounts, by their reference. */
export const CREDITS: Table<typeof CREDITS_COLUMNS> = table(
	"credits",
	CREDITS_COLUMNS,
	["reference"],
);

const META_COLUMNS = { name: "text", value: "bytes" } as const;

/** Whose ledger this is, and with which master secret its sales are judged. */
export const META: Table<typeof META_COLUMNS> = table("meta", META_COLUMNS, [
	"name",
]);

/** For whoever opens the store. */
export const LEDGER_SCHEMA: Schema = schema(
	"ledger",
	[
		ACCOUNTS,
		ENTRIES,
		NOTES,
		BOOKINGS,
		TRANSFERS,
		VOIDS,
		SALES,
		CHAINS,
		ANSWERS,
		CONFLICTS,
		HEADS,
		CREDITS,
		META,
	],
	{
		to: 2,
		steps: [
			{
				kind: "add-index",
				table: "conflicts",
				index: "by_holder",
				columns: ["holder"],
			},
		],
	},
	{
		to: 3,
		steps: [
			addColumn("transfers", "resolved", "integer", 0n),
			{ kind: "add-table", table: VOIDS as unknown as AnyTable },
		],
	},
	{
		to: 4,
		steps: [
			// What was answered is answered again as it stands, and has one field more now.
			rewrite(ANSWERS, ANSWERS, (row) => ({
				...row,
				answer: withEmptyField(row.answer, SAID_WITH_KEY),
			})),
		],
	},
	{
		to: 5,
		steps: [{ kind: "add-table", table: SALES as unknown as AnyTable }],
	},
);

export type RowOf<Of> =
	Of extends Table<infer Named extends Columns> ? Row<Named> : never;
