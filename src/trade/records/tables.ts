/*
 * What an agent keeps of purchases, beside how far its module's purse was seen to have come. It
 * holds no money and no secret of its own, but the goods keys and exporters of what it bought: who
 * has them and the ciphertext has the goods. Amounts are minor units, times milliseconds since the
 * epoch, and what is called a hash or an id is in the bytes that its document gives it.
 */
import {
	addColumn,
	type Row,
	type Schema,
	schema,
	type Table,
	table,
} from "../../machine/index.ts";
import { WITNESSED } from "../../money/agent/index.ts";
import { LOG } from "../../money/index.ts";

const PURCHASES_COLUMNS = {
	/** Its hash. */
	contract: "bytes",
	/** Id of the offer that was taken; empty where only the module knew of it. */
	offer: "bytes",
	/** When it became provisional. */
	time: "integer",
	/** When its state last changed. */
	changed: "integer",
	state: "text",
	/** The contract, and the encoded chain of the agent that signed it. */
	document: "bytes",
	chain: "bytes",
	/** Of the issuer, encoded: the one under which it signed the selling certificate. */
	issuer_chain: "bytes",
	/** What the item's description is hashed with, and the description. */
	salt: "bytes",
	description: "bytes",
	exporter: "bytes",
	/** Decimals of the currency, and 1 for play money. */
	exponent: "integer",
	play: "integer",
	/** The certified names of the merchant's agent and module. */
	merchant: "text",
	merchant_module: "text",
	/** Where the merchant's agent was reached; empty when it was that one that dialled. */
	address: "text",
	/** Where the goods go, as a path, and 1 when a file that is there is written over. */
	target: "text",
	overwrite: "integer",
	/** The goods key; empty before it came. */
	key: "bytes",
	/** The receipt, and the encoded chain of the module that signed it; empty while none has come. */
	receipt: "bytes",
	receipt_chain: "bytes",
	/** What came back, when it was refunded by the issuer. */
	credited: "integer",
	/** What its mint has taken beside the price, or for what came back, once that is known; zero of notes. */
	fee: "integer",
	/** Evidence of a wrong chunk, when there is one. */
	evidence: "bytes",
	/** Why there are no goods: an error code and a sentence; empty otherwise. */
	code: "text",
	reason: "text",
} as const;

/**
 * What this agent bought, or tried to. State: `provisional` from before its module was asked to
 * pay; `final` when the goods are where they belong, or evidence that they are wrong is in the row;
 * `aborted` when nothing was paid; `refunded` when what was paid is void and credited.
 */
export const PURCHASES: Table<typeof PURCHASES_COLUMNS> = table(
	"purchases",
	PURCHASES_COLUMNS,
	["contract"],
	{ by_time: ["time"], by_state: ["state", "time"], by_offer: ["offer"] },
);

const SALES_COLUMNS = {
	contract: "bytes",
	time: "integer",
	/** The certified name of the buyer's agent, and its device id. */
	buyer: "text",
	buyer_agent: "bytes",
	/** The name of the item; empty when it was sold before this agent was started again. */
	item: "text",
	/** Device id of the issuer. */
	issuer: "bytes",
	currency: "text",
	/** As in `purchases`. */
	exponent: "integer",
	play: "integer",
	amount: "integer",
	receipt: "bytes",
	receipt_chain: "bytes",
	/** Over which rail it was paid; empty in rows from before it was kept. */
	rail: "text",
	/** Of ecash: the address of its mint, and what that calls its unit, where the shop still knew them; empty otherwise. */
	mint: "text",
	unit: "text",
} as const;

/** What this agent has heard of its own module's sales. History: no sale needs it. */
export const SALES: Table<typeof SALES_COLUMNS> = table(
	"sales",
	SALES_COLUMNS,
	["contract"],
	{ by_time: ["time"] },
);

const MADE_COLUMNS = {
	/** The contract's id, 16 bytes: the name of the file in the home that has it. */
	id: "bytes",
	/** The contract's hash; empty while it is not signed. */
	contract: "bytes",
	/** Device id of the buyer's agent. */
	buyer: "bytes",
	time: "integer",
	item: "text",
	/** What was ordered. */
	wanted: "text",
	state: "text",
} as const;

/** Goods that were made on order. State: `unpaid`, then `sold`. */
export const MADE: Table<typeof MADE_COLUMNS> = table(
	"made",
	MADE_COLUMNS,
	["id"],
	{
		by_buyer: ["buyer", "state"],
		by_contract: ["contract"],
		by_time: ["time"],
	},
);

const REFUNDS_COLUMNS = {
	/** Of the sale. */
	sale: "bytes",
	/** From 1. */
	number: "integer",
	/** What its own payment is for: `refundContract` of the two. */
	contract: "bytes",
	/** Whether this agent's module gives the money back, or gets it. */
	side: "text",
	time: "integer",
	amount: "integer",
	state: "text",
	receipt: "bytes",
	receipt_chain: "bytes",
	/** Device id of the module that gives it, so that no other one does as well; empty in rows from before agents had several, and where it is got. */
	module: "bytes",
} as const;

/** Payments that give back what a sale was paid with. Side: `gives` or `gets`. State: `owed`, then `paid`. */
export const REFUNDS: Table<typeof REFUNDS_COLUMNS> = table(
	"refunds",
	REFUNDS_COLUMNS,
	["sale", "number"],
	{ by_state: ["state"], by_contract: ["contract"] },
);

