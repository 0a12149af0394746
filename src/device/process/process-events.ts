import type { ErrorCode } from "../../errors.ts";
import {
	type EcashOrderState,
	formatAmount,
	type IssuerTerms,
	type PurseReport,
	type RequestKind,
} from "../../money/index.ts";
import type { AdmissionCounts, ClosedBy, Place } from "../../tetrad/index.ts";
import type { RailName, RailPromises } from "../../trade/documents/index.ts";
import type { ListEvent } from "../runtime/index.ts";

/** What a device process says of itself: one JSON object a line with `--json`, and a sentence without. */
export type ProcessEvent =
	/** An agent with several modules also says where it is met with each. */
	| {
			readonly event: "listening";
			readonly address: string;
			/** The certified name of that module. */
			readonly module?: string;
	  }
	/** /metrics and /health of this device can be asked there. */
	| { readonly event: "metrics"; readonly url: string }
	/** An agent answers programs of this machine, at that path. */
	| { readonly event: "answering"; readonly socket: string }
	| { readonly event: "linked"; readonly peer: string }
	/** A link that was ready is over: in order, or with why not. */
	| {
			readonly event: "unlinked";
			readonly peer: string;
			readonly code?: ErrorCode;
			readonly reason?: string;
	  }
	| { readonly event: "bound"; readonly tetrad: number }
	| {
			readonly event: "confirmed";
			readonly tetrad: number;
			readonly place: Place;
			readonly safetyCode: string;
			readonly routing: string;
			readonly root: string;
			readonly suite: string;
			readonly devices: Readonly<Record<Place, string>>;
	  }
	| {
			readonly event: "message";
			readonly tetrad: number;
			readonly session: 1 | 2 | 3 | 4;
			readonly text: string;
	  }
	/** What this device had to say in a tetrad that was over by then. */
	| {
			readonly event: "unsent";
			readonly tetrad: number;
			readonly session: 1 | 2 | 3 | 4;
			readonly code: ErrorCode;
			readonly reason: string;
	  }
	| {
			readonly event: "progress";
			readonly tetrad: number;
			readonly bytes: number;
			readonly size: number;
	  }
	| {
			readonly event: "file-sent" | "file-received";
			readonly tetrad: number;
			readonly name: string;
			readonly size: number;
			readonly sha256: string;
			readonly path?: string;
	  }
	/** A file that ended before it was whole: the receiver keeps nothing of it, unless all of it was sent and only the acknowledgement is missing. */
	| {
			readonly event: "file-cut-off";
			readonly tetrad: number;
			/** Whether it was on its way from here, or to here. */
			readonly way: "out" | "in";
			readonly name: string;
			/** So many bytes had gone or come. */
			readonly bytes: number;
			readonly size: number;
	  }
	| {
			readonly event: "ended";
			readonly tetrad: number;
			/** Who closed it, when it ended in order. At a module, all that the other module said is known to have come only after `module`. */
			readonly by?: ClosedBy;
			readonly code?: ErrorCode;
			readonly reason?: string;
	  }
	/** A connection or a link that came to nothing. */
	| {
			readonly event: "refused";
			readonly peer: string;
			readonly code: ErrorCode;
			readonly reason: string;
	  }
	/** Connections and links that came to nothing beside those that were reported one by one; how many, by code. */
	| {
			readonly event: "refused-more";
			readonly codes: { readonly [Code in ErrorCode]?: number };
	  }
	/** How much an agent has been asked for, when it was too much: from the start until now, and what there is now. */
	| ({ readonly event: "load" } & AdmissionCounts)
	/** An untrusted list was learned and is in force. */
	| {
			readonly event: "list-learned";
			readonly authority: string;
			readonly number: string;
			readonly entries: number;
	  }
	/** A list came that is of no use here, or one could not be stored. */
	| {
			readonly event: "list-trouble";
			readonly code: ErrorCode;
			readonly reason: string;
	  }
	/** The agent is about to ask for a payment; whatever fails after that, it is asked for again with this contract. */
	| ({ readonly event: "paying" } & PaymentEvent)
	/** What came to nothing before anything was asked of the own module; it can be asked for with the same contract. */
	| ({
			readonly event: "not-paid";
			/** In hexadecimal. */
			readonly contract: string;
			readonly text: string;
			/** Whether the contract was given: it may have been paid earlier. */
			readonly again: boolean;
			readonly code: ErrorCode;
			readonly reason: string;
	  } & Money)
	/** An agent's module has paid the other module, or has been paid by it. */
	| ({ readonly event: "paid" | "received" } & PaymentEvent)
	/** Money is committed, and it is not known whether the other module has it. */
	| ({ readonly event: "in-doubt"; readonly reason: string } & PaymentEvent)
	/** An agent's module has done what there was to do with that issuer. */
	| {
			readonly event: "settled";
			readonly tetrad: number;
			/** The certified name of the issuer's module. */
			readonly issuer: string;
			/** That of the own module, where the agent has several. */
			readonly module?: string;
	  }
	/** What agents have to do with purchases. */
	| TradeEvent
	/** What a module's purse has for its owner. */
	| PurseEvent
	/** What an issuer has for its operator. */
	| IssuerEvent
	| { readonly event: "stopped" };

