/*
 * What whoever knows of sales keeps in the store of a purse (sale-part.ts), so that it is written
 * along with the purse's own rows. The purse itself looks at none of it.
 */
import { type Row, type Table, table } from "../../machine/index.ts";

const PURCHASES_COLUMNS = {
	contract: "bytes",
	/** Device id of the agent that wanted it. */
	agent: "bytes",
	/** Certified name of the agent that sold it. */
	merchant: "text",
	/** The item's name, as its merchant gives it. */
	item: "text",
	/** The description of the item, as the contract has its hash, and the salt of that hash. */
	description: "bytes",
	salt: "bytes",
	/** What the tetrad of the contract exported, 32 bytes: secret. */
	exporter: "bytes",
	state: "text",
} as const;

/**
 * What was bought: a row for each sale in `payments`, which has its terms, its key and its receipt.
 * State: `open` until an agent has said that it has the goods, then `closed`.
 */
export const PURCHASES: Table<typeof PURCHASES_COLUMNS> = table(
	"purchases",
	PURCHASES_COLUMNS,
	["contract"],
);

const SELLING_SECRETS_COLUMNS = {
	/** Device ids of the agent that sells, and of the issuer. */
	agent: "bytes",
	issuer: "bytes",
	generation: "integer",
	/** 32 bytes, secret: every goods key of that agent and generation follows from it. */
	secret: "bytes",
	/** The selling certificate. */
	certificate: "bytes",
	/** Hash of the issuer's chain under which it signed it, which is in `issuer_chains`. */
	chain: "bytes",
} as const;

/** What this module sells with. */
export const SELLING_SECRETS: Table<typeof SELLING_SECRETS_COLUMNS> = table(
	"selling_secrets",
	SELLING_SECRETS_COLUMNS,
	["agent", "issuer", "generation"],
);

export type PurchaseRow = Row<typeof PURCHASES.columns>;
export type SellingSecretRow = Row<typeof SELLING_SECRETS.columns>;
