/* What a purse keeps for its owner's limits: what counts, and what waits for the owner. */
import { type Row, type Table, table } from "../../machine/index.ts";

const SPENT_COLUMNS = {
	/** `enc` of issuer, merchant and minute. */
	id: "bytes",
	issuer: "bytes",
	/** Device id of the module that was paid. */
	merchant: "bytes",
	/** Whole minutes since the epoch: when it was committed, by a clock that is never set back. */
	minute: "integer",
	amount: "integer",
} as const;

/** What was committed in one minute to one merchant, of an issuer whose money is limited, for a day and for some time more. */
export const SPENT: Table<typeof SPENT_COLUMNS> = table(
	"spent",
	SPENT_COLUMNS,
	["id"],
	{ by_minute: ["minute"] },
);

const SPENT_IN_ALL_COLUMNS = {
	issuer: "bytes",
	/** What was committed at that time or later counts. */
	since: "integer",
	amount: "integer",
} as const;

/** What was committed since the owner has limited how much it may be in all. */
export const SPENT_IN_ALL: Table<typeof SPENT_IN_ALL_COLUMNS> = table(
	"spent_in_all",
	SPENT_IN_ALL_COLUMNS,
	["issuer"],
);

const APPROVALS_COLUMNS = {
	contract: "bytes",
	payee: "bytes",
	issuer: "bytes",
	currency: "text",
	amount: "integer",
	/** What its mint asks for beside, at most, as the owner is asked; zero of notes. */
	fee: "integer",
	/** What it is for, as the own agent or the merchant says; empty when nobody has said. */
	what: "text",
	/** `amount`, `new-merchant` or `asked`. */
	why: "text",
	asked: "integer",
	/** When the owner's last word on it was signed, by the owner's clock; zero before there is one. */
	decided: "integer",
	state: "text",
} as const;

/** Payments that may be made only when the owner says so. State: `waiting`, `approved` or `denied`. What was approved and is committed has no row any more. */
export const APPROVALS: Table<typeof APPROVALS_COLUMNS> = table(
	"approvals",
	APPROVALS_COLUMNS,
	["contract"],
);

export type SpentRow = Row<typeof SPENT.columns>;
export type SpentInAllRow = Row<typeof SPENT_IN_ALL.columns>;
export type ApprovalRow = Row<typeof APPROVALS.columns>;
