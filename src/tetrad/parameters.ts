import { TetradError } from "../errors.ts";
import { MAX_CONTENT_BYTES, RECORD_OVERHEAD } from "../session/index.ts";

/** How the two random numbers reach the four devices: `direct` (claims 1–4) or `crossed` (claim 8). */
export type Routing = "direct" | "crossed";

/**
 * How the root key is formed. `transcript` salts an HKDF with the transcript. `unsafe-xor` is
 * R1 ⊕ R2, the patent to the letter: whoever taps both open links has it.
 */
export type Root = "transcript" | "unsafe-xor";

/**
 * What protects the messages between an agent and its module. `unsafe-open` sends them in clear,
 * for two devices inside one process or one sealed box: whoever taps both open links has the
 * root key, and whoever sits on one can relay.
 */
export type LinkMode = "paired" | "unsafe-open";

/** The four places of a tetrad. */
export type Place = "A" | "B" | "X" | "Y";

/** The four places of a tetrad, in the order in which the protocol names them. */
export const PLACES: readonly Place[] = ["A", "B", "X", "Y"];

/** The version byte of everything described in docs/protocol.md. */
export const PROTOCOL_VERSION = 1;

export const SHARE_BYTES = 32;
export const FIN_BYTES = 32;
export const TETRAD_ID_BYTES = 16;

/** The longest cookie, in bytes. */
export const MAX_COOKIE_BYTES = 64;

/** What names a resumption token, in bytes. */
export const TOKEN_ID_BYTES = 16;

/** How long after all four signed for it a tetrad may be resumed, again and again: a day, in milliseconds. */
export const MAX_RESUMPTION_MS = 86_400_000;

/** Resumption tokens that a device keeps: in all, for one address that an agent calls, and of one other agent elsewhere. The oldest goes. */
export const MAX_TOKENS = 4096;
export const MAX_TOKENS_OF_ADDRESS = 8;
export const MAX_TOKENS_OF_PEER = 32;

/** Time that an establishment may take unless the caller says otherwise, in milliseconds. */
export const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * How long an agent that answers waits for the next flight of the one that calls, in milliseconds.
 * Whoever says nothing holds up an establishment for no longer.
 */
export const NEXT_FLIGHT_MS = 8_000;

/** What an agent that answers does at once, and for whom. All are whole numbers from 0, and times in milliseconds. */
export interface LoadLimits {
	/** Offers that are worked on: two key exchanges and two signatures each, of this agent and of its module. */
	readonly working: number;
	readonly workingOfAddress: number;
	/** Offers that wait for that. */
	readonly waiting: number;
	readonly waitingOfAddress: number;
	/** How long one waits before it is refused. */
	readonly waitMs: number;
	/** Connections on which no tetrad is confirmed. */
	readonly halfOpen: number;
	readonly halfOpenOfAddress: number;
	/** So many half-open connections make this agent busy; it is busy also when an offer would have to wait. */
	readonly busyFrom: number;
	/** How long a connection may take until an offer is there that may be worked on. */
	readonly offerMs: number;
	/** New connections a second, and so many more at once after a silence. */
	readonly perSecondOfAddress: number;
	readonly burstOfAddress: number;
	/** Tetrads whose other agent is authenticated and that have not ended. */
	readonly tetrads: number;
	readonly tetradsOfDevice: number;
	/** Establishments of one agent in a minute, and so many at once after a silence. */
	readonly perMinuteOfDevice: number;
}

/** What a device allows unless its owner says otherwise. */
export const LOAD_LIMITS: LoadLimits = {
	working: 16,
	workingOfAddress: 8,
	waiting: 256,
	waitingOfAddress: 32,
	waitMs: 5_000,
	halfOpen: 512,
	halfOpenOfAddress: 64,
	busyFrom: 64,
	offerMs: 6_000,
	perSecondOfAddress: 32,
	burstOfAddress: 256,
	tetrads: 1024,
	tetradsOfDevice: 32,
	perMinuteOfDevice: 600,
};

