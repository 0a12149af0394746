// Implementation limits: a change makes another program and no other format.

/** How long a merchant stands by an offer: a quarter of an hour. */
export const OFFER_VALID_MS = 900_000;

/** How long a buyer has to pay for what is sent at once: an hour. */
export const PAY_WITHIN_MS = 3_600_000;

/** How long after that ecash stays locked for it at the most: a day. Nobody but its buyer needs the deadline to be early: a merchant has claimed the money before it gives the key. */
export const LOCKED_AFTER_MS = 86_400_000;

/** What a merchant counts on of a buyer's line, in bytes a second: merchandise gives so much more time to pay as it takes to be sent. */
export const SLOW_LINE_BYTES_PER_S = 262_144n;

/** Chunks of a source that are read ahead of what was sent. */
export const READ_AHEAD_CHUNKS = 2;

/** Chunks that may be on their way to a buyer at once. */
export const SENT_AHEAD_CHUNKS = 2;

/** Chunks that may be on their way to the disk of a buyer at once. */
export const KEPT_AHEAD_CHUNKS = 4;

/** How long a buyer may take nothing of what is sent to it: two minutes. */
export const STALL_MS = 120_000;

/** What an agent may have asked for in one tetrad and not been told yet. */
export const MAX_BUYER_ASKS = 1024;
