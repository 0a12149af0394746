import type {
	Catalogue,
	ItemForSale,
	RequestRecords,
	RequestSeller,
	ShopMoney,
} from "../trade/index.ts";

/** How what is made on order is made. */
interface Making {
	/** A command that makes it; a shell runs it. */
	readonly onOrder?: string | undefined;
	/** Where that command and those of the catalogue run; in the working folder unless given. */
	readonly workingFolder?: string | undefined;
}

/** What a program knows that answers requests. Ids are device ids in hexadecimal. */
export interface RequestDesk {
	/** Of the money that is taken. */
	readonly terms: ShopMoney;
	readonly agent: string;
	/** Of several modules the first: it is the one that is paid for requests. */
	readonly module: string;
	/** At which port of the agent's host it is met with that one, where it has several. */
	readonly port?: number | undefined;
	readonly records: RequestRecords;
	/** The agent's clock, in milliseconds since the epoch. */
	now(): number;
}

/** What is sold: what a program has, what a folder has, what is in a catalogue of the program's own, or answers to requests. */
export type ForSale = Ware | RequestsForSale;

/** Answers to requests, and what is sold beside them. */
interface RequestsForSale {
	/** Called once, before anybody can come. */
	readonly requests: (desk: RequestDesk) => RequestSeller;
	readonly beside?: Ware | undefined;
}

/** What stands in a catalogue. */
export type Ware =
	| { readonly items: readonly ItemForSale[] }
	| (Making & {
			readonly folder: string;
			/** Of what has no price of its own; decimal. */
			readonly price?: string | undefined;
	  })
	| (Making & { readonly catalogue: Catalogue });
