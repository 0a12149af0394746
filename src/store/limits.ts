/* What a store may cost. Times are in milliseconds. */

/** Transactions that wait; one more is refused with `busy`. */
export const MAX_QUEUED = 10_000;

/** Transactions that may wait for another one to become durable with; with one more none does. */
export const MAX_WAITING = 64;

/** Transactions that share one durable step. */
export const MAX_BATCH = 256;

/** Reads of one step of a transaction, and steps of one transaction. */
export const MAX_READS = 1_000;
export const MAX_STEPS = 1_000;

/** Rows that one transaction may write, and bytes in them. */
export const MAX_WRITES = 10_000;
export const MAX_WRITTEN_BYTES: number = 2 ** 26;

/** Bytes of one value. */
export const MAX_VALUE_BYTES: number = 2 ** 24;

/**
 * Bytes of the values that place one row in one order, integers at eight: PostgreSQL takes no
 * more than 2,704 in an entry of an index, with what it adds.
 */
export const MAX_INDEX_ENTRY_BYTES = 2_048;

/** Letters of a name: PostgreSQL cuts off at 63, and an index has two of them in its own. */
export const MAX_NAME_LETTERS = 30;

/** Copies of one version of a store that may lie beside it, made before its tables were changed. */
export const MAX_COPIES = 8;

/** Prepared statements that an SQLite store keeps. */
export const MAX_STATEMENTS = 256;

/** Bytes that SQLite's write-ahead log keeps of the room that a long snapshot made it take. */
export const MAX_IDLE_LOG_BYTES: number = 2 ** 26;

/** Snapshots that one store shows at a time; one more is refused with `busy`. */
export const MAX_SNAPSHOTS = 8;

/** Rows that a scan fetches at a time. */
export const SCAN_ROWS = 500;

/** Of those, in the first batch; each further one has four times as many. */
export const FIRST_SCAN_ROWS = 8;

/** How long SQLite waits for another program that writes to the same file. */
export const FOREIGN_WRITER_MS = 1_000;

/** How long a server of PostgreSQL may take until a connection can be used. */
export const CONNECT_MS = 5_000;

/** Servers that one address may name. */
export const MAX_HOSTS = 8;

/** How long an opener waits for a standby to confirm what was written before, where one has to. */
export const STANDBY_MS = 10_000;

/** How long one statement may take, and how long it waits for a lock that somebody else has. */
export const STATEMENT_MS = 30_000;
export const LOCK_MS = 10_000;

/** How long one statement may take that copies a table or brings it to another version. */
export const MIGRATION_MS: number = 6 * 3_600_000;

/** How long all statements of one durable step may take, as this process sees it. */
export const BATCH_MS = 60_000;

/** How long an opener waits for the session of a process that was killed to end. */
export const LAST_SESSION_MS = 500;

/** How long one waits who shares a store with others, of which one may be making its tables. */
export const SHARE_WITHIN_MS = 3_000;

/** How often a durable step is run again because another writer got in its way. */
export const MAX_CONFLICTS = 10;

/** How long somebody who looks on waits for a store that is being made, and between two looks. */
export const MADE_WITHIN_MS = 1_000;
export const LOOK_EVERY_MS = 20;
