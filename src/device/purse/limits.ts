/** Entries of history that may be asked for at once. */
export const MAX_HISTORY = 10_000;

/** Rows of an agent's store, and bytes of them, that are written in one step where it is moved to another database. */
export const MAX_MOVED_ROWS = 500;
export const MAX_MOVED_BYTES: number = 2 ** 24;

/** So long after it was signed an order that gives ecash away is carried out: a week. Its owner may have done it otherwise by then. */
export const ECASH_ORDER_MS: number = 7 * 86_400_000;

/** What is read as a seed, in characters: 24 words with a number before each are about 300. */
export const MAX_SEED_TEXT = 2_000;