export interface Money {
	/** Decimal, such as "12.50". */
	readonly amount: string;
	readonly currency: string;
	/** Whether it is play money, which nobody exchanges for anything. */
	readonly play: boolean;
	/** The issuer's name. */
	readonly issuer: string;
}

/** How far a purchase is. What an owner is told of one that is over, or that is left alone, is always `bought`, `wrong`, `not-bought`, `void` or `in-doubt`. */
type PurchaseState =
	/** The goods are here, sealed, and the module is asked to pay. */
	| "paying"
	/** It waits for the owner of the module; nothing is paid. */
	| "waiting"
	| "paid"
	| "fetching"
	| "bought"
	/** It is paid, and the goods are not what the merchant signed for: there is evidence. */
	| "wrong"
	/** Nothing was paid. */
	| "not-bought"
	/** What was paid is credited. */
	| "void"
	/** It goes on by itself, and is over at `until` at the latest. */
	| "in-doubt";

type TradeEvent =
	/** A file of the folder that is sold, and why it is not offered. */
	| {
			readonly event: "not-offered";
			readonly path: string;
			readonly reason: string;
	  }
	| ({ readonly event: "selling"; readonly items: number } & Omit<
			Money,
			"amount"
	  >)
	/** A contract has gone to a buyer, or its money is there. */
	| ({
			readonly event: "offered" | "sold";
			readonly tetrad: number;
			readonly contract: string;
			readonly item: string;
			/** The certified name of the buyer's agent. */
			readonly buyer: string;
	  } & Money)
	/** Why a buyer did not get what it asked for. */
	| {
			readonly event: "unavailable";
			readonly tetrad: number;
			readonly peer: string;
			readonly code: ErrorCode;
			readonly reason: string;
	  }
	/** What a merchant offers. Names of devices are certified; all else is its own word. */
	| ({
			readonly event: "quoted";
			readonly item: string;
			readonly about?: string;
			readonly order?: string;
			/** In bytes, where it is known. */
			readonly size?: number;
			readonly merchant: string;
			readonly module: string;
			readonly until: string;
			readonly rail: RailName;
			readonly promises: RailPromises;
			/** Of ecash: the address of its mint, what the mint calls its unit, and what it asks for beside the price, where that is known. */
			readonly mint?: string;
			readonly unit?: string;
			readonly fee?: string;
	  } & Money)
	| ({
			readonly event: "purchase";
			readonly state: PurchaseState;
			readonly contract?: string;
			readonly path?: string;
			readonly until?: string;
			/** Over which it is paid, once there is a contract. */
			readonly rail?: RailName;
			/** Of ecash that is about to be paid: until when it stays locked at the latest, unless it is claimed. */
			readonly lockedUntil?: string;
			/** Of ecash, once it is over: what its mint has taken beside the amount. */
			readonly fee?: string;
			readonly code?: ErrorCode;
			readonly reason?: string;
	  } & Partial<Money>)
	| ({
			readonly event: "bought";
			readonly contract: string;
			readonly item: string;
			readonly merchant: string;
			readonly path: string;
			readonly size: number;
			/** Whether the merchant's module has signed for the money; else the issuer has said that it was booked. */
			readonly receipted: boolean;
			/** As above. */
			readonly fee?: string;
	  } & Money);

