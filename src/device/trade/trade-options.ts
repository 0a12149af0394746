import type { Carrier, Listener, ListenOptions } from "../../carrier/index.ts";
import type { Signer } from "../../identity/index.ts";
import type { AgentStore } from "../purse/index.ts";
import type {
	ConnectOptions,
	TetradEvent,
	TrustedAgent,
} from "../runtime/index.ts";
import type { GoodsKeeper } from "./goods-file.ts";

/** What an agent trades with. */
export interface TradingAgentOptions {
	readonly agent: TrustedAgent;
	/** Of the agent's home. */
	readonly store: AgentStore;
	/** The agent's key, which signs contracts; whoever only buys needs none here. */
	readonly signer?: Signer;
	/** By what it knows its own offers, `OFFER_KEY_BYTES`: whoever sells with the same takes each other's. Random with each `sell` unless given. */
	readonly offerKey?: Uint8Array | undefined;
	/** Where goods go that the module alone knew of, by the name of the item: a file in the working folder unless given. */
	readonly learnedTo?: (name: string) => string;
	/** Where goods are kept; in files unless given. Those of `BegunGoods` leave nothing behind for ever when the process dies. */
	readonly goods?: GoodsKeeper;
	/** Makes a carrier to the agent at an address; over Unix sockets and TCP unless given. */
	readonly dial?: (
		address: string,
		options: { readonly signal?: AbortSignal },
	) => Promise<Carrier>;
	/** Takes carriers at an address; over Unix sockets and TCP unless given. */
	readonly listen?: (
		address: string,
		onCarrier: (carrier: Carrier) => void,
		options: Pick<ListenOptions, "turnsAway">,
	) => Promise<Listener>;
	/** How tetrads are made. */
	readonly connect?: Pick<ConnectOptions, "routing" | "root">;
	/** Hears what becomes of each tetrad, for logs. */
	readonly observe?: (event: TetradEvent) => void;
	/** How long a tetrad with a merchant is kept for what is asked or bought there next, in milliseconds; not at all unless given. Whoever gives it closes this agent. */
	readonly standingMs?: number | undefined;
	/** How long a price or a page may take in a tetrad that stood before it passes for gone, in milliseconds; 10 seconds unless given. */
	readonly standingAnswerMs?: number | undefined;
}

/** How one thing that a trading agent does is watched and stopped. */
export interface TradeOptions {
	readonly signal?: AbortSignal | undefined;
	/** Hears what becomes of its tetrad, in the place of what hears that of all. */
	readonly observe?: ((event: TetradEvent) => void) | undefined;
}
