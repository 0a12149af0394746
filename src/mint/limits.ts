/*
 * What one request may ask for. The NUTs leave this to the mint; these are in the order of what
 * public mints allow.
 */

/** Bytes of a body. */
export const MAX_BODY_BYTES = 1_048_576;
/** Inputs, outputs, or states in one request. */
export const MAX_ENTRIES = 1_000;
/** Characters of a secret; a lock for a purchase has some 600. */
export const MAX_SECRET = 1_024;
/** Characters of a witness, which is seven signatures. */
export const MAX_WITNESS = 1_024;
/** Characters of an invoice, a description or the name of anything. */
export const MAX_TEXT = 1_024;
/** What one quote can be for. */
export const MAX_QUOTE: bigint = 1n << 40n;
/** Seconds for which a quote can be paid. */
export const QUOTE_SECONDS = 3_600;
