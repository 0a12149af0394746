import type { TetradError } from "../../errors.ts";
import type {
	AskedPrice,
	Contract,
	HeldMoney,
	Listing,
	Offer,
	PurchaseStep,
	RailName,
} from "../documents/index.ts";
import type { SealedChunk } from "../merchandise/index.ts";
import type { ProvisionalPurchase } from "./contract-check.ts";
import type {
	AgentSessionEffect,
	AgentSessionEvent,
} from "./session-events.ts";

/** What a buyer asks; each under a number of its own, which all that follows gives back. */
export type BuyerAsk =
	/** A page of the catalogue: the items after the one of that name, or the first. */
	| {
			readonly kind: "list";
			readonly ask: number;
			readonly after: string | undefined;
			/** In which kinds of money prices are wanted; in notes alone unless given. */
			readonly rails?: readonly RailName[] | undefined;
	  }
	/** An offer of one item; `order` is empty but for what is made on order. */
	| {
			readonly kind: "quote";
			readonly ask: number;
			readonly name: string;
			readonly order: string;
			/** As above. */
			readonly rails?: readonly RailName[] | undefined;
	  }
	/** Which money the own module knows, and how much of it can be paid with. */
	| {
			readonly kind: "moneys";
			readonly ask: number;
			/** What it costs to pay these is said as well. */
			readonly prices?: readonly AskedPrice[] | undefined;
	  }
	/** Take that offer, and pay for it, once the owner was asked if that is wanted. It is the owner's word. */
	| {
			readonly kind: "buy";
			readonly ask: number;
			readonly offer: Offer;
			readonly askOwner: boolean;
			/** What a mint may ask for beside; what the owner's limits let it be unless given. */
			readonly mostFee?: bigint | undefined;
	  }
	/** Go on with a purchase that is kept; `isFinal` when it is over but for telling the module. */
	| {
			readonly kind: "resume";
			readonly ask: number;
			readonly purchase: ProvisionalPurchase;
			readonly isFinal: boolean;
	  }
	/** Where the merchant's agent is reached with that module of its, by device id. */
	| {
			readonly kind: "where";
			readonly ask: number;
			readonly module: Uint8Array;
	  }
	/** Tell of all purchases that the module knows. */
	| { readonly kind: "learn"; readonly ask: number };

/** What becomes of goods on the disk, and of a purchase in the store. */
export type GoodsEvent =
	/** There is room, and chunks can be kept. */
	| { readonly kind: "begun"; readonly ask: number }
	/** Once for each `keep-chunk`, in order. */
	| { readonly kind: "chunk-kept"; readonly ask: number }
	/** Every chunk that came and the purchase are durable. */
	| { readonly kind: "kept"; readonly ask: number }
	/** The goods are what the contract says, durable, and under this name. */
	| {
			readonly kind: "goods-opened";
			readonly ask: number;
			readonly path: string;
	  }
	/** The merchant's agent signed for a chunk that does not open; this proves it. */
	| {
			readonly kind: "goods-wrong";
			readonly ask: number;
			readonly evidence: Uint8Array;
	  }
	/** What is on the disk is not what came. It has to be fetched from that chunk on: 0 for all of it. */
	| {
			readonly kind: "goods-missing";
			readonly ask: number;
			readonly from: number;
	  }
	/** Another tetrad of this agent has brought the purchase to its end meanwhile, and has kept what became of it. */
	| {
			readonly kind: "over-elsewhere";
			readonly ask: number;
			readonly conclusion: Conclusion;
			/** Where its goods are, if they are right. */
			readonly path: string | undefined;
	  }
	/** What became of the purchase is durable. */
	| { readonly kind: "concluded"; readonly ask: number }
	/** What was asked of disk or store for it came to nothing. */
	| {
			readonly kind: "not-done";
			readonly ask: number;
			readonly error: TetradError;
	  };

/** What happens at a buyer's agent. */
export type BuyingEvent =
	| BuyerAsk
	/** Whoever asked does not want it any more. What was not paid is not paid then; what was goes on. */
	| {
			readonly kind: "give-up";
			readonly ask: number;
			readonly error: TetradError;
	  }
	| GoodsEvent
	| AgentSessionEvent;

/** What opens goods that were paid for. */
export interface PaidGoods {
	readonly contract: Contract;
	/** Of the agent that signed it, encoded. */
	readonly chain: Uint8Array;
	/** The goods key. */
	readonly key: Uint8Array;
	readonly exporter: Uint8Array;
}

/** A key, and the receipt that came with it; both parts of that are empty when only the issuer has told the key. */
export interface BoughtKey {
	readonly key: Uint8Array;
	readonly receipt: Uint8Array;
	readonly receiptChain: Uint8Array;
	/** What its mint has taken beside the price; nothing of notes. */
	readonly fee?: bigint | undefined;
}

