/** The text of a request, in bytes of UTF-8: it is the order of its purchase. */
export const MAX_REQUEST_BYTES = 4096;

/** How deep the arguments of a tool may be nested. */
export const MAX_ARGUMENT_DEPTH = 64;

/** The arguments of a tool, written down, in UTF-16 units: 1 MiB. */
export const MAX_ARGUMENTS_LENGTH: number = 2 ** 20;

/** How long an order waits for its request, and a request for its order, in milliseconds: half a minute. */
export const MEET_WITHIN_MS = 30_000;

/** How long a merchant that begins to sell waits for its issuer, in milliseconds; it sells all the same then. */
export const SELLS_WITHIN_MS = 10_000;

/** How long a request may be answered, in milliseconds: two minutes. */
export const ANSWER_WITHIN_MS = 120_000;

/** How long a buyer has to pay for an answer that is made, in milliseconds, until it counts as work that was left unpaid: half a minute. */
export const SETTLE_WITHIN_MS = 30_000;

/** One answer, in bytes: 16 MiB. */
export const MAX_ANSWER_BYTES: number = 2 ** 24;

/** Orders and requests that wait for each other, or are answered, in all. */
export const MAX_OPEN = 256;

/** The same, of one certified agent. */
export const MAX_OPEN_OF_BUYER = 16;

/** One answer that was paid first, which is kept, in bytes: 1 MiB. */
export const MAX_KEPT_ANSWER_BYTES: number = 2 ** 20;

/** Quotes of sealed answers that are remembered, in all and of one certified agent; of more, the oldest are forgotten. */
export const MAX_QUOTES = 16_384;
export const MAX_QUOTES_OF_BUYER = 256;

/** Purchases of one merchant that a buyer makes at once, so that it keeps within what a merchant lets one buyer have under way; the others wait. */
export const MAX_PAID_AT_ONCE = 8;

/** Requests that one buyer's program has under way, those that wait included. */
export const MAX_PAYING = 1024;

/** Purchases that are looked through for one that is to be gone on with. */
export const MAX_LOOKED_THROUGH = 100_000;

/** Ways to pay that one answer may ask for. */
export const MAX_WAYS = 16;

/** How long the reply to a request and the end of its purchase wait for each other where one of them has failed, in milliseconds. */
export const ANSWER_AFTER_FAILURE_MS = 2000;
