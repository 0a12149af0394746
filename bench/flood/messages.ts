import type { CustomerAway } from "../../test/support/device-market.ts";

/** What the processes of a flood say to each other, over their channels. */

/** The merchant's side with its issuer. */
export type ToShop =
	| {
			readonly kind: "memory";
			/** Collect the garbage first, which takes long. */
			readonly isCollected: boolean;
	  }
	/** Unless it is told to stop it sells on. */
	| { readonly kind: "stop" };

export type FromShop =
	| {
			readonly kind: "open";
			readonly address: string;
			readonly customers: readonly CustomerAway[];
	  }
	/** In bytes. */
	| { readonly kind: "memory"; readonly bytes: number };

/** Buyers, each from an address of its own. */
export interface BuyersOptions {
	readonly host: string;
	readonly port: number;
	/** The first of the addresses from which they call; the others follow it. */
	readonly from: string;
	readonly customers: readonly CustomerAway[];
	/** How long they buy, or establish as fast as they can, in milliseconds. */
	readonly ms: number;
	/** Between two purchases of one buyer, in milliseconds; as fast as it can establish, and without buying, unless given. */
	readonly everyMs?: number;
}

export interface BuyersResult {
	readonly done: number;
	/** By code. */
	readonly failed: Readonly<Record<string, number>>;
	/** Of what was done, in milliseconds. */
	readonly latencies: readonly number[];
	readonly ms: number;
}

/** Half-open establishments from several addresses. */
export interface FlooderOptions {
	readonly host: string;
	readonly port: number;
	readonly from: readonly string[];
	/** Calls a second, of all addresses together. */
	readonly perSecond: number;
	readonly ms: number;
	/** Calls that may be open at once; at more it waits. */
	readonly open: number;
}

export interface FlooderResult {
	readonly called: number;
	/** Cookies that it was asked for, and sent back. */
	readonly cookies: number;
	/** Offers that were answered with flight 2; it is silent then. */
	readonly answered: number;
	/** Connections that were refused or broken off before that. */
	readonly refused: number;
}

/** Sockets that say nothing, or one byte a second. */
export interface SlowOptions {
	readonly host: string;
	readonly port: number;
	readonly from: readonly string[];
	readonly sockets: number;
	/** How long they are waited for, in milliseconds. */
	readonly ms: number;
}

export interface SlowResult {
	readonly sockets: number;
	/** Cut by the merchant. */
	readonly cut: number;
	/** From when one was made until it was cut, in milliseconds: the longest. */
	readonly longestMs: number;
}
