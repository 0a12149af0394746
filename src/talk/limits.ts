// Specification constants: a change makes another format.

/** A file's name as its sender has it, in bytes of UTF-8. */
export const MAX_FILE_NAME_BYTES = 255;

/** What a payment is for, in words, in bytes of UTF-8. */
export const MAX_TEXT_BYTES = 256;

// Implementation limits: a change makes another program and no other format.

/** File bytes in one message: with its type 128 KiB. A longer one costs little less, and a slow connection has 30 seconds for each. */
export const CHUNK_BYTES: number = 2 ** 17 - 1;

/** Of a received file's name, in bytes of UTF-8: leaves room for " (1000).part" in the 255 that file systems take. */
export const MAX_KEPT_NAME_BYTES = 200;

/** The largest file that a receiver takes unless told otherwise, in bytes: 16 GiB. */
export const DEFAULT_MAX_FILE_BYTES: number = 2 ** 34;
