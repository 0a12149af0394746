// Limits of a module that buys and sells: a change makes another program and no other format.

/** Purchases that agents of a module have asked for and that are not over, as far as it has them in memory. */
export const MAX_OPEN_PURCHASES = 1024;

/** Purchases in one answer to an agent that asks what was bought. */
export const PURCHASES_AT_ONCE = 8;

/** Selling secrets that a module keeps. */
export const MAX_SELLING_SECRETS = 4096;

/** Old selling secrets that agents have asked for and that the module has not got. */
export const MAX_WANTED_SECRETS = 64;

/** Sales that a module keeps in memory until there is a buyer in whose tetrad its agent can be told of them; the oldest are forgotten. */
export const MAX_UNTOLD_SALES = 256;

/** What a seller leaves between now and the time by which a sale has to be booked: one hour. With less, it is booked before it is given. */
export const BOOKING_MARGIN_MS = 3_600_000;