/** What became of a purchase, for the store. */
export type Conclusion =
	/** The goods are where they belong, or `evidence` shows that they are wrong. */
	| ({
			readonly kind: "final";
			readonly evidence: Uint8Array | undefined;
	  } & BoughtKey)
	/** Nothing was paid. */
	| {
			readonly kind: "aborted";
			readonly code: string;
			readonly reason: string;
	  }
	/** What was paid is void, and so much, in minor units, is back. */
	| {
			readonly kind: "refunded";
			readonly credited: bigint;
			/** What a mint has taken for that; nothing of notes. */
			readonly fee?: bigint | undefined;
			readonly code: string;
			readonly reason: string;
	  };

/** What whoever bought something may want to see. */
export type BuyerStep =
	/** So many bytes of the merchandise are here, sealed. */
	| {
			readonly kind: "receiving";
			readonly bytes: bigint;
			readonly length: bigint;
	  }
	/** All is here and right, durable, and the module is asked to pay. */
	| { readonly kind: "provisional"; readonly contract: Contract }
	/** It waits for the owner of the module. */
	| { readonly kind: "waiting"; readonly error: TetradError }
	/** It is paid, and it is not known yet what became of the money; that goes on by itself. */
	| { readonly kind: "in-doubt"; readonly error: TetradError }
	/** It is paid, and the key is here. */
	| { readonly kind: "paid" }
	/** The goods are fetched again, from that chunk on. */
	| { readonly kind: "fetching"; readonly from: number };

/** What a buyer has asked for. */
export type BuyerAnswer =
	| {
			readonly kind: "page";
			readonly items: readonly Listing[];
			readonly isLast: boolean;
	  }
	/** `others` are for other kinds of money, of those that were asked for, in the merchant's order. */
	| {
			readonly kind: "offer";
			readonly offer: Offer;
			readonly others: readonly Offer[];
	  }
	| { readonly kind: "moneys"; readonly moneys: readonly HeldMoney[] }
	/** The goods are there. The path is unknown when they were before. */
	| ({
			readonly kind: "bought";
			readonly contract: Contract;
			readonly path: string | undefined;
	  } & Partial<BoughtKey>)
	/** At the host at which this merchant was called. */
	| { readonly kind: "there"; readonly port: number }
	| { readonly kind: "learned" };

/** A purchase of which only the module knew. */
export interface LearnedPurchase {
	readonly purchase: ProvisionalPurchase;
	readonly step: PurchaseStep;
	readonly bought: BoughtKey | undefined;
}

/** What a buyer's agent asks for. */
export type BuyingEffect =
	/** Make room for goods of so many bytes, keeping the chunks before `from`; answered by `begun` or `not-done`. */
	| {
			readonly kind: "begin-goods";
			readonly ask: number;
			readonly length: bigint;
			readonly from: number;
	  }
	/** Keep a sealed chunk, which nobody else needs; answered by `chunk-kept` or `not-done`. */
	| {
			readonly kind: "keep-chunk";
			readonly ask: number;
			readonly chunk: SealedChunk;
	  }
	/** Make the first `count` chunks durable, and then the purchase; answered by `kept` or `not-done`. */
	| {
			readonly kind: "keep";
			readonly ask: number;
			readonly purchase: ProvisionalPurchase;
			readonly count: number;
	  }
	/** Open the goods; answered by `goods-opened`, `goods-wrong`, `goods-missing`, `over-elsewhere` or `not-done`. */
	| {
			readonly kind: "open-goods";
			readonly ask: number;
			readonly goods: PaidGoods;
	  }
	/** Keep what became of it; answered by `concluded` or `not-done`. */
	| {
			readonly kind: "conclude";
			readonly ask: number;
			/** The contract's hash. */
			readonly contract: Uint8Array;
			readonly conclusion: Conclusion;
			/** Where its goods are, if they have been shown just now. */
			readonly path: string | undefined;
	  }
	/** Leave nothing of what was sealed. */
	| { readonly kind: "drop-goods"; readonly ask: number }
	| {
			readonly kind: "step";
			readonly ask: number;
			readonly step: BuyerStep;
	  }
	| {
			readonly kind: "answered";
			readonly ask: number;
			readonly answer: BuyerAnswer;
	  }
	| {
			readonly kind: "refused";
			readonly ask: number;
			readonly error: TetradError;
	  }
	/** One of those that `learn` asks for. */
	| {
			readonly kind: "learned";
			readonly ask: number;
			readonly learned: LearnedPurchase;
	  }
	/** The module speaks of a purchase that is not going on here: resume it, or learn of it. */
	| { readonly kind: "unknown"; readonly contract: Uint8Array }
	/** The other agent or the own module broke the rules: end the tetrad. */
	| { readonly kind: "end"; readonly error: TetradError }
	| AgentSessionEffect;
