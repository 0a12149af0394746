import type { ErrorCode } from "../../errors.ts";
import type { SecretSource } from "../../keys/index.ts";
import type { HeldBecause, WhyApproval } from "../../money/index.ts";
import type { Avoided } from "../../trade/agent/index.ts";
import type {
	ItemKind,
	RailName,
	RailPromises,
} from "../../trade/documents/index.ts";
import type { ProcessEvent } from "../process/index.ts";
import type { Taken } from "../trade/index.ts";
import type { ForSale } from "./for-sale.ts";

/*
 * What programs ask of an agent that buys and sells, and what it answers: data that any program
 * can keep and print. Ids are in hexadecimal, times in ISO 8601, amounts in minor units of the
 * money that stands beside them.
 */

/** Which money an amount is of. */
export interface MoneyOf {
	/** The code of its currency. */
	readonly currency: string;
	/** Decimals of the currency: with 2, the amount 1250n is 12.50. */
	readonly exponent: number;
	/** Whether it is play money, which nobody exchanges for anything. */
	readonly play: boolean;
	/** The certified name of its issuer, or the address of its mint without the scheme. */
	readonly issuer: string;
}

/** One thing that a merchant sells. All but the money's terms is its merchant's word. */
export interface CatalogueItem extends MoneyOf {
	readonly item: string;
	readonly kind: ItemKind;
	readonly amount: bigint;
	/** In bytes, where it is known. */
	readonly size?: number | undefined;
	/** As of RFC 6838. */
	readonly type?: string | undefined;
	readonly about?: string | undefined;
	/** Over which it is paid. */
	readonly rail: RailName;
	/** Of ecash: the address of its mint, and what the mint calls its unit. */
	readonly mint?: string | undefined;
	readonly unit?: string | undefined;
}

/** A price that a merchant stands by. Names of devices are certified; all else is its merchant's word. */
export interface Quote extends CatalogueItem {
	/** It is bought by this, and only once. */
	readonly id: string;
	/** Of ecash: what its mint asks for beside the price, in minor units, with the ecash that is there now; not there where the module does not know it yet. It may be another by the time it is paid, within `maximum` and the limits. */
	readonly fee?: bigint | undefined;
	/** What shall be made, of what is made on order. */
	readonly order?: string | undefined;
	/** The merchant's agent, by its certified name and its device id, and where it was reached. */
	readonly merchant: string;
	readonly merchantId: string;
	readonly address: string;
	/** The merchant's module, which is paid. */
	readonly module: string;
	readonly moduleId: string;
	/** By the merchant's clock. */
	readonly until: string;
	readonly promises: RailPromises;
}

/** What became of a purchase. */
export interface Purchase extends MoneyOf {
	readonly contract: string;
	/** The quote that was bought, where this agent has asked for it. */
	readonly quote?: string | undefined;
	/** `in-doubt` until it is known whether it was paid, and `wrong` when it is paid and the goods are not what the merchant signed for. */
	readonly state: "bought" | "wrong" | "not-bought" | "void" | "in-doubt";
	readonly time: string;
	readonly item: string;
	readonly order?: string | undefined;
	/** The merchant's agent, by its certified name and its device id. */
	readonly merchant: string;
	readonly merchantId: string;
	readonly module: string;
	readonly amount: bigint;
	/** Over which it is paid. */
	readonly rail: RailName;
	/** Of ecash: the address of its mint, and what the mint calls its unit. */
	readonly mint?: string | undefined;
	readonly unit?: string | undefined;
	/** Of ecash: what its mint has taken beside that, or for what came back, once it is over; not there where that is nothing. What it cost is both together. */
	readonly fee?: bigint | undefined;
	/** What of it was given back by the merchant. */
	readonly refunded?: bigint | undefined;
	/** When it can be booked no more: a doubt ends then at the latest, once the issuer is asked. Ecash that nobody has claimed comes back after that. */
	readonly until: string;
	/** Where the goods are, or shall be. */
	readonly path: string;
	/** In bytes. */
	readonly size: number;
	/** Whether the merchant's module has signed for the money. */
	readonly receipted: boolean;
	/** Why there are no goods. */
	readonly code?: string | undefined;
	readonly reason?: string | undefined;
}

