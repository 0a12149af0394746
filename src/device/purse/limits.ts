/** Entries of history that may be asked for at once. */
export const MAX_HISTORY = 10_000;