const { module: _, ...REFUNDS_COLUMNS_OF_2 } = REFUNDS_COLUMNS;
const REFUNDS_OF_2: Table<typeof REFUNDS_COLUMNS_OF_2> = table(
	"refunds",
	REFUNDS_COLUMNS_OF_2,
	["sale", "number"],
	{ by_state: ["state"], by_contract: ["contract"] },
);

const WORKS_COLUMNS = {
	/** The contract's id, 16 bytes. */
	id: "bytes",
	/** The contract's hash; empty while it is not signed. */
	contract: "bytes",
	/** Device id of the buyer's agent. */
	buyer: "bytes",
	time: "integer",
	state: "text",
} as const;

/**
 * Answers that were begun for a buyer and are not paid. State: `open` while it may pay, `left` when
 * it has gone without. What is paid has no row.
 */
export const WORKS: Table<typeof WORKS_COLUMNS> = table(
	"works",
	WORKS_COLUMNS,
	["id"],
	{
		by_buyer: ["buyer", "state", "time"],
		by_contract: ["contract"],
		by_time: ["time"],
	},
);

const TICKETS_COLUMNS = {
	/** The contract's id, 16 bytes. */
	id: "bytes",
	/** What is sold: 32 random bytes. */
	ticket: "bytes",
	/** The contract's hash; empty while it is not signed. */
	contract: "bytes",
	/** Device id of the buyer's agent. */
	buyer: "bytes",
	/** When it was made, and when its state last changed. */
	time: "integer",
	changed: "integer",
	/** The name of what it is sold as, its price, and the request that it is for. */
	item: "text",
	amount: "integer",
	wanted: "text",
	state: "text",
	/** What was answered; empty before that, and when it failed. */
	answer: "bytes",
	/** Device id of the module that is paid; empty while no contract is signed, and in rows from before it was kept. */
	module: "bytes",
} as const;

const TICKETS_INDEXES = {
	by_ticket: ["ticket"],
	by_buyer: ["buyer", "state", "time"],
	by_contract: ["contract"],
	by_state: ["state", "time"],
	by_time: ["time"],
} as const;

/**
 * Tickets for requests that are paid first. State: `made`, `sold` when it is paid, `begun` from
 * before the request is answered, then `answered`, or `failed` when its price is owed back.
 */
export const TICKETS: Table<typeof TICKETS_COLUMNS> = table(
	"tickets",
	TICKETS_COLUMNS,
	["id"],
	TICKETS_INDEXES,
);

/** As they were in version 4. */
const { module: _module, ...TICKETS_OF_4_COLUMNS } = TICKETS_COLUMNS;
const TICKETS_OF_4: Table<typeof TICKETS_OF_4_COLUMNS> = table(
	"tickets",
	TICKETS_OF_4_COLUMNS,
	["id"],
	TICKETS_INDEXES,
);

/** As they were in version 2. */
const {
	rail: _rail,
	mint: _mint,
	unit: _unit,
	...SALES_OF_2_COLUMNS
} = SALES_COLUMNS;
const SALES_OF_2: Table<typeof SALES_OF_2_COLUMNS> = table(
	"sales",
	SALES_OF_2_COLUMNS,
	["contract"],
	{ by_time: ["time"] },
);
const { fee: _fee, ...PURCHASES_OF_2_COLUMNS } = PURCHASES_COLUMNS;
const PURCHASES_OF_2: Table<typeof PURCHASES_OF_2_COLUMNS> = table(
	"purchases",
	PURCHASES_OF_2_COLUMNS,
	["contract"],
	{ by_time: ["time"], by_state: ["state", "time"], by_offer: ["offer"] },
);

/** For whoever opens the store of an agent. */
export const AGENT_SCHEMA: Schema = schema(
	"agent",
	[WITNESSED, PURCHASES, SALES, MADE, REFUNDS, LOG, WORKS, TICKETS],
	{
		to: 2,
		steps: [PURCHASES_OF_2, SALES_OF_2, MADE, REFUNDS_OF_2].map((of) => ({
			kind: "add-table",
			table: of as unknown as typeof WITNESSED,
		})),
	},
	{ to: 3, steps: [{ kind: "add-table", table: LOG }] },
	{
		to: 4,
		steps: [WORKS, TICKETS_OF_4].map((of) => ({
			kind: "add-table",
			table: of as unknown as typeof WITNESSED,
		})),
	},
	{
		to: 5,
		steps: [addColumn("refunds", "module", "bytes", new Uint8Array())],
	},
	{ to: 6, steps: [addColumn("purchases", "fee", "integer", 0n)] },
	{
		to: 7,
		steps: [addColumn("tickets", "module", "bytes", new Uint8Array())],
	},
	{
		to: 8,
		steps: ["rail", "mint", "unit"].map((name) =>
			addColumn("sales", name, "text", ""),
		),
	},
);

export type PurchaseRow = Row<typeof PURCHASES.columns>;
export type SaleRow = Row<typeof SALES.columns>;
export type MadeRow = Row<typeof MADE.columns>;
export type RefundRow = Row<typeof REFUNDS.columns>;
export type WorkRow = Row<typeof WORKS.columns>;
export type TicketRow = Row<typeof TICKETS.columns>;
