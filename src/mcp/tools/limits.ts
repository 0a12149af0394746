/** How long after it was made a purchase answers a new quote for the same thing, in milliseconds. */
export const RECENT_PURCHASE_MS = 3_600_000;

/** Purchases that are looked through for one of the same thing, the newest first. */
export const MAX_PURCHASES_SEEN = 1000;

/** Purchases that `tetrad_status` tells of beside those that are not over. */
export const MAX_PURCHASES_TOLD = 20;

/** Quotes that can be bought; of more, the oldest are forgotten. */
export const MAX_KNOWN_QUOTES = 1024;

/** Purchases that are under way at once, those that wait for the owner included. */
export const MAX_UNDER_WAY = 64;

/** How long a call waits for a purchase before it says that this goes on, in milliseconds: less than the minute after which clients give up. */
export const ANSWER_WITHIN_MS = 45_000;

/** How long a merchant may take to list what it sells, or to name a price, in milliseconds. */
export const ASK_WITHIN_MS = 30_000;

/** How long a purchase may be under way, in milliseconds: as long as a contract can be paid at most. What is paid then goes on. */
export const PURCHASE_WITHIN_MS = 86_400_000;

/** How long `tetrad_status` waits for what is in doubt, in milliseconds. */
export const RESOLVE_WITHIN_MS = 20_000;

/** Items of one answer. */
export const MAX_ITEMS = 100;

/** Items that are read of a catalogue, so that one which never ends costs no more. */
export const MAX_ITEMS_READ = 10_000;

/** Characters of what a merchant says about an item: in a list, and of one item. */
export const MAX_ABOUT_IN_LIST = 300;
export const MAX_ABOUT = 2000;

/** Characters of any other text of somebody else. */
export const MAX_TEXT = 500;

/** Bytes of goods that are shown as a text. */
export const MAX_SHOWN_BYTES = 8192;

/** One message over standard input, in bytes. */
export const MAX_MESSAGE_BYTES: number = 2 ** 18;

/** The body of one HTTP request, in bytes: the longest order of something, in JSON, and more. */
export const MAX_BODY_BYTES: number = 2 ** 16;

/** HTTP requests that are answered at once, and connections. */
export const MAX_REQUESTS = 64;
export const MAX_CONNECTIONS = 128;

/** How long the head of an HTTP request may take, all of it, and the next one, in milliseconds. */
export const HEADERS_WITHIN_MS = 5000;
export const REQUEST_WITHIN_MS = 10_000;
export const KEEP_ALIVE_MS = 5000;

/** How long one HTTP request is answered at most, in milliseconds. */
export const RESPONSE_WITHIN_MS = 120_000;
