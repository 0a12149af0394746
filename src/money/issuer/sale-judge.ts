/*
 * What an issuer has to know of sales, and money does not: `trade` implements it. An issuer without
 * it derives no selling secrets and books no sale.
 */
import type { Transfer } from "../documents/index.ts";

/** Whose selling secret it is, and when its issuer says so. */
export interface Seller {
	/** Device id of the merchant's module. */
	readonly module: Uint8Array;
	/** Device id of the agent behind which that module stands. */
	readonly agent: Uint8Array;
	/** From 1. */
	readonly generation: number;
	/** By the issuer's clock; milliseconds since the epoch. */
	readonly issued: number;
}

/** What a merchant's module is told. */
export interface SellingSecret {
	/** 32 bytes. */
	readonly secret: Uint8Array;
	/** The selling certificate: a document. */
	readonly certificate: Uint8Array;
}

/** A marked transfer and its terms, which belong together and are signed by whom they name. */
export interface JudgedSale {
	/** Until when it may be booked; milliseconds since the epoch. */
	readonly bookBy: number;
	readonly verdict:
		| {
				readonly kind: "sold";
				/** The goods key, 32 bytes. */
				readonly key: Uint8Array;
		  }
		/** The merchant's agent has signed for a key that is not the one of its terms: nobody could ever hand it over. */
		| { readonly kind: "void" };
}

/** What the terms of a sale are held against. */
export type MarkedTransfer = Pick<
	Transfer,
	"contract" | "payer" | "payee" | "issuer" | "currency" | "amount"
>;

export interface SaleJudge {
	/** Whose selling secret a module asks for; `generation` 0 is the current one. */
	seller(
		asking: Pick<Seller, "module" | "agent">,
		generation: number,
		now: number,
	): Seller;
	/** What the issuer has to sign for it. */
	toSign(seller: Seller): Uint8Array;
	secret(seller: Seller, signature: Uint8Array): SellingSecret;
	/**
	 * Reads the terms of a transfer, whose signature, payer and payee are checked by then. Throws
	 * `malformed`, `payment-refused`, `chain-refused` and `authentication-failed` for terms that are
	 * none, are those of another transfer, or were not signed by the agent that they name.
	 */
	judge(terms: Uint8Array, transfer: MarkedTransfer): JudgedSale;
}

/** What the terms of a sale say, as far as it can be held against the books. */
export interface SaidTerms {
	/** What the transfer is for, 32 bytes. */
	readonly contract: Uint8Array;
	/** SHA-256 of the key that is sold, 32 bytes. */
	readonly keyHash: Uint8Array;
}

/** Reads the terms of a sale without any secret. Throws as `SaleJudge.judge` for what nobody signed. */
export type ReadTerms = (terms: Uint8Array) => SaidTerms;