/** What this agent has heard of one of its module's sales. */
export interface Sale extends MoneyOf {
	/** The certified name of the module that was paid, where its receipt says it. */
	readonly module?: string | undefined;
	readonly contract: string;
	readonly time: string;
	/** Empty where it was sold before the agent was started again. */
	readonly item: string;
	/** The certified name of the buyer's agent. */
	readonly buyer: string;
	readonly amount: bigint;
	/** Over which it was paid; not there for what was sold before that was kept. */
	readonly rail?: RailName | undefined;
	/** Of ecash: the address of its mint, and what the mint calls its unit, where the shop still took it when it was paid. */
	readonly mint?: string | undefined;
	readonly unit?: string | undefined;
	/** What of it was given back. */
	readonly refunded?: bigint | undefined;
}

/** What a purse holds of one money. */
export interface Balance extends MoneyOf {
	/** The certified name of the module, of an agent that has several. */
	readonly module?: string | undefined;
	readonly spendable: bigint;
	/** Own money that cannot be paid with now. */
	readonly held: bigint;
	/** There while anything is held. */
	readonly heldBecause?: HeldBecause | undefined;
	readonly toDeposit: bigint;
	/** Not received before the issuer has booked all of it. */
	readonly toBook: bigint;
	readonly inDoubt: bigint;
	readonly toClaim: bigint;
	/** Withdrawals that the owner has ordered: it is no money yet. */
	readonly ordered: bigint;
}

/** One durable change of a purse; of which money it is stands beside it as far as the purse knows. */
export interface HistoryEntry {
	/** The certified name of the module, of an agent that has several. */
	readonly module?: string | undefined;
	readonly currency?: string | undefined;
	readonly exponent?: number | undefined;
	readonly play?: boolean | undefined;
	readonly issuer?: string | undefined;
	readonly number: bigint;
	readonly time: string;
	readonly what: string;
	readonly amount: bigint;
	/** What it is about: a contract, a request or a note. */
	readonly subject: string;
	/** Device id of whom it has to do with, and the name in it if there is one. */
	readonly peer: string;
	readonly with?: string | undefined;
	/** What it is for, as the agent or the merchant says; empty when nobody has said. */
	readonly text: string;
}

/** A payment that waits for the owner of the module, or that the owner has decided on and that was not made. */
export interface Approval extends MoneyOf {
	/** The certified name of the module, of an agent that has several. */
	readonly module?: string | undefined;
	readonly contract: string;
	readonly state: "waiting" | "approved" | "denied";
	readonly amount: bigint;
	/** What its mint asks for beside that, of ecash. */
	readonly fee?: bigint | undefined;
	/** The module that is to be paid. */
	readonly payee: string;
	readonly payeeId: string;
	/** What it is for, as the agent or the merchant says; empty when nobody has said. */
	readonly text: string;
	readonly because: WhyApproval;
	/** The same in a sentence. */
	readonly reason: string;
	readonly asked: string;
}

/** How one of an agent's several modules is. */
export interface ModuleStatus {
	/** Its certified name, and its device id. */
	readonly name: string;
	readonly id: string;
	/** Where it is. */
	readonly address: string;
	/** At which port of the agent's host buyers who come back meet it. */
	readonly port?: number | undefined;
	readonly isLinked: boolean;
	/** As in `AgentStatus`. */
	readonly settled?: AgentStatus["settled"];
	readonly trouble?: AgentStatus["trouble"];
}

/** How an agent is. */
export interface AgentStatus {
	/** Its certified name. */
	readonly name: string;
	/** Of the agent. */
	readonly home: string;
	/** The process that runs it. */
	readonly process: number;
	readonly since: string;
	/** Where its module is, or the first of several, and whether it is linked with it now. */
	readonly module: string;
	readonly isLinked: boolean;
	/** Each of several modules, the first one first. */
	readonly modules?: readonly ModuleStatus[] | undefined;
	/** Where other agents reach it. */
	readonly listening: readonly string[];
	/** When it last met its issuer, and the issuer's certified name. */
	readonly settled?:
		| { readonly time: string; readonly issuer: string }
		| undefined;
	/** Why the last meeting after that came to nothing. */
	readonly trouble?:
		| {
				readonly time: string;
				readonly code: ErrorCode;
				readonly reason: string;
		  }
		| undefined;
	/** Purchases that are not over. */
	readonly inDoubt: number;
	/** The library that seals and signs for it, and its version. */
	readonly crypto: string;
}

