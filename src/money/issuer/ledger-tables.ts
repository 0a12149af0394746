/*
 * What an issuer keeps. All amounts are minor units of its one currency, all times milliseconds
 * since the epoch. No row is read and written by every request: an account belongs to one module,
 * and what the issuer owes in notes is the sum of entries, which only the audit needs.
 */
import {
	type Columns,
	type Row,
	type Schema,
	schema,
	type Table,
	table,
} from "../../machine/index.ts";

/** The accounts of modules, by device id. */
export const ACCOUNTS = table(
	"accounts",
	{ id: "bytes", name: "text", balance: "integer", opened: "integer" },
	["id"],
	{ by_name: ["name"] },
);

/**
 * Double entry: the two lines of a transaction sum to zero. `account` is a device id or one of
 * `SYSTEM`; `reference` is the note, the transfer or the operator's text that it is about.
 */
export const ENTRIES = table(
	"entries",
	{
		at: "integer",
		/** What `requestTransaction` or `creditTransaction` makes of its cause. */
		transaction: "bytes",
		account: "bytes",
		amount: "integer",
		/** withdraw, deposit, exchange, claim or credit. */
		kind: "text",
		reference: "bytes",
	},
	["at", "transaction", "account"],
	{ by_account: ["account"] },
);

/** Every note that was ever issued; `holder` and `request` say in answer to what. */
export const NOTES = table(
	"notes",
	{
		id: "bytes",
		holder: "bytes",
		/** Certificate id of the holder when it was issued. */
		holder_certificate: "bytes",
		request: "bytes",
		value: "integer",
		issued: "integer",
		expires: "integer",
		document: "bytes",
	},
	["id"],
);

/** The ranges of notes that came back. No two of a note overlap. */
export const BOOKINGS = table(
	"bookings",
	{
		note: "bytes",
		offset: "integer",
		amount: "integer",
		/** deposit, exchange or claim. */
		kind: "text",
		/** The transfer, or the transaction of the claim. */
		reference: "bytes",
		at: "integer",
	},
	["note", "offset"],
);

/** Every transfer that a module handed in and that its holder signed, also when nothing of it could be booked: evidence. */
export const TRANSFERS = table(
	"transfers",
	{
		id: "bytes",
		document: "bytes",
		/** The request that handed it in. */
		request: "bytes",
		booked: "integer",
		at: "integer",
	},
	["id"],
);

/** The chains of the issuer under which it signed notes, and of their holders, by certificate id: evidence needs both. */
export const CHAINS = table(
	"chains",
	{ certificate: "bytes", chain: "bytes" },
	["certificate"],
);

/** What was answered, so that the same request has the same answer for ever. */
export const ANSWERS = table(
	"answers",
	{
		device: "bytes",
		request: "bytes",
		/** SHA-256 over what was asked. */
		asked: "bytes",
		answer: "bytes",
		at: "integer",
	},
	["device", "request"],
);

/** Two transfers by one holder that overlap on a note. The first was booked. */
export const CONFLICTS = table(
	"conflicts",
	{
		/** SHA-256 over note, first and second. */
		id: "bytes",
		note: "bytes",
		first: "bytes",
		second: "bytes",
		holder: "bytes",
		at: "integer",
	},
	["id"],
	{ by_second: ["second"] },
);

/** The newest head that was seen of each purse. */
export const HEADS = table(
	"heads",
	{ device: "bytes", number: "integer", hash: "bytes", at: "integer" },
	["device"],
);

/** What operators put into accounts, by their reference. */
export const CREDITS = table(
	"credits",
	{ reference: "text", account: "bytes", amount: "integer", at: "integer" },
	["reference"],
);

/** Whose ledger this is. */
export const META = table("meta", { name: "text", value: "bytes" }, ["name"]);

/** For whoever opens the store. */
export const LEDGER_SCHEMA: Schema = schema("ledger", [
	ACCOUNTS,
	ENTRIES,
	NOTES,
	BOOKINGS,
	TRANSFERS,
	CHAINS,
	ANSWERS,
	CONFLICTS,
	HEADS,
	CREDITS,
	META,
]);

export type RowOf<Of> =
	Of extends Table<infer Named extends Columns> ? Row<Named> : never;
