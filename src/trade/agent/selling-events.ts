import type { TetradError } from "../../errors.ts";
import type { CertifiedDevice } from "../../identity/index.ts";
import type { SignEffect, SignedEvent } from "../../machine/index.ts";
import type {
	Contract,
	EcashSaid,
	ItemDescription,
	ItemKind,
	Listing,
	Offer,
} from "../documents/index.ts";
import type {
	AgentSessionEffect,
	AgentSessionEvent,
} from "./session-events.ts";

/** What happens at a merchant's agent. `answer` is the number that it was asked under; late ones do nothing. */
export type SellingEvent =
	| { readonly kind: "begin" }
	/** Items in the order of the catalogue, each once for each kind of money it is sold for; more than were asked for, or than fit into a page, are left for the next one. */
	| {
			readonly kind: "listed";
			readonly answer: number;
			readonly items: readonly Listing[];
			readonly isLast: boolean;
	  }
	/** That item, with the order in its description, at that price; `others` are its prices in other money, in the order in which the merchant would have them. */
	| {
			readonly kind: "priced";
			readonly answer: number;
			readonly listing: Listing;
			readonly others?: readonly Listing[];
	  }
	/** The merchandise can be read, more than once; its length is in bytes. */
	| {
			readonly kind: "opened";
			readonly answer: number;
			readonly length: bigint;
	  }
	/** All that was asked for; less where the source became shorter. Nobody may need the bytes afterwards. */
	| {
			readonly kind: "read";
			readonly answer: number;
			readonly bytes: Uint8Array;
	  }
	/** What was asked for under that number cannot be had. */
	| {
			readonly kind: "failed";
			readonly answer: number;
			readonly error: TetradError;
	  }
	| SignedEvent
	| AgentSessionEvent;

/** What shall be opened to be sold. */
export interface Goods {
	readonly description: ItemDescription;
	/** `undefined` when it is sent again, to who has paid: what was made on order is not made anew. */
	readonly itemKind: ItemKind | undefined;
	/** What names it: the contract that it is sold under, 16 bytes. */
	readonly contractId: Uint8Array;
	/** Id of the offer that was taken; `undefined` when it is sent again. */
	readonly offer: Uint8Array | undefined;
	/** The agent that takes it. */
	readonly buyer: CertifiedDevice;
}

/** What a merchant's agent asks for. */
export type SellingEffect =
	/** Items after the one of that name, or the first; answered by `listed` or `failed`. */
	| {
			readonly kind: "list";
			readonly answer: number;
			readonly after: string | undefined;
			readonly limit: number;
	  }
	/** What an item costs; answered by `priced` or `failed`. */
	| {
			readonly kind: "price";
			readonly answer: number;
			readonly name: string;
			readonly order: string;
	  }
	/** That offer goes to the buyer; of several for one item, each. */
	| { readonly kind: "quoted"; readonly offer: Offer }
	/**
	 * Have merchandise ready to be read; what is made on order is made now, unless its buyer has
	 * left too much unpaid. Answered by `opened` or `failed`, and ended by `release`.
	 */
	| { readonly kind: "open"; readonly answer: number; readonly goods: Goods }
	/** So many bytes of it from there; answered by `read` or `failed`, in order. */
	| {
			readonly kind: "read";
			readonly answer: number;
			readonly at: number;
			readonly length: number;
	  }
	/** It is read no more; it may not be open yet. */
	| { readonly kind: "release"; readonly answer: number }
	/** So many bytes of merchandise are on their way. */
	| {
			readonly kind: "progress";
			readonly answer: number;
			readonly bytes: bigint;
			readonly length: bigint;
	  }
	/** That contract has gone to its buyer, who may pay for it or not. */
	| {
			readonly kind: "contracted";
			readonly contract: Contract;
			readonly description: ItemDescription;
	  }
	/** It was paid for: the own module's receipt, and the encoded chain under which it was signed. */
	| {
			readonly kind: "sold";
			/** The contract's hash. */
			readonly contract: Uint8Array;
			/** In minor units. */
			readonly amount: bigint;
			readonly receipt: Uint8Array;
			readonly chain: Uint8Array;
			/** Which ecash; nothing for notes. */
			readonly ecash?: EcashSaid;
			/** Device id of the agent that has bought it; the other one of this tetrad unless given. */
			readonly buyerAgent?: Uint8Array;
	  }
	/** Why the buyer did not get what it asked for, for the owner; `cannotSell` where the own module sells nothing for that money now, to nobody. */
	| {
			readonly kind: "unavailable";
			readonly error: TetradError;
			readonly cannotSell?: true;
	  }
	| SignEffect
	| AgentSessionEffect;