interface PaymentEvent extends Money {
	readonly tetrad: number;
	/** In hexadecimal. */
	readonly contract: string;
	/** What it is for. */
	readonly text: string;
}

export type PurseEvent = {
	readonly event: "purse";
	readonly kind: PurseReport["kind"];
	/** The other module, in hexadecimal. */
	readonly peer?: string;
	readonly contract?: string;
	readonly request?: string;
	/** Of what was lost: the contract, or the note, in hexadecimal. */
	readonly subject?: string;
	/** Of a deposit: what the account was credited with. */
	readonly credited?: string;
	/** What a mint asks for a payment beside the amount, or what is gone of one that came back. */
	readonly fee?: string;
	/** Of a payment that waits for the owner: the certified name of the other module, and what it is for, if anybody has said. */
	readonly name?: string;
	readonly text?: string;
	/** Of a payment that waited: what the owner said. */
	readonly approved?: boolean;
	/** Of the owner's limits. */
	readonly number?: string;
	/** Of an exchange: whether own notes became new ones, or went to the account. */
	readonly into?: "notes" | "account";
	/** Of a sale: what it came to, in a sentence; of an order of ecash: of which kind it is. */
	readonly what?: string;
	/** Of an order of ecash. */
	readonly state?: EcashOrderState;
	readonly code?: ErrorCode;
	readonly reason?: string;
} & Partial<Money>;

type IssuerEvent =
	| {
			readonly event: "issuing";
			/** Device id of the issuer's module, in hexadecimal. */
			readonly issuer: string;
			readonly name: string;
			readonly currency: string;
			readonly play: boolean;
	  }
	/** The HTTP API can be asked. */
	| { readonly event: "serving"; readonly url: string }
	/** A request of a module was settled for the first time. */
	| {
			readonly event: "request";
			readonly tetrad: number;
			/** The certified name of the module that asked. */
			readonly peer: string;
			readonly asked: RequestKind;
			/** The contract of the sale that was handed in, in hexadecimal. */
			readonly sale?: string;
			readonly outcome: "issued" | "booked" | "void" | "declined";
			readonly amount?: string;
			readonly currency?: string;
			readonly play?: boolean;
			readonly code?: ErrorCode;
			readonly reason?: string;
	  }
	/** A module spent one range of a note twice. Ids are in hexadecimal. */
	| {
			readonly event: "double-spending";
			readonly conflict: string;
			readonly holder: string;
			readonly note: string;
			readonly first: string;
			readonly second: string;
	  }
	/** A purse came with another head than it had told before under the same number: there are two copies of it. */
	| {
			readonly event: "forked";
			readonly tetrad: number;
			readonly peer: string;
			readonly head: string;
	  }
	/** A request could not be settled now, or what was done could not be kept everywhere. */
	| {
			readonly event: "trouble";
			readonly tetrad: number;
			readonly code: ErrorCode;
			readonly reason: string;
	  };

export type Report = (event: ProcessEvent) => void;

/** Reports what becomes of untrusted lists. */
export function reportLists(report: Report): (event: ListEvent) => void {
	return (event) => {
		switch (event.kind) {
			case "learned": {
				const { authority, number, entries } = event;
				return report({
					event: "list-learned",
					authority,
					number: String(number),
					entries,
				});
			}
			case "trouble": {
				const { code, message } = event.error;
				return report({ event: "list-trouble", code, reason: message });
			}
		}
	};
}

/** An amount as events say it. */
export function moneyText(
	amount: bigint,
	{ name, currency, isPlay }: IssuerTerms,
): Money {
	return {
		amount: formatAmount(amount, currency),
		currency: currency.code,
		play: isPlay,
		issuer: name,
	};
}