/** What an agent does; `missed` stands where so many were not read in time. */
export type AgentEvent =
	| ProcessEvent
	| { readonly event: "missed"; readonly count: number };

/** How something that takes its time is stopped, and watched. */
export interface AskOptions {
	readonly signal?: AbortSignal | undefined;
	/** Hears how far it is. */
	readonly step?: ((event: ProcessEvent) => void) | undefined;
}

/** What is asked for, beside the item. */
export interface QuoteOptions extends AskOptions {
	/** Of what is made on order: what shall be made. */
	readonly order?: string | undefined;
	/** Over which rails it may be paid, the preferred one first; what the side says, or all of them, notes first, unless given. */
	readonly rails?: readonly RailName[] | undefined;
	/** What must not be promised of the rail; what the side says unless given. */
	readonly avoid?: readonly Avoided[] | undefined;
	/** The code of the currency that the price has to be in; any unless given. */
	readonly currency?: string | undefined;
}

/** How something is bought. */
export interface BuyOptions extends AskOptions {
	/** Where the goods go; into `folder` unless given. */
	readonly to?: string | undefined;
	/** Where the goods get the name of the item, as far as that is harmless and free; the buyer's folder unless given. */
	readonly folder?: string | undefined;
	/** Whether a file that is there is written over; not so unless given. */
	readonly overwrite?: boolean | undefined;
	/** What it may cost at most, with the fee of a mint, in minor units of the quote's money: a number without a currency, which means what it shall only beside the very quote that was looked at. The limits of the module's owner hold beside it. */
	readonly maximum?: bigint | undefined;
	/** How long the goods may be, in bytes: longer ones are given up before they come, with `limit-exceeded`, and nothing is paid. */
	readonly maxBytes?: number | undefined;
	/** Whether to wait for the owner of the module where a purchase needs one; without, it is given up and nothing is paid. */
	readonly waits?: boolean | undefined;
	/** Whether the owner of the module is asked first, whatever the limits say: nothing that a program says loosens those. */
	readonly askOwner?: boolean | undefined;
	/** The same, where that thing (the merchant, the item and the order) is being bought by another quote, is in doubt, or was bought within so many milliseconds. */
	readonly askOwnerAgainWithinMs?: number | undefined;
}

/** What is sold, and where buyers come. */
export type SellOptions = ForSale &
	AskOptions & {
		/** For which money, the preferred one first: prices that name no currency are in that of the first. What the side says, or notes alone, unless given. */
		readonly takes?: readonly Taken[] | undefined;
		/** Where buyers come; what the side says unless given. */
		readonly listen?: string | undefined;
	};

/** How much of a list is wanted. */
export interface ListOptions {
	/** The newest come first, and no more than that; 100 unless given. */
	readonly limit?: number | undefined;
}

/** Where to ask for what is not over, and what for. */
export interface ResolveOptions extends AskOptions {
	/** Where to ask: the own issuer, and then each merchant from whom goods are missing, unless given. */
	readonly at?: string | undefined;
	/** Whether the agent there is a merchant's, and not the issuer's. */
	readonly isMerchant?: boolean | undefined;
	/** Ask the module first what was bought: for a new agent in the place of an old one. */
	readonly learn?: boolean | undefined;
	/** Where goods go of which only the module knew; the buyer's folder, or the working folder, unless given. */
	readonly folder?: string | undefined;
}

/** How an owner decides. */
export interface OwnerOptions {
	/** Where the passphrase of the purse's owner comes from. */
	readonly owner: SecretSource;
}

/** What came of an order that an owner has given. */
export interface OrderTaken {
	/** Whether the running module has taken it down; else it does when it starts. */
	readonly inForce: boolean;
}

/** What an owner has decided about a payment, and what came of saying so. */
export interface Decision extends Approval, OrderTaken {}

/**
 * An agent that buys and sells. `openAgent` opens one. Everything rejects with a `TetradError`, and
 * with the same codes wherever the agent runs.
 */
