/** Quotes that an agent keeps to be bought; of more, the oldest are forgotten. */
export const MAX_OPEN_QUOTES = 4096;

/** Events that wait for one reader; of more, the oldest are counted as missed. */
export const MAX_WAITING_EVENTS = 1024;

/** What a list has unless more is asked for. */
export const DEFAULT_LIST_ROWS = 100;

/** Names that are tried for goods whose buyer named no file. */
export const MAX_FREE_NAMES = 1000;

/** Merchants that are asked for missing goods in one go. */
export const MAX_MERCHANTS_ASKED = 64;

/** Purchases that are not over and that are looked at when one is made. */
export const MAX_OPEN_PURCHASES = 4096;

/** One line of the local socket, either way, in bytes: the evidence of a wrong chunk in base64 and more. */
export const MAX_LINE_BYTES: number = 2 ** 18;

/** Programs that the local socket answers at once; each asks one thing. */
export const MAX_CONNECTIONS = 256;

/** Of those, the ones that may listen to events, which have no end; the others are left to whoever asks. */
export const MAX_LISTENERS = 128;

/** Programs beyond all these that are told so at once; of more, the system hangs up. */
export const MAX_TURNED_AWAY = 64;

/** How long a program may read nothing of what waits for it, in milliseconds. */
export const READ_WITHIN_MS = 60_000;

/** Bytes that wait for a program that does not read; one with more is let go. */
export const MAX_UNSENT_BYTES: number = 2 ** 20;

/** How long a program may take to ask, from when it has connected, in milliseconds. */
export const ASK_WITHIN_MS = 10_000;

/** How long the running agent may take to say who it is, in milliseconds. */
export const GREET_WITHIN_MS = 10_000;

/** How often, and with how long a pause in milliseconds, an agent is looked for that another process is opening. */
export const OPENING_TRIES = 20;
export const OPENING_PAUSE_MS = 100;

/** How long what is under way may take to end when its program closes the agent, in milliseconds. */
export const CLOSE_WITHIN_MS = 5000;

/** Rows that one list may have. */
export const MAX_LISTED = 100_000;

/** How long whoever asks how an agent is waits for its links with modules that are not there yet, in milliseconds. */
export const LINKED_WITHIN_MS = 2_000;