/** How long a closing agent waits for its module to close session 2, in milliseconds. */
export const CLOSE_TIMEOUT_MS = 5_000;

/** The byte of each choice on the wire and in the transcript. */
export const ROUTING_BYTE: Readonly<Record<Routing, number>> = {
	direct: 0x01,
	crossed: 0x02,
};
export const ROOT_BYTE: Readonly<Record<Root, number>> = {
	transcript: 0x01,
	"unsafe-xor": 0x02,
};
export const LINK_BYTE: Readonly<Record<LinkMode, number>> = {
	paired: 0x01,
	"unsafe-open": 0x02,
};

/** The choice that a byte stands for, or `undefined`. */
export function fromByte<Choice extends string>(
	table: Readonly<Record<Choice, number>>,
	byte: number,
): Choice | undefined {
	const names = Object.keys(table) as Choice[];
	return names.find((name) => table[name] === byte);
}

/** Bytes before the body of a link message: the tetrad's id and a type. */
export const LINK_HEADER_BYTES: number = TETRAD_ID_BYTES + 1;

/** The largest body of a link message, in bytes. */
export const MAX_LINK_BODY_BYTES: number =
	MAX_CONTENT_BYTES - LINK_HEADER_BYTES;

/** A part of an untrusted list on its way, in bytes: 64 KiB, so that messages need not wait long behind it. */
export const MAX_LIST_PART_BYTES: number = 2 ** 16;

/** What one end may say about untrusted lists in a period. An end that does more ends the exchange, and with it what carries it. */
export interface ListLimits {
	readonly everyMs: number;
	/** Words about what it holds. */
	readonly held: number;
	readonly lists: number;
	/** Bytes of all those lists together. */
	readonly bytes: number;
}

const HOUR_MS = 3_600_000;

/** Between the agents of two owners, for one tetrad. */
export const SESSION_LIST_LIMITS: ListLimits = {
	everyMs: HOUR_MS,
	held: 64,
	lists: 128,
	bytes: 2 ** 26,
};

/** On a link, whose two ends have one owner: an agent passes on what it learns in many tetrads. */
export const LINK_LIST_LIMITS: ListLimits = {
	everyMs: HOUR_MS,
	held: 4096,
	lists: 4096,
	bytes: 2 ** 29,
};

/** Bytes of lists on their way to one device in all its tetrads; lists for which there is no room are passed over. */
export const MAX_LIST_MEMORY_BYTES: number = 2 ** 26;

/** P2s that a module sends before it waits for its owner's word. Each is a try at one code of 33 bits. */
export const MAX_PAIRING_TRIES = 3;

/** The longest sentence that crosses a link, in bytes. */
export const MAX_END_REASON_BYTES = 1024;

/** The largest message of session 1, in bytes. */
export const MAX_AGENT_MESSAGE_BYTES: number = MAX_CONTENT_BYTES;

/** The largest message of sessions 2, 3 and 4, in bytes: its record must fit into a link message. */
export const MAX_MODULE_MESSAGE_BYTES: number =
	MAX_LINK_BODY_BYTES - RECORD_OVERHEAD;

/** As `demandSize`, for a message of the application. Only session 1 is between two agents. */
export function demandMessageSize(
	from: "agent" | "module",
	to: "agent" | "module",
	message: Uint8Array,
): void {
	const isSession1 = from === "agent" && to === "agent";
	demandSize(
		message,
		isSession1 ? MAX_AGENT_MESSAGE_BYTES : MAX_MODULE_MESSAGE_BYTES,
	);
}

/** Throws `message-too-large` for a message that its session or link cannot carry. */
export function demandSize(message: Uint8Array, maxBytes: number): void {
	if (message.length > maxBytes)
		throw new TetradError(
			"message-too-large",
			`a message may here have ${maxBytes} bytes; this one has ${message.length}`,
		);
}