export interface AgentService extends AsyncDisposable {
	/** Its certified name. */
	readonly name: string;

	/** What an item costs at the merchant whose agent answers at that address. */
	quote(merchant: string, item: string, options?: QuoteOptions): Promise<Quote>;

	/**
	 * Buys what was quoted, or says where it is if it is bought already: one quote is one purchase,
	 * however often and by however many it is asked for, also after a crash. Resolves when the goods
	 * are there, whole and verified.
	 *
	 * `signal` stops it, and never leaves money in doubt that was not in doubt before. Rejects with
	 * `payment-refused` for a price above `maximum` and for what the module refuses, `approval-needed`
	 * for what needs its owner, `offer-expired` for a quote that is too old or not known,
	 * `payment-in-doubt` where it is not known yet whether it is paid, or it is paid and its goods are
	 * still to come: the same quote again, or `resolve`, goes on; `purchase-void` for one whose money is back,
	 * `merchandise-wrong` for one whose goods are not what the merchant signed for, and `double-spent`
	 * or `note-unknown` for one whose notes were no good, or whose issuer has forgotten them: that
	 * money is gone. After any other code nothing is paid.
	 */
	buy(quote: Quote | string, options?: BuyOptions): Promise<Purchase>;

	/** Everything that a merchant sells, as it comes. */
	catalogue(
		merchant: string,
		options?: AskOptions,
	): AsyncIterable<CatalogueItem>;

	/** What the purse of its module holds. Throws `home-unusable` where that is not on this machine. */
	balance(): Promise<readonly Balance[]>;

	/** What has changed in that purse, the newest first. Throws as `balance`. */
	history(options?: ListOptions): AsyncIterable<HistoryEntry>;

	/** What was bought, the newest first. */
	purchases(options?: ListOptions): AsyncIterable<Purchase>;

	/** What was sold, the newest first. */
	sales(options?: ListOptions): AsyncIterable<Sale>;

	/** The receipt of the purchase whose contract begins so, as `tetrad verify` judges it. Throws `invalid-argument` when there is none. */
	receipt(contract: string): Promise<Uint8Array>;

	/** What proves that the goods of that purchase are wrong. Throws `invalid-argument` when there is nothing to dispute. */
	dispute(contract: string): Promise<Uint8Array>;

	/** Lets the module do its business with its issuer now. */
	settle(options?: AskOptions): Promise<void>;

	/**
	 * Goes on with what was bought and is not over. Resolves with what it has gone on with, as it is now;
	 * of several who are asked, one that is out of reach holds up no other, and each purchase of a
	 * merchant who could not be asked says why. Rejects where nobody could be asked.
	 */
	resolve(options?: ResolveOptions): Promise<readonly Purchase[]>;

	/**
	 * Meets the merchant of a purchase, and takes back what it owes of it: the price of a ticket whose
	 * request was not answered, or what is left of it where its owner has given back a part. Resolves
	 * with the price, once all of it has come back, also before. Rejects
	 * with `timed-out` when nothing comes, and with `invalid-argument` for a contract that nothing was
	 * bought under.
	 */
	takeRefund(contract: string, options?: AskOptions): Promise<bigint>;

	/**
	 * Sells until the signal, or until the agent is closed, and meets the issuer regularly meanwhile.
	 * Where it listens and what it has sold is among the events. Rejects with why it cannot, and
	 * with `busy` where the agent runs in another process, or sells already.
	 */
	sell(options: SellOptions): Promise<void>;

	/** What waits for the owner of the module. Throws as `balance`. */
	approvals(): Promise<readonly Approval[]>;

	/** Lets the payment be made whose contract begins so, as the owner of the module, whose home has to be on this machine. It is paid when it is bought again. */
	approve(contract: string, options: OwnerOptions): Promise<Decision>;

	/** Refuses it. */
	deny(contract: string, options: OwnerOptions): Promise<Decision>;

	status(): Promise<AgentStatus>;

	/** What the agent does from now on, until it is closed. */
	events(options?: {
		readonly signal?: AbortSignal | undefined;
	}): AsyncIterable<AgentEvent>;

	/** Lets go of the agent. What is under way here is stopped as by its signal. */
	close(): Promise<void>;
}
